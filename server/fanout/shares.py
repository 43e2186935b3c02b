"""What all instances count together: how much somebody has taken, and how many places they hold."""

from collections.abc import Sequence
from typing import Protocol

from server.buckets import Short, Want
from server.fanout import redis_buckets
from server.fanout.broker_redis import RedisBroker
from server.fanout.redis_wire import ReplyError, WireError

PLACE_SECONDS = 60
"""For which a place is held, unless it is said again; so long are those of a lost instance taken."""


class Alone(Exception):
    """Nobody can be asked what the others have counted."""


class Shares(Protocol):
    """An owner is a user, or somebody else who is counted."""

    async def take(self, owner: str, wants: Sequence[Want]) -> Short | None:
        """Take all that is wanted, or nothing; then what it has to be waited for. Raises Alone."""
        ...

    async def enter(self, owner: str, name: str, most: int, who: str) -> bool:
        """Take a place, unless there are as many already. Raises Alone."""
        ...

    def stay(self, owner: str, name: str, who: Sequence[str]) -> None:
        """These hold their places on."""
        ...

    def leave(self, owner: str, name: str, who: str) -> None:
        """Give a place back."""
        ...


class RedisShares:
    """In the Redis of a broker."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker

    async def take(self, owner: str, wants: Sequence[Want]) -> Short | None:
        keys = [self._key(owner, want.name) for want in wants]
        try:
            return redis_buckets.taken(wants, await self._broker.ask(keys[0], redis_buckets.take(keys, wants)))
        except (WireError, ReplyError, OSError, ValueError, TypeError) as error:
            raise Alone from error

    async def enter(self, owner: str, name: str, most: int, who: str) -> bool:
        key = self._key(owner, name)
        try:
            return bool(await self._broker.ask(key, redis_buckets.enter(key, most, PLACE_SECONDS, [who])))
        except (WireError, ReplyError, OSError) as error:
            raise Alone from error

    def stay(self, owner: str, name: str, who: Sequence[str]) -> None:
        key = self._key(owner, name)
        self._broker.order(key, redis_buckets.enter(key, redis_buckets.ANY_NUMBER, PLACE_SECONDS, who))

    def leave(self, owner: str, name: str, who: str) -> None:
        key = self._key(owner, name)
        self._broker.order(key, redis_buckets.leave(key, who))

    def _key(self, owner: str, name: str) -> bytes:
        return self._broker.seal.limit(owner, name)
