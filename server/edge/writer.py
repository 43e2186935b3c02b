"""The one writer of a socket: from accept on, every frame goes through its outbox, and only here is it written.

What is due in one turn of the loop is written together. Nothing waits: what the socket does not take stays in the
outbox until it does.
"""

import asyncio
from collections.abc import Callable

from protocol.events import Event
from server.edge.guard import Wire
from server.fanout.frames import frame
from server.fanout.outbox import Outbox

WRITE_AT_ONCE = 65_536


class Writer:
    """Writes what is in `outbox`; calls `too_slow` when that is more than may wait."""

    def __init__(self, wire: Wire, too_slow: Callable[[], None]) -> None:
        self.outbox = Outbox()
        self._wire = wire
        self._wire.on_writable = self._flush
        self._too_slow = too_slow
        self._loop = asyncio.get_running_loop()
        self._flush_due = False
        self._stopped = False
        self._empty = asyncio.Event()

    def offer(self, event: Event) -> None:
        """Have an event written."""
        self.outbox.offer(frame(event))
        self.wake()

    def wake(self) -> None:
        """Something was put into the outbox: it is written at the end of this turn of the loop."""
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    async def written(self) -> None:
        """Until everything that was offered is on its way, or nothing will be any more."""
        while self.outbox and not self._stopped:
            self._empty.clear()
            await self._empty.wait()

    def stop(self) -> None:
        """Write what the socket takes at once, and nothing after that."""
        self._write()
        self._stopped = True
        self._wire.on_writable = None
        self._empty.set()

    def _flush(self) -> None:
        self._flush_due = False
        self._write()
        if self.outbox.overflowed and not self._stopped:
            self._too_slow()

    def _write(self) -> None:
        while not self._stopped and self.outbox and self._wire.writable:
            self._wire.write(self.outbox.take(WRITE_AT_ONCE))
        if not self.outbox:
            self._empty.set()
