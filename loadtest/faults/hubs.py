"""Faults of the instances themselves: crashes, pauses, deploys. Whatever does not run is started afterwards."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

from loadtest.faults.fault import Fault, Strike
from loadtest.faults.links import named
from loadtest.instance import Instance
from loadtest.world import World

IMMEDIATELY = 2.0
"""Seconds from a second signal to the end."""


def another(world: World, chance: Random) -> Instance:
    return chance.choice(world.others())


@asynccontextmanager
async def killed_owner(world: World, chance: Random) -> AsyncGenerator[str]:
    met = world.owner()
    await met.kill()
    yield named([met])


@asynccontextmanager
async def killed_another(world: World, chance: Random) -> AsyncGenerator[str]:
    met = another(world, chance)
    await met.kill()
    yield named([met])


@asynccontextmanager
async def killed_twice(world: World, chance: Random) -> AsyncGenerator[str]:
    """The owner, and then whoever took over."""
    first = world.owner()
    await first.kill()
    await asyncio.sleep(chance.uniform(6.0, 8.0))
    second = world.owner()
    await second.kill()
    yield named([first, second])


@asynccontextmanager
async def killed_all(world: World, chance: Random) -> AsyncGenerator[str]:
    for each in world.instances:
        await each.kill()
    yield named(world.instances)


@asynccontextmanager
async def stopped(world: World, chance: Random) -> AsyncGenerator[str]:
    met = world.owner()
    await met.stop()
    yield named([met])


@asynccontextmanager
async def rolled(world: World, chance: Random) -> AsyncGenerator[str]:
    """A deploy: one after the other, each gone before the next."""
    for each in world.instances:
        await each.stop()
        await each.start()
        await world.recovered()
    yield named(world.instances)


@asynccontextmanager
async def signalled_twice(world: World, chance: Random) -> AsyncGenerator[str]:
    met = world.owner()
    met.is_meant_to_run = False
    met.process.send(signal.SIGTERM)
    await asyncio.sleep(chance.uniform(0.0, 0.5))
    met.process.send(signal.SIGTERM)
    if not await met.process.ended(IMMEDIATELY):
        met.findings.append(f"instance {met.name} had not ended {IMMEDIATELY:g} s after a second SIGTERM")
    yield named([met])


@asynccontextmanager
async def interrupted(world: World, chance: Random) -> AsyncGenerator[str]:
    """Killed while it leaves."""
    met = world.owner()
    met.is_meant_to_run = False
    met.process.send(signal.SIGTERM)
    await asyncio.sleep(chance.uniform(0.0, 1.0))
    await met.kill()
    yield named([met])


def paused(*, owner: bool) -> Strike:
    """SIGSTOP, and SIGCONT later: it comes back as a zombie that believes itself an owner."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        met = world.owner() if owner else another(world, chance)
        with met.process.paused():
            yield named([met])

    return strike


@asynccontextmanager
async def late(world: World, chance: Random) -> AsyncGenerator[str]:
    """An instance leaves in order, and is back much later."""
    met = another(world, chance)
    await met.stop()
    yield named([met])


ROW = "Hub process: "

FAULTS = (
    Fault("hub-kill-owner", ROW + "kill -9 mid-stream", (1, 3), killed_owner, loses=True),
    Fault("hub-kill-owner-for-long", ROW + "kill -9 mid-stream", (7, 9), killed_owner, loses=True),
    Fault("hub-kill-another", ROW + "kill -9", (0.5, 3), killed_another, loses=True),
    Fault("hub-kill-twice", ROW + "kill -9 of whoever takes over", (1, 2), killed_twice, loses=True),
    Fault("hub-kill-all", ROW + "kill -9 of all", (0, 2), killed_all, loses=True),
    Fault("hub-kill-leaving", ROW + "kill -9 during SIGTERM", (0, 1), interrupted, loses=True),
    Fault("hub-pause-owner", ROW + "SIGSTOP, zombie owner", (7, 9), paused(owner=True), loses=True),
    Fault("hub-pause-owner-20s", ROW + "SIGSTOP, zombie owner", (20, 20), paused(owner=True), loses=True, is_long=True),
    Fault("hub-pause-owner-shortly", ROW + "event loop blocked", (2, 4), paused(owner=True), loses=True),
    Fault("hub-pause-another", ROW + "SIGSTOP", (3, 8), paused(owner=False), loses=True),
    Fault("hub-stop-owner", "Deploy: SIGTERM", (0, 1), stopped),
    Fault("hub-roll", "Deploy: SIGTERM, rolling", (0, 0.5), rolled),
    Fault("hub-late", "Deploy: an instance started late", (4, 8), late),
    Fault("hub-second-signal", "Deploy: 2nd SIGTERM", (0, 1), signalled_twice, loses=True),
)
