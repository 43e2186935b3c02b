"""Faults of PostgreSQL and of the way to it."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

from loadtest.faults.fault import Fault, Strike
from loadtest.faults.links import cut, database, every, lost, one, owner, refused, reset, weather
from loadtest.process import Process
from loadtest.proxy import Way
from loadtest.world import World

COMMITTED = b"COMMIT\x00"
"""PostgreSQL's answer to a COMMIT."""
COMMIT = b"COMMIT"
FOLLOWS_WITHIN = 30.0


def down(how: signal.Signals) -> Strike:
    """Stopped so, and started again when the fault is over."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        await world.database.stop(how)
        yield how.name
        await world.database.start()

    return strike


@asynccontextmanager
async def backend_killed(world: World, chance: Random) -> AsyncGenerator[str]:
    """PostgreSQL then ends all its backends and replays its log."""
    backends = world.database.backends("postgres: tutorhub tutorhub")
    for each in backends[:1]:
        os.kill(each, signal.SIGKILL)
    yield f"one of {len(backends)} backends"
    await _is_back(world)


@asynccontextmanager
async def terminated(world: World, chance: Random) -> AsyncGenerator[str]:
    others = "datname = 'tutorhub' AND pid <> pg_backend_pid()"
    ended = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}"  # noqa: S608 (a constant)
    yield f"{await world.database.ask(ended)} backends"


@asynccontextmanager
async def frozen(world: World, chance: Random) -> AsyncGenerator[str]:
    with world.database.process.paused():
        yield "all its processes"


def held(statement: str) -> Strike:
    """Locks that somebody else holds."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        async with world.database.holding(statement):
            yield statement

    return strike


def failed_over(*, loses_tail: bool) -> Strike:
    """Another server takes over: with everything, or without what the standby had not yet received."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        former = world.database
        world.standbys += 1
        standby = await former.copy_to(former.folder.with_name(f"standby-{world.standbys}"))
        world.processes.append(standby.process)
        await standby.start()
        async with asyncio.timeout(FOLLOWS_WITHIN):
            while not await former.is_caught_up():
                await asyncio.sleep(0.05)
        if loses_tail:
            await _fall_behind(standby.process, standby.backends("walreceiver"), chance.uniform(0.2, 1.0))
            await former.stop(signal.SIGKILL)
        else:
            await former.stop(signal.SIGINT)
        await standby.promote()
        world.lead_to(standby)
        yield "with a lost tail" if loses_tail else "with everything"

    return strike


async def _fall_behind(standby: Process, receivers: list[int], seconds: float) -> None:
    """The standby receives nothing for a while, and never will what it was sent meanwhile."""
    for each in receivers:
        os.kill(each, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    for each in receivers:
        os.kill(each, signal.SIGTERM)
        os.kill(each, signal.SIGCONT)


async def _is_back(world: World) -> None:
    async with asyncio.timeout(FOLLOWS_WITHIN):
        while not await world.database.answers():
            await asyncio.sleep(0.05)


LOCK_TABLE = "LOCK TABLE messages IN ACCESS EXCLUSIVE MODE"
LOCK_ROWS = "SELECT 1 FROM users FOR UPDATE"
LOCK_TURNS = "LOCK TABLE turns IN ACCESS EXCLUSIVE MODE"
LOCK_ALL = "LOCK TABLE users, sessions, messages, turns IN ACCESS EXCLUSIVE MODE"
ROW = "PG: "

FAULTS = (  # most of them lose: who can't reach the database goes on in memory, and may be lost with what is there
    Fault("pg-restart-fast", ROW + "restart -m fast", (0, 0), down(signal.SIGINT), loses=True),
    Fault("pg-restart-immediate", ROW + "restart -m immediate", (0, 0), down(signal.SIGQUIT), loses=True),
    Fault("pg-kill-postmaster", ROW + "kill -9 of the postmaster", (0, 1), down(signal.SIGKILL), loses=True),
    Fault("pg-kill-backend", ROW + "kill -9 of a backend", (0.5, 1), backend_killed, loses=True),
    Fault("pg-terminate-backends", ROW + "connections killed", (0.5, 1), terminated),
    Fault("pg-down", ROW + "down", (3, 8), down(signal.SIGINT), loses=True),
    Fault("pg-down-20s", ROW + "down 20 s", (20, 20), down(signal.SIGINT), loses=True, is_long=True),
    Fault("pg-freeze", ROW + "SIGSTOP", (3, 6), frozen, loses=True),
    Fault(
        "pg-black-hole-one",
        ROW + "black-holed, for one instance",
        (4, 8),
        weather(database, one, swallows=True),
        loses=True,
    ),
    Fault(
        "pg-black-hole-owner",
        ROW + "black-holed, for the owner",
        (7, 9),
        weather(database, owner, swallows=True),
        loses=True,
    ),
    Fault("pg-black-hole-all", ROW + "black-holed", (3, 6), weather(database, every, swallows=True), loses=True),
    Fault("pg-stall", ROW + "stalled, and goes on", (3, 6), weather(database, every, holds=True), loses=True),
    Fault("pg-slow", ROW + "slow", (3, 6), weather(database, every, delay=0.3, jitter=0.1), loses=True),
    Fault("pg-throttle", ROW + "throttled", (3, 6), weather(database, one, rate=20_000), loses=True),
    Fault("pg-split", ROW + "1-byte TCP segments", (2, 3), weather(database, one, splits=True), loses=True),
    Fault("pg-cut", ROW + "connections cut", (0.5, 1), cut(database, every)),
    Fault("pg-reset", ROW + "connections reset", (0.5, 1), reset(database, every)),
    Fault("pg-refuse-one", ROW + "refused, for one instance", (4, 8), refused(database, one), loses=True),
    Fault("pg-lock-messages", ROW + "locked", (3, 6), held(LOCK_TABLE), loses=True),
    Fault("pg-lock-turns", ROW + "locked turns", (3, 6), held(LOCK_TURNS), loses=True),
    Fault("pg-lock-users", ROW + "locked rows", (2, 5), held(LOCK_ROWS), loses=True),
    Fault("pg-pool-exhausted", ROW + "pool exhaustion, by locks", (4, 6), held(LOCK_ALL), loses=True),
    Fault("pg-lose-commit", ROW + "killed at COMMIT, after it", (1, 2), lost(database, every, Way.BACK, COMMITTED)),
    Fault(
        "pg-lose-before-commit", ROW + "killed at COMMIT, before it", (1, 2), lost(database, every, Way.THERE, COMMIT)
    ),
    Fault("pg-fail-over", ROW + "failover to standby (async)", (0, 1), failed_over(loses_tail=True), loses=True),
    Fault("pg-switch-over", ROW + "failover to standby, in order", (0, 1), failed_over(loses_tail=False), loses=True),
)
