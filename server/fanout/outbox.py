"""What waits for one socket: bounded, in two lanes. No I/O.

The durable lane always drains first. The live lane holds at most one frame about each subject: who reads
slowly reads bigger pieces. A reply that settles takes its waiting live frame with it.
"""

from collections import deque

from protocol.events import ReplySettled, SessionRemoved
from server.fanout.frames import Frame, merged, subject

MAX_FRAMES = 500
MAX_BYTES = 256 * 1024


class Outbox:
    """Frames in, bytes out. `overflowed`: the socket is too slow, and must come back and resume."""

    def __init__(self) -> None:
        self.overflowed = False
        self._durable: deque[Frame] = deque()
        self._durable_bytes = 0
        self._live: dict[object, Frame] = {}

    def __bool__(self) -> bool:
        return bool(self._durable or self._live)

    def offer(self, frame: Frame) -> None:
        """Add a frame, however large, unless too much waits already."""
        about = subject(frame.event)
        if about is not None:
            self._offer_live(about, frame)
            return
        if len(self._durable) >= MAX_FRAMES or self._durable_bytes >= MAX_BYTES:
            self.overflowed = True
            return
        if isinstance(frame.event, ReplySettled | SessionRemoved):
            for message in frame.event.messages:
                self.forget(message.id)
        self._durable.append(frame)
        self._durable_bytes += len(frame)

    def forget(self, about: object) -> None:
        """Something newer and whole about this subject is on its way."""
        self._live.pop(about, None)

    def take(self, limit: int) -> bytes:
        """What goes out next: frames of up to `limit` bytes together, or one larger one. Empty: nothing waits."""
        taken: list[bytes] = []
        size = 0
        while self and (not taken or size < limit):
            frame = self._next()
            taken.append(frame.data)
            size += len(frame)
        return b"".join(taken)

    def _next(self) -> Frame:
        if self._durable:
            frame = self._durable.popleft()
            self._durable_bytes -= len(frame)
            return frame
        return self._live.pop(next(iter(self._live)))

    def _offer_live(self, about: object, frame: Frame) -> None:
        waiting = self._live.get(about)
        self._live[about] = frame if waiting is None else merged(waiting, frame)
