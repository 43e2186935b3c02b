"""Faults of the network, the same for every link: to the database, to Redis, to the devices."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any

from loadtest.faults.fault import Fault, Strike
from loadtest.instance import Instance
from loadtest.proxy import Link, Way
from loadtest.world import World

Which = Callable[[World, Random], list[Instance]]
End = Callable[[Instance], Link]

LOST_WITHIN = 60
"""Kilobytes after which a connection breaks, at most."""


def every(world: World, chance: Random) -> list[Instance]:
    return world.instances


def one(world: World, chance: Random) -> list[Instance]:
    return [chance.choice(world.instances)]


def owner(world: World, chance: Random) -> list[Instance]:
    return [world.owner()]


def door(instance: Instance) -> Link:
    return instance.door


def database(instance: Instance) -> Link:
    return instance.database


def redis(instance: Instance) -> Link:
    return instance.redis


def named(instances: list[Instance]) -> str:
    return f"instance {', '.join(each.name for each in instances)}"


def weather(end: End, which: Which, **conditions: Any) -> Strike:
    """Conditions as of Link.weather."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        met = which(world, chance)
        async with AsyncExitStack() as stack:
            for each in met:
                stack.enter_context(end(each).weather(**conditions))
            yield named(met)

    return strike


def refused(end: End, which: Which) -> Strike:
    """Nobody listens."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        met = which(world, chance)
        async with AsyncExitStack() as stack:
            for each in met:
                await stack.enter_async_context(end(each).refusing())
            yield named(met)

    return strike


def cut(end: End, which: Which) -> Strike:
    """Every connection ends with FIN."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        met = which(world, chance)
        yield f"{named(met)}: {sum(end(each).cut() for each in met)} connections"

    return strike


def reset(end: End, which: Which) -> Strike:
    """Every connection ends with RST."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        met = which(world, chance)
        yield f"{named(met)}: {sum(end(each).reset() for each in met)} connections"

    return strike


def lost(end: End, which: Which, way: Way, containing: bytes) -> Strike:
    """The next bytes that hold this are lost, with their connection."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        met = which(world, chance)
        for each in met:
            end(each).lose(way, containing)
        yield named(met)
        for each in met:
            end(each).disarm()

    return strike


def broken_in_the_middle(end: End, which: Which) -> Strike:
    """A connection is reset within some kilobytes, wherever in a frame that is."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        met = which(world, chance)
        count = chance.randrange(LOST_WITHIN * 1_024)
        for each in met:
            end(each).lose_after(count)
        yield f"{named(met)}: after {count} bytes"
        for each in met:
            end(each).disarm()

    return strike


ROW = "Client link: "

FAULTS = (
    Fault("link-cut", ROW + "closed by somebody on the way", (0.5, 1), cut(door, one)),
    Fault("link-reset", ROW + "reset", (0.5, 1), reset(door, one)),
    Fault("link-half-open", ROW + "half-open TCP", (4, 8), weather(door, one, holds=True)),
    Fault(
        "link-black-hole", ROW + "half-open TCP, what was on the way is lost", (4, 8), weather(door, one, swallows=True)
    ),
    Fault("link-half-open-20s", ROW + "half-open TCP", (18, 22), weather(door, one, holds=True), is_long=True),
    Fault("link-split", ROW + "1-byte TCP segments", (2, 4), weather(door, one, splits=True)),
    Fault("link-throttle", ROW + "slow consumer", (4, 8), weather(door, one, rate=1_024)),
    Fault("link-delay", ROW + "far away", (3, 6), weather(door, every, delay=0.3, jitter=0.2)),
    Fault("link-refuse", ROW + "one address is gone", (3, 6), refused(door, one)),
    Fault("link-refuse-all", ROW + "every address is gone", (2, 4), refused(door, every)),
    Fault("link-cut-in-a-frame", ROW + "cut mid-frame", (2, 3), broken_in_the_middle(door, every)),
    Fault("link-storm", "Clients: reconnect storm", (0.5, 1), reset(door, every)),
)
