"""Where a chat is read and written: lines of a pipe. The terminal itself is in prompt.py."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from typing import Protocol, TextIO

from client.transcript import Line


class Screen(Protocol):
    """`lines` ends when the person leaves; `refresh` is called when what is not yet a line has changed."""

    def show(self, line: Line) -> None: ...
    def refresh(self) -> None: ...
    def lines(self) -> AsyncIterator[str]: ...


class Pipe:
    """Reads lines, prints lines; shows a reply when it is whole."""

    def __init__(self, source: TextIO | None = None) -> None:
        self._source = source or sys.stdin

    def show(self, line: Line) -> None:
        print(line.plain, flush=True)  # noqa: T201 (printing is what it is for)

    def refresh(self) -> None:
        """A pipe shows whole lines only."""

    async def lines(self) -> AsyncIterator[str]:
        """Read in a thread, which may wait for a line for ever: it does not keep the process alive."""
        loop = asyncio.get_running_loop()
        read: asyncio.Queue[str | None] = asyncio.Queue()

        def work() -> None:
            for line in self._source:
                loop.call_soon_threadsafe(read.put_nowait, line)
            loop.call_soon_threadsafe(read.put_nowait, None)

        threading.Thread(target=work, daemon=True, name="standard input").start()
        while (line := await read.get()) is not None:
            yield line
