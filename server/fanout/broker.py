"""The seam between the instances: how they hear each other."""

from typing import Protocol

from protocol.ids import SessionId, UserId
from server.fanout.frames import Frame


class Broker(Protocol):
    """Carries a copy of what is told to the other instances of a user. A doorbell: nothing is true because of it."""

    def publish(self, user: UserId, session: SessionId | None, frame: Frame) -> None:
        """Hand over a frame, without waiting; `session` is given for live ones. It may be lost."""
        ...
