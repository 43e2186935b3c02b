"""What waits for one socket: bounded, in two lanes. No I/O.

The durable lane always drains first. The live lane holds at most one frame about each subject: who reads
slowly reads bigger pieces. A reply that settles takes its waiting live frame with it.

Over the limit, the events that wait are dropped and the device is *behind*: it is given none until it is caught up
from the database, from the last number that was taken out. Answers and notices are never dropped; whoever carries
out commands sees to it that no more of them come while the outbox is full.
"""

from protocol.events import Event, ReplySettled, SessionRemoved
from server.fanout.frames import Frame, merged

MAX_FRAMES = 500
MAX_BYTES = 128 * 1024
"""Of all that waits here. With what a member holds back, a write and what the transport buffers: 256 KiB a socket."""


class Outbox:
    """Frames in, bytes out. `seq` is the last number of the timeline that was taken out; None: none was."""

    def __init__(self) -> None:
        self.behind = False
        self.bytes = 0
        self.seq: int | None = None
        self._durable: list[Frame] = []
        self._live: dict[object, Frame] = {}

    def __bool__(self) -> bool:
        return bool(self._durable or self._live)

    @property
    def full(self) -> bool:
        """As much waits as may, or more."""
        return self.bytes >= MAX_BYTES or len(self._durable) + len(self._live) >= MAX_FRAMES

    def offer(self, frame: Frame) -> None:
        """Add a frame. An event is dropped while the device is behind, and is when it falls behind.

        An event that is larger than the limit by itself is taken when nothing else waits.
        """
        if frame.about is None and frame.seq is None:
            self._append(frame)
        elif self.behind:
            return
        elif frame.about is not None:
            self._offer_live(frame.about, frame)
        elif self._fits(frame):
            self._forget_settled(frame.event)
            self._append(frame)
        else:
            self.fall_behind()

    def forget(self, about: object) -> None:
        """Something newer and whole about this subject is on its way."""
        forgotten = self._live.pop(about, None)
        self.bytes -= 0 if forgotten is None else len(forgotten)

    def fall_behind(self) -> None:
        """Drop the events that wait, and all that come until `catch_up`."""
        self.behind = True
        self._live.clear()
        self._durable = [frame for frame in self._durable if frame.seq is None]
        self.bytes = sum(map(len, self._durable))

    def passed(self, frame: Frame) -> bool:
        """Whether it may be written at once, by the side of the outbox: nothing waits before it. Then it is taken."""
        if self.bytes or self.behind:
            return False
        if frame.seq is not None:
            self.seq = frame.seq
        return True

    def catch_up(self) -> None:
        """Take events again: those that come after `seq` are about to be read."""
        self.behind = False

    def take(self, limit: int) -> bytes:
        """What goes out next: frames of `limit` bytes together at most, or one larger one. Empty: nothing waits."""
        taken: list[bytes] = []
        size = 0
        while (frame := self._first()) is not None and (not taken or size + len(frame) <= limit):
            self._remove(frame)
            taken.append(frame.data)
            size += len(frame)
        return b"".join(taken)

    def _fits(self, frame: Frame) -> bool:
        return not self.bytes or (self.bytes + len(frame) <= MAX_BYTES and not self.full)

    def _append(self, frame: Frame) -> None:
        self._durable.append(frame)
        self.bytes += len(frame)

    def _offer_live(self, about: object, frame: Frame) -> None:
        waiting = self._live.get(about)
        if not self._fits(frame):
            self.fall_behind()
            return
        whole = frame if waiting is None else merged(waiting, frame)
        self.bytes += len(whole) - (0 if waiting is None else len(waiting))
        self._live[about] = whole

    def _forget_settled(self, event: Event) -> None:
        if isinstance(event, ReplySettled | SessionRemoved):
            for message in event.messages:
                self.forget(message.id)

    def _first(self) -> Frame | None:
        if self._durable:
            return self._durable[0]
        return next(iter(self._live.values()), None)

    def _remove(self, first: Frame) -> None:
        if self._durable:
            self._durable.pop(0)
        else:
            del self._live[next(iter(self._live))]
        self.bytes -= len(first)
        if first.seq is not None:
            self.seq = first.seq
