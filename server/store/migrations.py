"""Brings the schema up and down: one transaction for each migration, one instance at a time.

What was applied is remembered with its checksum, so that a file that was changed afterwards is noticed.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict

from server.errors import StartupError
from server.store.pool import Connection, execute, fetch_all
from sql import Statement, load, migrations

_SQL = load("migrations")


class Applied(Struct, frozen=True):
    """A migration that the database has been through."""

    name: str
    checksum: str


async def migrate(conninfo: str) -> list[str]:
    """Apply what is missing; returns its names. Raises StartupError, and then the old schema is left."""
    done: list[str] = []
    async with in_use(conninfo) as conn:
        for name, up, _ in migrations():
            if await _apply(conn, name, up):
                done.append(name)
    return done


async def revert(conninfo: str) -> str | None:
    """Take back the last migration; returns its name, None when there is none."""
    async with in_use(conninfo) as conn, conn.transaction():
        applied = await _applied(conn)
        if not applied:
            return None
        name = applied[-1].name
        down = next(down for known, _, down in migrations() if known == name)
        await _run(conn, name, down)
        await execute(conn, _SQL["forget"], {"name": name})
        return name


async def status(conninfo: str) -> list[tuple[str, bool]]:
    """Each migration of this version, and whether it was applied."""
    async with in_use(conninfo) as conn, conn.transaction():
        applied = {row.name for row in await _applied(conn)}
        return [(name, name in applied) for name, _, _ in migrations()]


async def connect(conninfo: str) -> Connection:
    """A connection that is nobody's pool's, for what is done before an instance runs. Raises StartupError."""
    try:
        conninfo_to_dict(conninfo)
    except psycopg.Error:  # what it says would repeat the password
        raise StartupError(
            "TUTORHUB_DATABASE_URL: is not the URL of a PostgreSQL: postgresql://USER:PASSWORD@HOST/DATABASE,"
            " with %25 for a % in the password, %40 for an @"
        ) from None
    try:
        return await Connection.connect(
            conninfo,
            autocommit=True,
            connect_timeout=3,
            application_name="tutorhub starting",
            options="-c lock_timeout=30s",
        )
    except psycopg.Error as error:
        raise StartupError(f"The database cannot be reached: {' '.join(str(error).split())}") from error


@asynccontextmanager
async def in_use(conninfo: str) -> AsyncGenerator[Connection]:
    """As `connect`, and closed afterwards; whatever the database refuses is a StartupError."""
    async with await connect(conninfo) as conn:
        try:
            yield conn
        except psycopg.Error as error:
            raise StartupError(f"The database cannot be used: {' '.join(str(error).split())}") from error


async def _apply(conn: Connection, name: str, up: Statement) -> bool:
    async with conn.transaction():
        applied = {row.name: row.checksum for row in await _applied(conn)}
        checksum = sha256(up).hexdigest()
        if name in applied:
            if applied[name] != checksum:
                raise StartupError(f"Migration {name} was changed after it had been applied to this database.")
            return False
        if applied and name < max(applied):
            raise StartupError(f"Migration {name} is older than {max(applied)}, which this database has already.")
        await _run(conn, name, up)
        await execute(conn, _SQL["record"], {"name": name, "checksum": checksum})
        return True


async def _applied(conn: Connection) -> list[Applied]:
    await execute(conn, _SQL["one_at_a_time"], {})
    await execute(conn, _SQL["make_ledger"], {})
    applied = await fetch_all(conn, Applied, _SQL["applied"], {})
    unknown = {row.name for row in applied} - {name for name, _, _ in migrations()}
    if unknown:
        raise StartupError(f"The database is of a newer version: it has the migration {max(unknown)}.")
    return applied


async def _run(conn: Connection, name: str, statement: Statement) -> None:
    try:
        await conn.execute(statement)
    except psycopg.Error as error:
        raise StartupError(
            f"Migration {name} failed; the schema is as it was: {' '.join(str(error).split())}"
        ) from error
