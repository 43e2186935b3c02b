"""Who else is on this database, so that instances which would not hear each other do not run together.

An instance is seen by the name of its connections: `tutorhub` hears the others through Redis, `tutorhub alone` hears
nobody. To look and to be seen is one step, under a lock in the database: of two that come at once, one sees the other.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import psycopg
from msgspec import Struct
from psycopg.conninfo import make_conninfo

from server.errors import StartupError
from server.store.migrations import connect
from server.store.pool import Connection, execute, fetch_all
from sql import load

HEARD = "tutorhub"
ALONE = "tutorhub alone"
PATIENCE = 15.0
"""Seconds that an instance which leaves is waited for: it may be the one that this one replaces."""
LOOKS_EVERY = 0.2

_SQL = load("health")


class Present(Struct, frozen=True):
    """A name under which instances are connected."""

    name: str


@asynccontextmanager
async def present(conninfo: str, *, alone: bool, tell: Callable[[str], None]) -> AsyncGenerator[str]:
    """Be on this database; yields how to connect so that others see it. `alone`: without a Redis.

    `tell` is given a line when somebody has to leave first. Raises StartupError if that takes too long.
    """
    name = ALONE if alone else HEARD
    async with await connect(conninfo) as conn:
        end = time.monotonic() + PATIENCE
        told = False
        while (reason := await _reason_to_wait(conn, name)) is not None:
            if time.monotonic() > end:
                raise StartupError(reason)
            if not told:
                tell(f"{reason} Waiting up to {PATIENCE:.0f} s for it to leave …")
                told = True
            await asyncio.sleep(LOOKS_EVERY)
        yield make_conninfo(conninfo, application_name=name)


async def somebody_runs(conn: Connection) -> bool:
    """Whether an instance is on this database."""
    return bool(await fetch_all(conn, Present, _SQL["others"], {}))


async def _reason_to_wait(conn: Connection, name: str) -> str | None:
    """None: nobody is here with whom we would not hear each other, and from now on we are seen."""
    try:
        async with conn.transaction():
            await execute(conn, _SQL["look_one_at_a_time"], {})
            others = {other.name for other in await fetch_all(conn, Present, _SQL["others"], {})}
            reason = _reason(name, others)
            if reason is None:
                await execute(conn, _SQL["be_seen_as"], {"name": name})
            return reason
    except psycopg.Error as error:
        raise StartupError(f"The database cannot be used: {' '.join(str(error).split())}") from error


def _reason(name: str, others: set[str]) -> str | None:
    if name == ALONE and others:
        return (
            "Another instance uses this database, and without a Redis the two would not hear each other:"
            " set TUTORHUB_REDIS_URL for both, or install tutorhub[laptop] if they share a data folder."
        )
    if ALONE in others:
        return (
            "Another instance uses this database without a Redis, so it hears nobody:"
            " stop it, and start it again with the same TUTORHUB_REDIS_URL as this one."
        )
    return None
