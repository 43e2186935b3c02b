"""What devices read that come at the same moment, or come back: together, in one statement.

A device that comes by itself is read for at once. Of a crowd, those that come within a hundredth of a second of the
statement before, or while two are under way, gather for the next. What a statement reads is read after each has asked.
"""

import asyncio

import structlog
from msgspec import Struct

from protocol.ids import UserId
from protocol.model import Cursor
from server.errors import NotFound, Refusal, SealedWithMissingKey
from server.pace import Pace
from server.store import users
from server.store.pool import Connection, Database
from server.store.timeline import Page, since_of_users
from server.tasks import Tasks

TOGETHER = 50
"""Pages of one statement."""
APART = 0.01
"""Seconds between the beginnings of two statements."""
AT_ONCE = 2
"""Statements under way. What more connections there are is for requests."""

log = structlog.get_logger()


class _Waiting(Struct, frozen=True):
    user: UserId
    cursor: Cursor | None
    answer: "asyncio.Future[Page | None]"
    """None: the user was never seen, or is being erased."""

    def resolve(self, page: Page | None) -> None:
        if not self.answer.done():
            self.answer.set_result(page)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Timelines:
    """Of one instance."""

    def __init__(self, database: Database, tasks: Tasks) -> None:
        self._database = database
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._under_way = 0
        self._pace = Pace(APART)
        self._meeting = asyncio.Semaphore(AT_ONCE)

    async def since(self, user: UserId, cursor: Cursor | None) -> Page:
        """The head, and a page of what came after the cursor; a snapshot when its numbers are of no use.

        Raises NotFound for a user who is being erased; SealedWithMissingKey, Unavailable.
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
        waiting = _Waiting(user, cursor, self._loop.create_future())
        self._waiting.append(waiting)
        if self._under_way < AT_ONCE:
            self._under_way += 1
            self._tasks.start(self._read_waiting(), "what devices have missed")
        return await waiting.answer

    async def _read_waiting(self) -> None:
        try:
            while self._waiting:
                await self._pace.turn()
                await self._read_some()
        finally:
            self._under_way -= 1

    def _take(self, most: int) -> list[_Waiting]:
        wanted = [each for each in self._waiting if not each.answer.done()]  # not of those who gave up
        some, self._waiting = wanted[:most], wanted[most:]
        return some

    async def _read_some(self) -> None:
        """Each of them gets an answer."""
        some: list[_Waiting] = []
        try:
            async with self._database.connection() as conn:
                if some := self._take(TOGETHER):
                    await _answer(conn, some)
        except Refusal as refusal:
            for each in some or self._take(len(self._waiting)):  # all the others wait for the same
                each.fail(refusal)
        except Exception:  # whatever is wrong with one of them, the others have an answer
            log.exception("pages_failed")
            for each in some:
                await self._read_alone(each)

    async def _read_alone(self, waiting: _Waiting) -> None:
        try:
            async with self._database.connection() as conn:
                await _answer(conn, [waiting])
        except Exception as error:  # it is the waiting one's
            waiting.fail(error)


async def _answer(conn: Connection, some: list[_Waiting]) -> None:
    found = await since_of_users(conn, [(each.user, each.cursor) for each in some])
    for place, each in enumerate(some):
        page = found.get(place)
        if isinstance(page, SealedWithMissingKey):
            each.fail(page)
        else:
            each.resolve(page)
