"""One connected device, as its user's room sees it: what waits for it, and which sessions it has opened. No I/O.

Within one socket the numbers of durable frames never go back and leave nothing out: while a read for the device is
under way, what is told is held back; what the read has in it already is not said twice.
"""

from collections.abc import Callable

from protocol.errors import CloseCode
from protocol.ids import SessionId
from protocol.model import Device
from server.buckets import Buckets
from server.fanout.frames import Frame
from server.fanout.outbox import MAX_FRAMES, Outbox
from server.identity import Identity

HELD_BYTES = 32 * 1024


class Member:
    """`given` is the last number that it was given, or that waits for it; `answered` the highest of a row that it was
    answered; `holding` what was told during a read.

    `identity` is what it was let in by, last; `offer` gives it a frame now, by way of its outbox; `close` ends its
    connection, with a code and a reason.
    """

    def __init__(
        self,
        device: Device,
        identity: Identity,
        outbox: Outbox,
        offer: Callable[[Frame], None],
        close: Callable[[CloseCode, str], None],
    ) -> None:
        self.device = device
        self.identity = identity
        self.outbox = outbox
        self.offer = offer
        self.close = close
        self.opened: set[SessionId] = set()
        self.typing = Buckets()
        self.given = 0
        self.answered = 0
        self.holding: list[Frame] | None = []
        self._held_bytes = 0
        self._missed = False

    @property
    def in_step(self) -> bool:
        """It is told everything as it happens."""
        return self.holding is None and not self.outbox.behind

    @property
    def held_bytes(self) -> int:
        """Of what is held back."""
        return sum(map(len, self.holding or ()))

    def tell(self, frame: Frame) -> None:
        """Give it a frame of the room: a durable one when it is the device's turn for it, a live one now or never."""
        if frame.seq is not None:
            if self.holding is not None:
                self._hold_back(self.holding, frame)
            elif frame.seq > self.given:
                self.given = frame.seq
                self.offer(frame)
        elif self.holding is None or frame.about is None:
            self.offer(frame)

    def hold(self) -> None:
        """A read for it begins: what is told from now on is held back, what was told before is in the read."""
        self.outbox.catch_up()
        self.holding = []
        self._held_bytes = 0
        self._missed = False

    def caught_up(self, seq: int) -> bool:
        """It was given everything up to a number: what was held above it goes out, and from now on all at once.

        False: more came meanwhile than is held, so there is more to be read.
        """
        if self._missed:
            return False
        held, self.holding = self.holding, None
        self.given = seq
        for waiting in held or []:
            self.tell(waiting)
        return not self.outbox.behind

    def _hold_back(self, holding: list[Frame], frame: Frame) -> None:
        self._held_bytes += len(frame)
        if self._held_bytes > HELD_BYTES or len(holding) >= MAX_FRAMES:
            self._missed = True
            holding.clear()
        else:
            holding.append(frame)
