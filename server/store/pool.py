"""Connections to PostgreSQL, and the one place where a statement is executed.

Settings and their reasons are measured facts: autocommit, because else a plain SELECT opens a transaction;
limits of time on every statement; a small reserved pool, so that a rush of requests cannot cost a turn its lease.
Long because what the driver's pool does in trouble, and what is done about it, stand side by side.
"""

import asyncio
import os
import select
import socket
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from random import uniform
from typing import Any, Self, TypeVar

import psycopg
import structlog
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory, class_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from protocol.codec import decode_metadata
from server.errors import ConnectionBroken, StorageFull, Unavailable
from server.key_ring import KeyRing, UserKeys
from server.store import arrays
from server.store.failures import DatabaseFault, is_broken, refusal_for
from server.store.reach import Reach
from server.tasks import cancel_all
from sql import Statement, load

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

_HEALTH = load("health")

T = TypeVar("T")


class Connection(AsyncConnection[tuple[Any, ...]]):
    """`keys` seal what is written by it, and open what is read."""

    keys = UserKeys(KeyRing({}))


Pool = AsyncConnectionPool[Connection]
Parameters = Mapping[str, object]

_numbers = count()
"""Of the pools of this process: the names of their workers are nobody else's."""

log = structlog.get_logger()

CONNECT: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c statement_timeout=2s -c lock_timeout=1s -c idle_in_transaction_session_timeout=5s -c timezone=UTC"
    " -c plan_cache_mode=force_generic_plan",
}
"""A statement is planned once for each connection, for any user: left to choose, PostgreSQL takes the sum over all
partitions for the price of such a plan, finds it dear, and plans anew each time, which costs as much again.
"""
CONNECT_PAUSE = (0.05, 0.3)
"""Seconds between two tries of a new connection."""
COMPLAINS_EVERY = 10.0
WAIT_FOR_CONNECTION = 1.0
LENT_FOR = 3.0
"""Seconds for a whole transaction, of a dozen round trips at most; the server gives up a statement after two."""
MAX_WAITING = 100
RESERVED = 2
PING_HOLDS = 1.0
CLOSE_WITHIN = 3.0


class Origin(Struct, frozen=True):
    """Where the numbers of a database come from; None of a standby."""

    name: str | None


class Database:
    """The pools of one instance, open inside `async with`: `connection()` for requests, `reserved()` for leases.

    What is raised: ConnectionBroken when the database can't be reached, went away in the middle, or became another
    one while a connection was waited for; StorageFull when its disk is full, and Unavailable when there is no free
    connection or a statement can't be done in its time.
    """

    def __init__(self, conninfo: str, size: int, ring: KeyRing | None = None) -> None:
        self._reach = Reach()
        kind = _connecting(self._reach, UserKeys(ring or KeyRing({})))
        self._requests = _pool(conninfo, size, "requests", kind, self._configure)
        self._reserved = _pool(conninfo, RESERVED, "reserved", kind, self._configure)
        self.origin = ""
        """Where the numbers come from that are given now: the first two parts of an epoch. Empty: not known yet."""
        self._when_another: Callable[[], None] | None = None
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
        names = (f"{self._requests.name}-worker-", f"{self._reserved.name}-worker-")
        await cancel_all(lambda task: task.get_name().startswith(names))

    @property
    def away(self) -> bool:
        """The last try to reach the database failed, and none has succeeded since."""
        return self._reach.away

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return sum(int(pool.get_stats().get("requests_waiting", 0)) for pool in (self._requests, self._reserved))

    def failed_within(self, seconds: float) -> bool:
        """A try to reach the database has failed in this time."""
        return self._reach.failed_within(seconds)

    def full_within(self, seconds: float) -> bool:
        """In this time something could not be saved, for want of room."""
        return self._reach.full_within(seconds)

    def when_another(self, call: Callable[[], None]) -> None:
        """Have this called when a connection leads to another database than those before, before it is used."""
        self._when_another = call

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection in autocommit, for a few seconds at most."""
        async with self._lent(self._requests) as conn:
            yield conn

    @asynccontextmanager
    async def reserved(self) -> AsyncGenerator[Connection]:
        """As `connection`, from the small pool."""
        async with self._lent(self._reserved) as conn:
            yield conn

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

    async def _configure(self, conn: Connection) -> None:
        set_json_loads(decode_metadata, conn)
        arrays.understood(conn)
        with _for_a_while(conn):
            origin = await fetch_one(conn, Origin, _HEALTH["origin"], {})
        if origin is None or origin.name is None:
            return
        former, self.origin = self.origin, origin.name
        if former not in ("", origin.name) and self._when_another is not None:
            log.warning("database_is_another", origin=origin.name, former=former)
            self._when_another()

    @asynccontextmanager
    async def _lent(self, pool: Pool) -> AsyncGenerator[Connection]:
        origin = self.origin
        try:
            async with _living(pool) as conn:
                if origin not in ("", self.origin):
                    raise ConnectionBroken(retry_after_ms=1_000)
                with _for_a_while(conn):
                    yield conn
                self._reach.succeeded()
        except psycopg.Error as error:
            refusal = refusal_for(error, away=self.away)
            if refusal is None:
                raise DatabaseFault(error) from None
            log.warning("database_unavailable", error=type(error).__name__, sqlstate=error.sqlstate)
            await self._learn(refusal, from_statement=not isinstance(error, PoolTimeout))
            raise refusal from error

    async def _learn(self, refusal: Unavailable, *, from_statement: bool) -> None:
        """Remember it. With one connection broken the idle ones are suspect: all are replaced, once per trouble."""
        if isinstance(refusal, StorageFull):
            self._reach.full()
        elif isinstance(refusal, ConnectionBroken) and from_statement and self._reach.broke():
            await self._requests.drain()
            await self._reserved.drain()


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


def _pool(
    conninfo: str, size: int, name: str, kind: type[Connection], configure: Callable[[Connection], Awaitable[None]]
) -> Pool:
    return AsyncConnectionPool(
        conninfo,
        connection_class=kind,
        kwargs=CONNECT,
        min_size=min(2, size),
        max_size=size,
        open=False,
        configure=configure,
        timeout=WAIT_FOR_CONNECTION,
        max_waiting=MAX_WAITING,
        reconnect_timeout=1,
        name=f"{name}-{next(_numbers)}",
    )


def _connecting(reach: Reach, user_keys: UserKeys) -> type[Connection]:
    """Connections that try until they come about, and tell how it went. Whoever is cancelled hangs up.

    They never give up, because the pool would: it tries anew only when somebody asks for a connection, and whoever asks
    while as many wait as may is refused before that. Who waited and is gone is counted until a connection comes.
    """

    class Reaching(Connection):
        keys = user_keys

        @classmethod
        @override
        async def connect(cls, conninfo: str = "", **options: Any) -> Self:
            complained_at = -COMPLAINS_EVERY
            while True:
                try:
                    made = await super().connect(conninfo, **options)
                except psycopg.OperationalError as error:
                    reach.failed()
                    if time.monotonic() - complained_at >= COMPLAINS_EVERY:
                        complained_at = time.monotonic()
                        log.warning("database_not_reached", error=" ".join(str(error).split()))
                    await asyncio.sleep(uniform(*CONNECT_PAUSE))
                else:
                    reach.succeeded()
                    return made

        @override
        async def cancel_safe(self, *, timeout: float = 0) -> None:
            """Called by psycopg when a task is cancelled that waits for an answer. It would ask the server to cancel,
            which takes ten seconds when that is silent.
            """
            _cut(self)

    return Reaching


@asynccontextmanager
async def _living(pool: Pool) -> AsyncGenerator[Connection]:
    """A connection that has not died while it was idle. The dead ones are replaced, and cost no waiting."""
    while True:
        async with pool.connection() as conn:
            if not _has_something_to_say(conn):
                try:
                    yield conn
                except psycopg.Error as error:
                    if is_broken(error):  # or it is of a server that is of no use any more
                        await conn.close()
                    raise
                return
            await conn.close()


def _has_something_to_say(conn: Connection) -> bool:
    """Nothing was asked, so if there is something to read, it is the end."""
    poll = select.poll()
    poll.register(conn.fileno(), select.POLLIN)
    return bool(poll.poll(0))


@contextmanager
def _for_a_while(conn: Connection) -> Generator[None]:
    """After some seconds the connection is cut, so that what waits for an answer on it ends, as broken."""
    timer = asyncio.get_running_loop().call_later(LENT_FOR, _cut, conn)
    try:
        yield
    finally:
        timer.cancel()


def _cut(conn: Connection) -> None:
    with suppress(OSError, psycopg.OperationalError), socket.socket(fileno=os.dup(conn.fileno())) as cut:
        cut.shutdown(socket.SHUT_RDWR)
