"""Has files looked at, each by a child process of its own, at most two at once.

The child is given nothing of ours: no environment, no open files, no way to ask back. One that is not done in time is
killed. Whoever must wait too long for a turn is asked to come again.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL, SIGXCPU

import msgspec
import structlog

from server.errors import AudioTooLong, ImageTooLarge, NotOffered, Overloaded, UnsupportedMediaType
from server.inspection.kinds import HEAD, Kind, kind_of
from server.inspection.orders import Finding, LookAtAudio, LookAtImage, Order, Picture, Sound, Unfit
from server.settings import MediaSettings

AT_ONCE = 2
TURN_WITHIN = 10.0
"""Seconds that one may wait for a turn."""
LONGEST_FINDING = 4_096
"""Bytes; what says more is killed when its time is over."""
DONE_WITHIN = 20.0
"""Seconds, of which the child may use fewer on the processor."""
OURS = Path(__file__).parent.parent.parent
"""Where the child finds its own code."""
ENVIRONMENT = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
LIBRARIES = ("PIL", "av")
KINDS_TAKEN = "png, jpeg, webp, gif, ogg, webm, m4a, mp3 and wav"

log = structlog.get_logger()


class Looked(msgspec.Struct, frozen=True):
    """What a file is: its kind as it will be served, and what was found."""

    type: str
    found: Picture | Sound


class Inspection:
    """Of one instance."""

    def __init__(self, settings: MediaSettings) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(AT_ONCE)

    def check(self) -> None:
        """Raises NotOffered where what is needed was not installed."""
        if any(find_spec(library) is None for library in LIBRARIES):
            raise NotOffered("This hub takes no pictures and no sounds. Install it with pip install tutorhub[media].")

    async def look(self, source: Path, folder: Path) -> Looked:
        """What a file is; a picture is written anew into the folder.

        Raises UnsupportedMediaType, ImageTooLarge, AudioTooLong, Overloaded.
        """
        kind = kind_of(await asyncio.to_thread(_head, source))
        if kind is None:
            raise UnsupportedMediaType(f"This is no file of a kind that is taken: {KINDS_TAKEN}.")
        async with self._turn():
            found = await _find(self._order(kind, source, folder))
        return Looked(found.type if isinstance(found, Picture) else kind.type, _fit(kind, found))

    def _order(self, kind: Kind, source: Path, folder: Path) -> Order:
        if kind.sense == "image":
            return LookAtImage(str(source), str(folder), kind.decoder, self._settings.pixels)
        return LookAtAudio(str(source), kind.decoder, self._settings.audio_seconds)

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(TURN_WITHIN):
                await self._turns.acquire()
        except TimeoutError:
            raise Overloaded("Many files are being looked at. Please try again.", retry_after_ms=5_000) from None
        try:
            yield
        finally:
            self._turns.release()


def _head(source: Path) -> bytes:
    with source.open("rb") as file:
        return file.read(HEAD)


def _fit(kind: Kind, found: Finding) -> Picture | Sound:
    if not isinstance(found, Unfit):
        return found
    if found.why == "unreadable":
        raise UnsupportedMediaType(f"This begins as {kind.type} does, and cannot be read as such.")
    raise ImageTooLarge if kind.sense == "image" else AudioTooLong


async def _find(order: Order) -> Finding:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-E",
        "-s",
        "-m",
        "server.inspection.child",
        msgspec.json.encode(order).decode(),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=OURS,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(DONE_WITHIN):
            said = await _words(process)
            await process.wait()
    except TimeoutError:
        return _too_much(order)
    finally:
        await _end(process)
    return _finding(order, said, process.returncode)


async def _words(process: Process) -> bytes:
    """What it says, as far as a finding can be long: what has taken it over may say anything."""
    assert process.stdout is not None, "it was asked for"
    said = bytearray()
    while len(said) < LONGEST_FINDING and (part := await process.stdout.read(LONGEST_FINDING)):
        said += part
    return bytes(said)


async def _end(process: Process) -> None:
    """Whatever has happened, also when whoever waits was cancelled: nothing of it is left."""
    if process.returncode is None:
        process.kill()
        await process.wait()


def _finding(order: Order, said: bytes, code: int | None) -> Finding:
    if code == 0:
        try:
            return msgspec.json.decode(said, type=Finding)
        except msgspec.MsgspecError:
            log.warning("inspection_nonsense", order=type(order).__name__)
            return Unfit("unreadable")
    log.info("inspection_died", code=code, order=type(order).__name__)
    return _too_much(order) if code in (-SIGXCPU, -SIGKILL) else Unfit("unreadable")


def _too_much(order: Order) -> Unfit:
    return Unfit("too_large" if isinstance(order, LookAtImage) else "too_long")
