"""Who gives up at the door takes no place of those that all instances count together."""

import asyncio

import pytest

from server.errors import TooManyConnections
from server.fanout.shares import RedisShares
from server.limits import Limits
from server.settings import LimitSettings
from server.tasks import Tasks
from tests.fanout.instances import ADA, instance
from tests.redis_server import redis_server


async def test_who_gives_up_while_a_place_is_asked_for_gives_it_back() -> None:
    with redis_server() as redis:
        async with instance(redis.url) as it, Tasks() as tasks, asyncio.timeout(10):
            limits = Limits(LimitSettings(connections=1), tasks, "a", RedisShares(it.broker))
            redis.freeze()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), limits.connected(ADA, "here", "phone"):
                    pass
            redis.thaw()
            while True:
                try:
                    async with limits.connected(ADA, "here", "laptop"):
                        break
                except TooManyConnections:
                    await asyncio.sleep(0.01)
