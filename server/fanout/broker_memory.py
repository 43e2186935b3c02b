"""The broker of a single instance: there is nobody else to tell."""

from protocol.ids import SessionId, UserId
from server.fanout.frames import Frame


class MemoryBroker:
    """Where all devices of all users are on this instance, the hub has told everybody already."""

    def publish(self, user: UserId, session: SessionId | None, frame: Frame) -> None:
        return None
