"""Sends of the same moment are kept together: one of each user, in one statement, told and acknowledged after it.

That is for what is in order. The statement passes over what is not, and that is sent alone, in a transaction of its
own, which says what is wrong. Nothing waits for others to come: those that come while statements are under way gather
for the next. So one that comes by itself is one round trip, instead of a dozen.
"""

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

import structlog
from msgspec import Struct

from protocol.answers import Sent
from protocol.events import MessageAdded
from protocol.ids import UserId
from server.errors import ConnectionBroken, Refusal, Unavailable
from server.fanout.hub import Hub
from server.store.pool import WAIT_FOR_CONNECTION, Database
from server.store.sends import Added, Draft, send_of_users
from server.tasks import Tasks

TOGETHER = 32
"""Sends in one statement. More at a time, and the database would wait for us, and we for it."""
AT_ONCE = 2
"""Statements under way."""
MOST_WAITING = 1_000
"""Sends. What more there is would be refused before its turn came."""
WAITS_FOR = WAIT_FOR_CONNECTION
"""Seconds for what the same user has sent before, as for a connection: later it would be done after it was refused."""

log = structlog.get_logger()


class _Waiting(Struct, frozen=True):
    user: UserId
    draft: Draft
    answer: "asyncio.Future[Sent | None]"
    """None: it is to be sent alone."""

    def resolve(self, sent: Sent | None) -> None:
        if not self.answer.done():
            self.answer.set_result(sent)

    def refuse(self, refusal: Refusal) -> None:
        if not self.answer.done():
            self.answer.set_exception(refusal)


class Sender:
    """Of one instance. `pending`: so many open replies of a session, and what is sent to it is out of the ordinary."""

    def __init__(self, database: Database, hub: Hub, tasks: Tasks, *, pending: int) -> None:
        self._database = database
        self._hub = hub
        self._tasks = tasks
        self._pending = pending
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []
        self._under_way = 0
        self._locks: WeakValueDictionary[UserId, asyncio.Lock] = WeakValueDictionary()
        """Of each user who sends: one at a time, in the order in which they came."""

    async def send(self, user: UserId, draft: Draft, alone: Callable[[], Awaitable[Sent]]) -> Sent:
        """Together with others, or `alone`; after what the user has sent before. It is committed and told then.

        Raises what `alone` raises, and Unavailable.
        """
        lock = self._locks.setdefault(user, asyncio.Lock())
        try:
            async with asyncio.timeout(WAITS_FOR):
                await lock.acquire()
        except TimeoutError:
            raise Unavailable(retry_after_ms=1_000) from None
        try:
            return await self._together(user, draft) or await alone()
        finally:
            lock.release()

    async def _together(self, user: UserId, draft: Draft) -> Sent | None:
        if draft.names_files:
            return None
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable(retry_after_ms=1_000)
        waiting = _Waiting(user, draft, self._loop.create_future())
        self._waiting.append(waiting)
        if self._under_way < AT_ONCE:
            self._under_way += 1
            self._tasks.start(self._send_waiting(), "sends")
        return await waiting.answer

    async def _send_waiting(self) -> None:
        try:
            while self._waiting:
                wanted = [each for each in self._waiting if not each.answer.done()]  # not of those who gave up
                some, self._waiting = wanted[:TOGETHER], wanted[TOGETHER:]
                if some:
                    await self._send_some(some)
        finally:
            self._under_way -= 1

    async def _send_some(self, some: list[_Waiting]) -> None:
        """Each of them gets an answer. When the database went away in the middle, nobody knows whether it was done."""
        asked = False
        try:
            async with self._database.connection() as conn:
                origin = self._database.origin
                asked = True
                added = await send_of_users(conn, [(each.user, each.draft) for each in some], pending=self._pending)
            for place, each in enumerate(some):
                self._answer(each, origin, added.get(place))
        except Refusal as refusal:
            if not asked:  # all the others wait for the same
                some, self._waiting = [*some, *self._waiting], []
            elif isinstance(refusal, ConnectionBroken):
                refusal.unsure = True
                for each in some:
                    self._hub.doubt(each.user)
            for each in some:
                each.refuse(refusal)
        except Exception:  # whatever is wrong with one of them, nobody may wait for ever
            log.exception("sends_failed")
            for each in some:
                self._hub.doubt(each.user)  # it may be committed
                each.resolve(None)

    def _answer(self, each: _Waiting, origin: str, added: Added | Refusal | None) -> None:
        match added:
            case None:
                each.resolve(None)
            case Refusal():
                self._hub.doubt(each.user)
                each.refuse(added)
            case Added(session, said, reply):
                event = MessageAdded(seq=said.seq, sessions=[session], messages=[said, reply])
                self._hub.tell(each.user, origin, event)
                each.resolve(
                    Sent(session=session.id, message=said.id, reply=reply.id, position=said.position, seq=said.seq)
                )
