"""A depot in a folder: a file for each name, in a folder for each owner.

A file is written beside its place, forced to the disk and renamed, so that it is whole or not there. What a crash
left half written begins with a full stop, and is thrown away when it is an hour old, as it is nobody's by then.
"""

import asyncio
import errno
import os
import shutil
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from server.depot.depot import NAME, OWNER, Depot, Lost, Lying
from server.errors import StorageFull, Unavailable

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

T = TypeVar("T")

PIECE = 65_536
HALF_WRITTEN = 3_600.0
"""Seconds."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Folder(Depot):
    """Made when something is put into it; only this user of the system may enter."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    async def put(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        place = self._place(name)
        half = place.with_name(f".{uuid4().hex}")
        try:
            file = await _done(lambda: _opened(half))
            with file:
                async for piece in pieces:
                    await _done(lambda piece=piece: file.write(piece))
                await _done(lambda: (file.flush(), os.fsync(file.fileno())))
            await _done(lambda: _rename(half, place))
        finally:
            with suppress(OSError):
                half.unlink(missing_ok=True)

    @override
    async def read(self, name: str, begin: int, end: int) -> AsyncGenerator[bytes]:
        try:
            file = await _done(lambda: self._place(name).open("rb"))
        except FileNotFoundError:
            raise Lost(name) from None
        with file:
            file.seek(begin)
            for size in _sizes(end - begin):
                if not (piece := await _done(lambda size=size: file.read(size))):
                    return
                yield piece

    @override
    async def remove(self, name: str) -> None:
        await _done(lambda: self._place(name).unlink(missing_ok=True))

    @override
    async def remove_all(self, owner: str) -> None:
        assert OWNER.fullmatch(owner), owner
        with suppress(FileNotFoundError):
            await _done(lambda: shutil.rmtree(self._path / owner))

    @override
    async def everything(self) -> AsyncGenerator[list[Lying]]:
        owners = await _done(lambda: [*_names(self._path)])
        for owner in owners:
            if OWNER.fullmatch(owner):
                yield await _done(lambda owner=owner: _lying(self._path / owner))

    def _place(self, name: str) -> Path:
        assert NAME.fullmatch(name), name
        return self._path / name


def _sizes(whole: int) -> Generator[int]:
    """Of the pieces that make up so many bytes."""
    while whole > 0:
        yield min(PIECE, whole)
        whole -= PIECE


async def _done(work: Callable[[], T]) -> T:
    """In a thread: a disk may be slow. A file that is not there is for the caller to mind."""
    try:
        return await asyncio.to_thread(work)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull(retry_after_ms=5_000) from error
        raise Unavailable("The place of the files cannot be used right now.", retry_after_ms=5_000) from error


def _opened(path: Path) -> BufferedWriter:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.open("xb")


def _rename(half: Path, place: Path) -> None:
    """And the folder is forced to the disk too, or the name might be lost."""
    half.replace(place)
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _there() -> Generator[None]:
    with suppress(FileNotFoundError, NotADirectoryError):
        yield


def _names(folder: Path) -> Generator[str]:
    with _there(), os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name


def _lying(folder: Path) -> list[Lying]:
    """What lies in an owner's folder. Old halves are thrown away."""
    found: list[Lying] = []
    for name in _names(folder):
        with _there():
            since = (folder / name).stat().st_mtime
            if not name.startswith("."):
                found.append(Lying(f"{folder.name}/{name}", since))
            elif time.time() - since > HALF_WRITTEN:
                (folder / name).unlink()
    return [each for each in found if NAME.fullmatch(each.name)]
