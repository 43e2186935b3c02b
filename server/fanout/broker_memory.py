"""The broker of a single instance: there is nobody else to tell or to hear."""

from collections.abc import Mapping
from types import MappingProxyType

from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Reply
from server.fanout.broker import Ears
from server.fanout.frames import Frame


class MemoryBroker:
    """Where all devices of all users are on this instance, the hub has told everybody already."""

    well = True
    subscriptions = 0
    counts: Mapping[str, int] = MappingProxyType({})

    async def run(self, ears: Ears) -> None:
        return None

    def tell(self, user: UserId, origin: str, told: Frame) -> None:
        return None

    def tell_live(self, user: UserId, session: SessionId, told: Frame) -> None:
        return None

    def stop(self, user: UserId, message: MessageId) -> None:
        return None

    def wake(self, user: UserId, session: SessionId) -> None:
        return None

    async def listen(self, user: UserId) -> None:
        return None

    def leave(self, user: UserId) -> None:
        return None

    async def erase(self, user: UserId) -> None:
        return None

    async def draft(self, user: UserId, message: MessageId, attempt: int) -> Reply | None:
        return None
