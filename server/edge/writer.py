"""The one writer of a socket: from accept on, every frame goes through its outbox, and only here is it written.

Nothing waits: what the socket does not take stays in the outbox until it does. While it takes all, nothing is ever put
there.
"""

from collections.abc import Callable

from protocol.events import Event
from server.edge.waiting import Signal
from server.edge.wire import Wire
from server.fanout.frames import Frame, frame
from server.fanout.outbox import Outbox

WRITE_AT_ONCE = 32 * 1024


class Writer:
    """Writes what is in `outbox`. Once it is `stopped`, nothing is written any more."""

    def __init__(self, wire: Wire) -> None:
        self.outbox = Outbox()
        self.stopped = False
        self.on_behind: Callable[[], None] | None = None
        """Called each time that something is dropped because the device is behind."""
        self._wire = wire
        self._wire.on_writable = self._write
        self._moved = Signal()

    @property
    def waiting_bytes(self) -> int:
        """What this process holds for the socket: here, and written but not yet taken by the system."""
        return self.outbox.bytes + self._wire.buffered

    def say(self, event: Event) -> None:
        """Have an event written."""
        self.offer(frame(event))

    def offer(self, frame: Frame) -> None:
        """Have a frame written, unless the device is behind and the frame is of what it will be caught up with."""
        if self._wire.writable and self.outbox.passed(frame):
            self._wire.write_soon(frame.data)
        else:
            self.outbox.offer(frame)
            self._write()
            if self.outbox.behind and self.on_behind is not None:
                self.on_behind()

    async def written(self) -> None:
        """Until the wire has everything that was offered and the socket takes more, or will take nothing any more."""
        await self._until(lambda: not self.outbox and self._wire.writable)

    async def room(self) -> None:
        """Until the outbox has room for an answer, or nothing will be written any more."""
        await self._until(lambda: not self.outbox.full)

    def stop(self) -> None:
        """Write what the socket takes at once, and nothing after that."""
        self._write()
        self.stopped = True
        self._wire.stop()
        self._moved.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not (self.stopped or condition()):
            self._moved.clear()
            await self._moved.wait()

    def _write(self) -> None:
        while not self.stopped and self.outbox and self._wire.writable:
            self._wire.write(self.outbox.take(WRITE_AT_ONCE))
        self._moved.set()
