"""Reads that may lag behind, but never behind what their device has seen: from a replica that has reached it.

A replica is asked how far it is before it is read, on the same connection, and it never goes back: so what is read is
of then or later. Where it has not come so far, or does not answer in time, the database itself is read, as if there
were no replicas.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import structlog

from protocol.ids import UserId
from protocol.model import Cursor
from server.errors import Refusal
from server.key_ring import KeyRing
from server.store import users
from server.store.failures import DatabaseFault
from server.store.pool import Connection, Database

T = TypeVar("T")

WITHIN = 0.5
"""Seconds in which a replica has to answer, before the database itself is asked."""
RESTS_FOR = 5.0
"""Seconds for which a replica that did not answer is left alone."""
CONNECTIONS = 4
"""To each replica; a read that finds none free asks the database."""

log = structlog.get_logger()


class Reads:
    """Of one instance; made by `reads`. `counts`: who was asked, and how it went."""

    def __init__(self, database: Database, replicas: list[Database]) -> None:
        self.counts = Counter[str]()
        self._database = database
        self._replicas = replicas
        self._rests_until: dict[Database, float] = {}

    async def read(
        self,
        user: UserId,
        seen: Cursor | None,
        work: Callable[[Connection], Awaitable[T]],
    ) -> T:
        """What `work` reads of the user, who has seen so much; it may be begun again. None: nobody knows how much.

        Raises what it raises when the database itself is read.
        """
        if seen is not None and (replica := self._next()) is not None:
            try:
                async with asyncio.timeout(WITHIN), replica.connection() as conn:
                    if await _has(conn, user, seen):
                        found = await work(conn)
                        self.counts["replica"] += 1
                        return found
                    self.counts["behind"] += 1
            except Refusal as refusal:  # also what it has not heard of yet
                self._failed(replica, refusal)
            except (DatabaseFault, TimeoutError) as error:
                self._failed(replica, error)
        self.counts["database"] += 1
        async with self._database.connection() as conn:
            return await work(conn)

    def _next(self) -> Database | None:
        """The replicas take turns; None: there is none that answers."""
        for _ in self._replicas:
            replica = self._replicas.pop(0)
            self._replicas.append(replica)
            if not replica.away and self._rests_until.get(replica, 0.0) <= time.monotonic():
                return replica
        return None

    def _failed(self, replica: Database, error: Exception) -> None:
        self.counts["failed"] += 1
        if isinstance(error, (DatabaseFault, TimeoutError)) or replica.away:
            self._rests_until[replica] = time.monotonic() + RESTS_FOR
            log.warning("replica_not_used", error=type(error).__name__, seconds=RESTS_FOR)


@asynccontextmanager
async def reads(database: Database, urls: str | None, ring: KeyRing) -> AsyncGenerator[Reads]:
    """Reads of the database and its replicas, whose URLs have spaces between them; these need not be there yet."""
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(Database(url, CONNECTIONS, ring)) for url in (urls or "").split()]
        yield Reads(database, replicas)


async def _has(replica: Connection, user: UserId, seen: Cursor) -> bool:
    found = await users.reached(replica, user)
    return found is not None and found.epoch == seen.epoch and found.seq >= seen.seq
