"""What devices read that come at the same moment, or come back: together, in two statements at most.

A device that comes by itself is read for at once. Of a crowd, those that come within a hundredth of a second of the
reading before, or while two are under way, gather for the next; so do the further pages of one. What is read is read
after each has asked.
"""

import asyncio

import structlog
from msgspec import Struct

from protocol.ids import UserId
from protocol.model import Cursor
from server.errors import NotFound, Refusal, SealedWithMissingKey, Unavailable
from server.pace import Pace
from server.store import users
from server.store.pool import Connection, Database
from server.store.timeline import Page, since_of_users
from server.tasks import Tasks

TOGETHER = 50
"""Pages that are read together, at most: fewer for a while after that was too much for the time a statement has."""
AT_ONCE = 2
"""Readings under way, and as many users who are met for the first time: half of the connections at most, if there are
four. The others are for requests.
"""
MOST_WAITING = 1_000
"""Pages; who comes beyond them is asked to come again."""

log = structlog.get_logger()


class _Waiting(Struct, frozen=True):
    user: UserId
    cursor: Cursor | None
    answer: "asyncio.Future[Page | None]"
    """None: the user has no row."""

    def resolve(self, page: Page | None) -> None:
        if not self.answer.done():
            self.answer.set_result(page)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Timelines:
    """Of one instance, whose database has so many `connections`."""

    def __init__(self, database: Database, tasks: Tasks, connections: int) -> None:
        self._database = database
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._at_once = max(1, min(AT_ONCE, connections // 4))
        self._under_way = 0
        self._together = TOGETHER
        self._pace = Pace()
        self._meeting = asyncio.Semaphore(self._at_once)

    async def since(self, user: UserId, cursor: Cursor | None) -> Page:
        """The head, and a page of what came after the cursor; a snapshot when its numbers are of no use.

        Raises NotFound for a user without a row who is being erased (`Standing` keeps out the others);
        SealedWithMissingKey, Unavailable.
        """
        page = await self._read(user, cursor)
        if page is None:
            async with self._meeting, self._database.connection() as conn:
                await users.meet(conn, user)
            page = await self._read(user, None)
        if page is None:  # they are being erased
            raise NotFound
        return page

    async def _read(self, user: UserId, cursor: Cursor | None) -> Page | None:
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable(retry_after_ms=1_000)
        waiting = _Waiting(user, cursor, self._loop.create_future())
        self._waiting.append(waiting)
        if self._under_way < self._at_once:
            self._under_way += 1
            self._tasks.start(self._read_waiting(), "what devices have missed")
        return await waiting.answer

    async def _read_waiting(self) -> None:
        try:
            while self._waiting:
                await self._pace.begin()
                await self._read_some()
        finally:
            self._under_way -= 1

    def _take(self, most: int) -> list[_Waiting]:
        wanted = [each for each in self._waiting if not each.answer.done()]  # not of those who gave up
        some, self._waiting = wanted[:most], wanted[most:]
        return some

    async def _read_some(self) -> None:
        """Each of them gets an answer. What fails together is read one by one, and fewer together after that."""
        some: list[_Waiting] = []
        try:
            async with self._database.connection() as conn:
                if some := self._take(self._together):
                    await _answer(conn, some)
        except Exception as error:
            if not isinstance(error, Refusal):
                log.exception("pages_failed")
            if len(some) > 1:
                self._together = max(1, len(some) // 4)
                await self._read_each([each for each in some if not each.answer.done()])
            else:
                _refuse(some or self._take(len(self._waiting)), error)  # all the others wait for the same connection
        else:
            self._together = min(TOGETHER, 2 * self._together)

    async def _read_each(self, some: list[_Waiting]) -> None:
        """Nobody bears what is wrong with another. What is wrong with two is wrong with the database: the others need
        not wait for it.
        """
        refused = set[UserId]()
        for place, waiting in enumerate(some):
            is_lent = False
            try:
                async with self._database.connection() as conn:
                    is_lent = True
                    await _answer(conn, [waiting])
            except Exception as error:
                waiting.fail(error)
                if isinstance(error, Refusal):
                    refused.add(waiting.user)
                    if not is_lent or len(refused) > 1:
                        _refuse(some[place:], error)
                        break


def _refuse(some: list[_Waiting], error: Exception) -> None:
    for each in some:
        each.fail(error)


async def _answer(conn: Connection, some: list[_Waiting]) -> None:
    found = await since_of_users(conn, [(each.user, each.cursor) for each in some])
    for place, each in enumerate(some):
        page = found.get(place)
        if isinstance(page, SealedWithMissingKey):
            each.fail(page)
        else:
            each.resolve(page)
