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
    """An owner is a user or an address, as one word."""

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
        key = redis_buckets.key(owner, wants[0].name)
        try:
            return redis_buckets.taken(wants, await self._broker.ask(key, redis_buckets.take(owner, wants)))
        except (WireError, ReplyError, OSError, ValueError, TypeError) as error:
            raise Alone from error

    async def enter(self, owner: str, name: str, most: int, who: str) -> bool:
        command = redis_buckets.enter(owner, name, most, PLACE_SECONDS, [who])
        try:
            return bool(await self._broker.ask(redis_buckets.key(owner, name), command))
        except (WireError, ReplyError, OSError) as error:
            raise Alone from error

    def stay(self, owner: str, name: str, who: Sequence[str]) -> None:
        command = redis_buckets.enter(owner, name, redis_buckets.ANY_NUMBER, PLACE_SECONDS, who)
        self._broker.order(redis_buckets.key(owner, name), command)

    def leave(self, owner: str, name: str, who: str) -> None:
        self._broker.order(redis_buckets.key(owner, name), redis_buckets.leave(owner, name, who))
