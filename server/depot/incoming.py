"""Files on their way in: each has a folder of its own on this machine, which is gone when it is done.

Bytes go to the disk as they come, so that a file is never in memory. Only so many come in at once, and of one user a
few, as whoever sends slowly holds a folder for minutes. What a crash has left is swept away when it is old.
"""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path

from msgspec import Struct

from protocol.ids import UserId
from server.errors import Invalid, Overloaded, StorageFull, TooLarge

AT_ONCE = 32
OF_ONE_USER = 4
WRITTEN_AT_ONCE = 262_144
LEFT_BEHIND = 3_600.0
"""Seconds after which nobody works on a folder any more."""


class Received(Struct, frozen=True):
    """A file that has come in whole."""

    path: Path
    size: int
    hash: bytes


class Incoming:
    """Of one instance. The folder is made when it is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._of_users: Counter[UserId] = Counter()

    @asynccontextmanager
    async def place(self, user: UserId) -> AsyncGenerator[Path]:
        """A folder for one file. Raises Overloaded."""
        if self._of_users[user] >= OF_ONE_USER or self._of_users.total() >= AT_ONCE:
            raise Overloaded("Too many files are coming in at once. Please try again.", retry_after_ms=2_000)
        self._of_users[user] += 1
        try:
            folder = await asyncio.to_thread(self._fresh_folder)
            try:
                yield folder
            finally:
                shutil.rmtree(
                    folder, ignore_errors=True
                )  # a few files; and whoever was cancelled waits for nothing more
        finally:
            self._of_users -= Counter([user])

    async def sweep(self) -> None:
        """Throw away what a crash has left."""
        await asyncio.to_thread(self._sweep)

    def _fresh_folder(self) -> Path:
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(dir=self._path))
        except OSError as error:
            raise StorageFull("There is no place for files right now.", retry_after_ms=5_000) from error

    def _sweep(self) -> None:
        if not self._path.is_dir():
            return
        for folder in self._path.iterdir():
            with suppress(FileNotFoundError):  # its upload has ended just now
                if time.time() - folder.stat().st_mtime > LEFT_BEHIND:
                    shutil.rmtree(folder, ignore_errors=True)


async def receive(pieces: AsyncIterable[bytes], path: Path, limit: int) -> Received:
    """Write a file as it comes. Raises TooLarge at the first byte over the limit, and Invalid if there is none."""
    digest, size, gathered = sha256(), 0, bytearray()
    with await asyncio.to_thread(_fresh, path) as file:
        async for piece in pieces:
            size += len(piece)
            if size > limit:
                raise TooLarge(f"A file may have {limit:,} bytes.")
            digest.update(piece)
            gathered += piece
            if len(gathered) >= WRITTEN_AT_ONCE:
                await _write(file, gathered)
        await _write(file, gathered)
    if size == 0:
        raise Invalid.field("(body)", "missing", "has no bytes")
    return Received(path, size, digest.digest())


def _fresh(path: Path) -> FileIO:
    try:
        return FileIO(path, "x")
    except OSError as error:
        raise StorageFull(retry_after_ms=5_000) from error


async def _write(file: FileIO, gathered: bytearray) -> None:
    """All of it: a disk that is nearly full takes a part, and says so by how much it took."""
    while gathered:
        try:
            taken = await asyncio.to_thread(file.write, bytes(gathered))
        except OSError as error:
            raise StorageFull(retry_after_ms=5_000) from error
        del gathered[:taken]
