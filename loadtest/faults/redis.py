"""Faults of Redis, of the way to it, and of what is said there."""

import asyncio
import re
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from random import Random

from loadtest.faults.fault import Fault, Strike
from loadtest.faults.links import broken_in_the_middle, every, one, redis, refused, reset, weather
from loadtest.world import World

Published = tuple[bytes, bytes]
"""A channel, and what was said there."""
Forgery = Callable[[list[Published], Random], list[Published]]

DIGIT = re.compile(rb"\d")
LISTENS = 1.0
"""Seconds."""
AT_MOST = 200
HUGE = 4_000_000
FLOOD = 40
"""Megabytes, to each of a few channels, in one go."""
USUAL_LIMIT = "pubsub 32mb 8mb 60"
SMALL_LIMIT = "pubsub 256kb 128kb 1"


def down(how: signal.Signals) -> Strike:
    """Ended so; it starts again empty."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        world.redis.process.send(how)
        await world.redis.process.ended()
        yield how.name
        await world.redis.start()

    return strike


@asynccontextmanager
async def frozen(world: World, chance: Random) -> AsyncGenerator[str]:
    with world.redis.process.paused():
        yield "SIGSTOP"


def told(*commands: str, afterwards: tuple[str, ...] = ()) -> Strike:
    """Somebody says commands to Redis, and others when the fault is over."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        await _say(world, commands)
        yield ", ".join(commands)
        await _say(world, afterwards)

    return strike


async def _say(world: World, commands: tuple[str, ...]) -> None:
    async with world.redis.connected() as conn:
        for command in commands:
            await conn.ask(*command.split())


@asynccontextmanager
async def kicked(world: World, chance: Random) -> AsyncGenerator[str]:
    """More is published than a subscriber may have waiting: Redis ends the connections of all who hear it."""
    async with world.redis.connected() as conn:
        await conn.ask("CONFIG", "SET", "client-output-buffer-limit", SMALL_LIMIT)
        channels = await conn.ask("PUBSUB", "CHANNELS", "*")
        for channel in channels[:4]:
            for _ in range(FLOOD):
                conn.say("PUBLISH", channel, b"x" * 100_000)
            for _ in range(FLOOD):
                await conn.hear()
        yield f"{len(channels)} channels"
        await conn.ask("CONFIG", "SET", "client-output-buffer-limit", USUAL_LIMIT)


def forged(forgery: Forgery) -> Strike:
    """Listens to everybody for a while, and publishes what is made of it."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        forgeries = forgery(await _overheard(world), chance)
        async with world.redis.connected() as conn:
            for channel, data in forgeries:
                await conn.ask("PUBLISH", channel, data)
        yield f"{len(forgeries)} messages"

    return strike


async def _overheard(world: World) -> list[Published]:
    heard: list[Published] = []
    async with world.redis.connected() as conn:
        await conn.ask("PSUBSCRIBE", "*")
        try:
            async with asyncio.timeout(LISTENS):
                while len(heard) < AT_MOST:
                    _, _, channel, data = await conn.hear()
                    heard.append((channel, data))
        except TimeoutError:
            pass
    return heard


def junk(heard: list[Published], chance: Random) -> list[Published]:
    channels = sorted({channel for channel, _ in heard})
    rubbish = (b"", b"\x00", b"{}", b"null", b"\xff\xfe" * 50, b'{"type":"message.added"}', chance.randbytes(400))
    halves = [(channel, data[: len(data) // 2]) for channel, data in heard]
    return [(channel, each) for channel in channels for each in rubbish] + halves


def foreign(heard: list[Published], chance: Random) -> list[Published]:
    """What was said in one channel is said in another."""
    channels = sorted({channel for channel, _ in heard})
    return [(other, data) for channel, data in heard if data for other in channels if other != channel][:AT_MOST]


def outdated(heard: list[Published], chance: Random) -> list[Published]:
    """The first number in it, which is a version, is another."""
    return [(channel, DIGIT.sub(b"0", data, count=1)) for channel, data in heard]


def repeated(heard: list[Published], chance: Random) -> list[Published]:
    """What was said is said again, twice, in another order."""
    again = heard * 2
    chance.shuffle(again)
    return again


def huge(heard: list[Published], chance: Random) -> list[Published]:
    return [(channel, (data * HUGE)[:HUGE]) for channel, data in heard[:3] if data]


ROW = "Redis: "
FORGED = "Redis: cross-user channel forgery, "

FAULTS = (
    Fault("redis-kill", ROW + "restart (kill -9)", (2, 4), down(signal.SIGKILL)),
    Fault("redis-restart", ROW + "restart", (0, 0.5), down(signal.SIGTERM)),
    Fault("redis-freeze", ROW + "frozen (SIGSTOP)", (6, 10), frozen),
    Fault("redis-freeze-shortly", ROW + "frozen (SIGSTOP)", (1, 2), frozen),
    Fault("redis-freeze-60s", ROW + "frozen (SIGSTOP) 60 s", (60, 60), frozen, is_long=True),
    Fault("redis-flush", ROW + "flushed", (0.5, 1), told("FLUSHALL")),
    Fault("redis-black-hole-all", ROW + "black-holed", (5, 8), weather(redis, every, swallows=True)),
    Fault("redis-black-hole-one", ROW + "black-holed, for one instance", (5, 8), weather(redis, one, swallows=True)),
    Fault("redis-stall", ROW + "stalled, and goes on", (2, 5), weather(redis, every, holds=True)),
    Fault("redis-cut-off-one", ROW + "partition of one instance only", (5, 8), refused(redis, one)),
    Fault("redis-refuse", ROW + "refused", (4, 8), refused(redis, every)),
    Fault("redis-reset", ROW + "RST", (0.5, 1), reset(redis, every)),
    Fault("redis-cut-in-a-frame", ROW + "cut mid-frame", (2, 3), broken_in_the_middle(redis, every)),
    Fault("redis-delay", ROW + "slow", (3, 6), weather(redis, every, delay=0.3, jitter=0.2)),
    Fault("redis-throttle", ROW + "throttled", (3, 6), weather(redis, one, rate=4_000)),
    Fault("redis-split", ROW + "1-byte TCP segments", (2, 3), weather(redis, one, splits=True)),
    Fault("redis-kick", ROW + "CLIENT KILL TYPE pubsub", (0.5, 1), told("CLIENT KILL TYPE pubsub")),
    Fault("redis-kick-all", ROW + "CLIENT KILL TYPE normal", (0.5, 1), told("CLIENT KILL TYPE normal")),
    Fault("redis-kick-output", ROW + "output-buffer kick", (0.5, 1), kicked),
    Fault(
        "redis-full",
        ROW + "no memory left for drafts",
        (3, 5),
        told("CONFIG SET maxmemory 1", afterwards=("CONFIG SET maxmemory 0",)),
    ),
    Fault("redis-duplicates", ROW + "duplicates / reordering", (0.5, 1), forged(repeated)),
    Fault("redis-junk", FORGED + "junk", (0.5, 1), forged(junk)),
    Fault("redis-foreign", FORGED + "another user's", (0.5, 1), forged(foreign)),
    Fault("redis-old-version", FORGED + "an old schema version", (0.5, 1), forged(outdated)),
    Fault("redis-huge", FORGED + "a huge payload", (0.5, 1), forged(huge)),
)
