"""Connections to PostgreSQL, and the one place where a statement is executed.

Settings and their reasons are measured facts: autocommit, because else a plain SELECT opens a transaction;
limits of time on every statement; a small reserved pool, so that a rush of requests cannot cost a turn its lease.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeVar

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory, class_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from protocol.codec import decode_metadata
from server.errors import Unavailable
from sql import Statement, load

_HEALTH = load("health")

T = TypeVar("T")
Connection = AsyncConnection[tuple[Any, ...]]
Parameters = Mapping[str, object]

log = structlog.get_logger()

CONNECT: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c statement_timeout=2s -c lock_timeout=1s -c idle_in_transaction_session_timeout=5s -c timezone=UTC",
}
WAIT_FOR_CONNECTION = 1.0
MAX_WAITING = 100
RESERVED = 2
PING_HOLDS = 1.0
CLOSE_WITHIN = 3.0


class Database:
    """The pools of one instance, open inside `async with`: `connection()` for requests, `reserved()` for leases."""

    def __init__(self, conninfo: str, size: int) -> None:
        self._requests = _pool(conninfo, size, "requests")
        self._reserved = _pool(conninfo, RESERVED, "reserved")
        self._ping = asyncio.Lock()
        self._pinged_at = -PING_HOLDS
        self._answers = False

    async def __aenter__(self) -> Self:
        await self._requests.open()
        await self._reserved.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        with suppress(TimeoutError):  # psycopg waits for ever for workers that were cancelled together with it
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._requests.close()
                await self._reserved.close()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection in autocommit. Raises Unavailable when there is none, or when a statement can't be done now."""
        async with _translated(), self._requests.connection() as conn:
            yield conn

    @asynccontextmanager
    async def reserved(self) -> AsyncGenerator[Connection]:
        """As `connection`, from the small pool."""
        async with _translated(), self._reserved.connection() as conn:
            yield conn

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Connection]:
        """A connection all of whose statements see one and the same moment."""
        async with self.connection() as conn:
            await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            try:
                async with conn.transaction():
                    yield conn
            finally:
                if not conn.closed:
                    await conn.set_isolation_level(None)

    async def ping(self) -> None:
        """Raises Unavailable when the database does not answer. Who asks within a second gets the same answer."""
        async with self._ping:
            if time.monotonic() - self._pinged_at >= PING_HOLDS:
                self._pinged_at = time.monotonic()
                self._answers = False
                async with self.reserved() as conn:
                    await execute(conn, _HEALTH["alive"], {})
                self._answers = True
        if not self._answers:
            raise Unavailable(retry_after_ms=1_000)


async def execute(conn: Connection, statement: Statement, parameters: Parameters) -> int:
    """Execute, and tell how many rows it changed."""
    return (await conn.execute(statement, parameters)).rowcount


async def fetch_one(conn: Connection, row: type[T], statement: Statement, parameters: Parameters) -> T | None:
    """The first row as a `row`, whose fields are named as the columns."""
    async with conn.cursor(row_factory=_factory(row)) as cursor:
        return await (await cursor.execute(statement, parameters)).fetchone()


async def fetch_all(conn: Connection, row: type[T], statement: Statement, parameters: Parameters) -> list[T]:
    """All rows as `row`s."""
    async with conn.cursor(row_factory=_factory(row)) as cursor:
        return await (await cursor.execute(statement, parameters)).fetchall()


def _factory(row: type[T]) -> AsyncRowFactory[T]:
    return class_row(row)


def _pool(conninfo: str, size: int, name: str) -> AsyncConnectionPool[Connection]:
    return AsyncConnectionPool(
        conninfo,
        kwargs=CONNECT,
        min_size=min(2, size),
        max_size=size,
        open=False,
        configure=_configure,
        timeout=WAIT_FOR_CONNECTION,
        max_waiting=MAX_WAITING,
        reconnect_timeout=1,
        name=name,
    )


async def _configure(conn: Connection) -> None:
    set_json_loads(decode_metadata, conn)


@asynccontextmanager
async def _translated() -> AsyncGenerator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        log.warning("database_unavailable", error=type(error).__name__, sqlstate=error.sqlstate)
        raise Unavailable(retry_after_ms=1_000) from error
