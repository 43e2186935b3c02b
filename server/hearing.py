"""What this instance does with what it hears of the others: each thing goes to whom it concerns."""

from protocol.ids import MessageId, SessionId, UserId
from server.fanout.frames import Frame
from server.fanout.hub import Hub
from server.fanout.watch import Watch
from server.turns import Turns


class Hearing:
    """The `Ears` of an instance. What it hears is a doorbell: what is true stands in the database."""

    def __init__(self, hub: Hub, turns: Turns, watch: Watch) -> None:
        self._hub = hub
        self._turns = turns
        self._watch = watch

    def hear(self, user: UserId, origin: str, told: Frame) -> None:
        self._hub.hear(user, origin, told)

    def hear_live(self, user: UserId, session: SessionId, told: Frame) -> None:
        self._hub.hear_live(user, session, told)

    def hear_stop(self, user: UserId, message: MessageId) -> None:
        self._turns.look(user, message)

    def hear_wake(self, user: UserId, session: SessionId) -> None:
        self._turns.wake_here(user, session)

    def hearing(self, *, well: bool) -> None:
        """Also when it is well again, all is looked at: anything may have been missed."""
        self._watch.hurry()
