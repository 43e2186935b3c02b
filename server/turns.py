"""The tutor's turns: claim, take over, settle, stop, release.

A turn belongs to a session, not to a socket. It is written by the instance that claimed it, as one attempt;
every write to the database names the attempt, and one that names a former attempt finds no row. Whatever ends
a reply, it is ended once.

Long because it is one thing: who writes a reply, from its claim to its end.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from msgspec import structs

from protocol.events import Live, ReplySettled
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Failure, Message, MessageMetadata, Reply, ReplyStatus
from server.attempt import LOST, RELEASED, STOPPED, Attempt, Ending
from server.errors import NotFound, Unavailable
from server.fanout.broker import Broker
from server.fanout.hub import Hub
from server.keeping import Keeper
from server.lesson import Lesson
from server.limits import Limits
from server.pulse import Pulse
from server.settings import TurnSettings
from server.store import messages, sessions, turns
from server.store.pool import Database
from server.store.turns import Claimed, Due, Turn
from server.store.users import Change
from server.tasks import ANSWERED_WITHIN, Tasks
from server.telling import told
from server.tutor.tutor import Tutor

HISTORY = 200
"""Messages that are read for a reply; the prompt takes as many of them as fit its budget."""
STOP_ANSWERED = 3.0
"""Seconds that a stop waits to see its reply settled."""
SETTLE_SEEN_EVERY = 0.1
SETTLE_AGAIN = 1.0
DUE_AT_ONCE = 100
OWNERS_FIRST = 10.0
"""Seconds after the database was away in which lost owners are left the time to renew their leases."""
WAITED_FOR = ANSWERED_WITHIN - 0.1
"""Seconds after which nobody may wait for a claim any more: it is given back."""


Show = Callable[[UserId, Lesson], Awaitable[Lesson]]
"""The lesson as the tutor is to see it."""

log = structlog.get_logger()


class Turns:
    """All turns that this instance writes. `owner` is its name in the database, fresh at every start.

    With `writes=False` replies are written by other instances alone, which are woken.
    """

    def __init__(
        self,
        database: Database,
        hub: Hub,
        broker: Broker,
        tutor: Tutor,
        tasks: Tasks,
        *,
        limits: Limits,
        show: Show,
        pulse: Pulse,
        settings: TurnSettings,
        owner: str,
        writes: bool = True,
    ) -> None:
        self._database = database
        self._hub = hub
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._tutor = tutor
        self._tasks = tasks
        self._limits = limits
        self._show = show
        self._pulse = pulse
        self._settings = settings
        self._owner = owner
        self._writes = writes
        self._attempts: dict[tuple[UserId, MessageId], Attempt] = {}
        self._keeper = Keeper(database, tasks, settings, self._attempts)
        self._sessions: dict[tuple[UserId, SessionId], bool] = {}
        self._waiting: defaultdict[UserId, set[SessionId]] = defaultdict(set)
        self._at_once = asyncio.Semaphore(settings.running)
        self._leaving = False
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def running(self) -> int:
        """How many replies are being written here."""
        return len(self._attempts)

    def wake(self, user: UserId, session: SessionId) -> None:
        """A reply of this session may be waiting to be written, here or elsewhere."""
        if self._writes and not self._leaving:
            self.wake_here(user, session)
        else:
            self._broker.wake(user, session)

    def wake_here(self, user: UserId, session: SessionId) -> None:
        """As `wake`, but for this instance alone."""
        if self._leaving or not self._writes:
            return
        if (user, session) in self._sessions:
            self._sessions[user, session] = True
            return
        self._sessions[user, session] = False
        self._quiet.clear()
        self._tasks.start(self._write_session(user, session), f"turns of {session}")

    async def look_out(self) -> None:
        """For ever: take up what nobody writes, as after the death of an instance."""
        while self._writes:
            try:
                for each in await self._tasks.soon(self._due(), "a turn"):
                    self.wake_here(each.user_id, each.session_id)
            except Unavailable:
                pass
            except Exception:  # whatever it is, the next look must come
                log.exception("look_out_failed")
            await asyncio.sleep(self._settings.due_every)

    async def keep_on(self) -> None:
        """For ever: what is written here is kept."""
        await self._keeper.run()

    async def leave(self, within: float) -> None:
        """Claim nothing more, wait so many seconds for replies to end; release the rest, as far as it is written."""
        self._leaving = True
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._quiet.wait()
        for attempt in self._attempts.values():
            attempt.end(RELEASED)
        await self._quiet.wait()

    # Stopping.

    async def stop(self, user: UserId, message: MessageId) -> Message:
        """End an open reply with what is written. A reply that has ended stays as it is. Raises NotFound."""
        attempt = self._attempts.get((user, message))
        if attempt is not None:
            attempt.end(STOPPED)
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_ANSWERED):
                    await attempt.settled.wait()
        row = await self._ask_to_stop(user, message)
        if row.status == "pending":
            self._broker.stop(user, message)
            row = await self._seen_to_settle(user, message) or await self._stop_in_its_place(user, message)
        self.wake(user, row.session_id)
        return row

    def look(self, user: UserId, message: MessageId) -> None:
        """Somebody has asked for a stop: whoever writes the reply here reads that from the database."""
        if (attempt := self._attempts.get((user, message))) is not None:
            attempt.look()

    async def _ask_to_stop(self, user: UserId, message: MessageId) -> Message:
        """The reply as it is then: settled, unless somebody writes it, who will read that it is to stop."""
        async with told(self._database, self._hub, user, ReplySettled) as change:
            row = await messages.message(change.conn, user, message)
            if row is None or row.deleted_at is not None or row.status is None:
                raise NotFound
            turn = await turns.ask_to_stop(change.conn, user, message)
            if turn is not None and turn.owner is None:
                await turns.end(change, turn)
                row = await self.settle_ended(change, turn)
                await sessions.touch(change, turn.session_id, said=row)
        return row

    async def _seen_to_settle(self, user: UserId, message: MessageId) -> Message | None:
        """The reply once it has settled; None: its owner does not answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_ANSWERED):
                while True:
                    await asyncio.sleep(SETTLE_SEEN_EVERY)
                    async with self._database.connection() as conn:
                        row = await messages.message(conn, user, message)
                    if row is None or row.status != "pending":
                        return row
        return None

    async def _stop_in_its_place(self, user: UserId, message: MessageId) -> Message:
        """Settle it for an owner who does not answer, with what is known of its text. Raises NotFound."""
        async with self._database.connection() as conn:
            held = await turns.one(conn, user, message)
        text = (await self._longest(held, held.attempt)).text if held is not None else ""
        async with told(self._database, self._hub, user, ReplySettled) as change:
            row = await messages.message(change.conn, user, message)
            if row is None:
                raise NotFound
            if held is not None and await turns.end(change, held):
                row = await messages.settle(change, message, "stopped", text, None)
                await sessions.touch(change, row.session_id, said=row)
        return row

    async def settle_ended(self, change: Change, turn: Turn) -> Message:
        """Settle, as stopped, a reply whose turn was ended in this transaction by other means than its own end: with
        what its attempt has told here, or with what was saved.
        """
        live, saved = self._hub.replies(turn.user_id, turn.session_id).get(turn.message_id), turn.saved
        told_here = live is not None and live.attempt == turn.attempt and (saved is None or live.next >= saved.next)
        text = live.text if live is not None and told_here and self._can_be_kept(live) else turn.text
        return await messages.settle(change, turn.message_id, "stopped", text, None)

    def so_far(self, turn: Turn) -> Reply | None:
        """What is written of an open reply: as told on this instance, else as last saved. None: nothing is."""
        live, saved = self._hub.replies(turn.user_id, turn.session_id).get(turn.message_id), turn.saved
        if live is not None and (saved is None or (live.attempt, live.next) >= (saved.attempt, saved.next)):
            return live  # the row was read some time ago
        return saved

    def lost(self, user: UserId, ended: list[Turn]) -> None:
        """Turns were ended and that is committed: whoever writes them here is to fall silent."""
        for turn in ended:
            if (attempt := self._attempts.get((user, turn.message_id))) is not None:
                attempt.end(LOST)

    # One session's replies, one at a time, in order.

    async def _write_session(self, user: UserId, session: SessionId) -> None:
        key = (user, session)
        try:
            while not self._leaving:
                self._sessions[key] = False
                async with self._at_once:
                    if self._leaving:
                        return
                    wrote = await self._write_next(user, session)
                if not wrote and not self._sessions[key]:
                    self._wait_for_place(user, session)
                    return
        except Unavailable:
            log.info("turn_left", session=str(session))
        finally:
            del self._sessions[key]
            if self._leaving:
                self._broker.wake(user, session)
            if not self._sessions:
                self._quiet.set()

    def _wait_for_place(self, user: UserId, session: SessionId) -> None:
        """Nothing could be claimed. If replies of the user are written here, their places may be what is missing."""
        if any(writing == user for writing, _ in self._attempts):
            self._waiting[user].add(session)

    async def _write_next(self, user: UserId, session: SessionId) -> bool:
        asked_at = self._loop.time()
        claimed = await self._tasks.soon(self._claim(user, session, asked_at), "a turn")
        if claimed is None:
            return False
        turn = await self._longest(claimed, claimed.former) if claimed.former else claimed
        if turn.stop:
            await self._settle(turn, "stopped", None)
        elif turn.interrupted >= self._settings.interruptions:
            failure = Failure(code="interrupted", detail="The tutor was interrupted too often.")
            await self._settle(turn, "failed", MessageMetadata(failure=failure))
        else:
            await self._write(turn, asked_at)
        return True

    async def _claim(self, user: UserId, session: SessionId, asked_at: float) -> Claimed | None:
        async with self._database.reserved() as conn:
            claimed = await turns.claim(
                conn,
                user,
                session,
                owner=self._owner,
                lease=self._settings.lease,
                take_over=self._takes_over(),
                places=self._limits.places,
            )
            if claimed is not None and self._loop.time() - asked_at > WAITED_FOR:
                await turns.release(conn, claimed)
                return None
            return claimed

    async def _due(self) -> list[Due]:
        async with self._database.reserved() as conn:
            return await turns.due_of_all_users(
                conn, DUE_AT_ONCE, take_over=self._takes_over(), places=self._limits.places
            )

    def _takes_over(self) -> bool:
        return not self._database.failed_within(OWNERS_FIRST)

    async def _longest(self, turn: Turn, attempt: int) -> Turn:
        """The turn with the most that is known of its text: what was saved, or the draft of an attempt."""
        draft = await self._broker.draft(turn.user_id, turn.message_id, attempt)
        if draft is None or len(draft.text) <= len(turn.text) or not self._can_be_kept(draft):
            return turn
        return structs.replace(turn, text=draft.text, chunks=draft.next)

    def _can_be_kept(self, reply: Reply) -> bool:
        """What came by Redis may be anybody's: a text that no attempt writes is none."""
        return "\0" not in reply.text and len(reply.text.encode()) <= self._settings.reply_bytes

    async def _write(self, turn: Turn, claimed_at: float) -> None:
        attempt = self._attempt(turn, claimed_at)
        self._attempts[turn.user_id, turn.message_id] = attempt
        try:
            async with self._hub.writing(turn.user_id, turn.message_id):
                if self._leaving:
                    attempt.end(RELEASED)
                ending = await attempt.write()
                self._limits.spend(turn.user_id, attempt.tokens)
                await self._finish(attempt, ending)
        finally:
            attempt.settled.set()
            del self._attempts[turn.user_id, turn.message_id]
            for session in self._waiting.pop(turn.user_id, ()):
                self.wake_here(turn.user_id, session)

    async def _finish(self, attempt: Attempt, ending: Ending) -> None:
        written = structs.replace(attempt.turn, text=attempt.writer.text, chunks=attempt.writer.chunks)
        if ending.status is not None:
            await self._settle(written, ending.status, attempt.metadata(ending))
        elif ending is RELEASED:
            await self._tasks.soon(self._release(written), "a turn")

    async def _settle(self, turn: Turn, status: ReplyStatus, metadata: MessageMetadata | None) -> None:
        """End the reply with the turn's text, unless another attempt has taken it over. While that cannot be done it is
        tried again and again, and the turn kept.
        """
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep_on(turn))
            try:
                await self._settle_in_the_end(turn, status, metadata)
            except Exception:  # a text that cannot be kept must not leave the reply open for ever
                log.exception("settle_failed", message=str(turn.message_id))
                failure = Failure(code="internal", detail="What the tutor has said could not be kept.")
                without = structs.replace(turn, text="")
                await self._settle_in_the_end(without, "failed", MessageMetadata(failure=failure))
            keeping.cancel()

    async def _settle_in_the_end(self, turn: Turn, status: ReplyStatus, metadata: MessageMetadata | None) -> None:
        while True:
            with suppress(Unavailable):
                async with told(self._database, self._hub, turn.user_id, ReplySettled) as change:
                    if await turns.end(change, turn):
                        row = await messages.settle(change, turn.message_id, status, turn.text, metadata)
                        await sessions.touch(change, turn.session_id, said=row)
                event = "reply_settled" if change.messages else "turn_lost"
                log.info(event, message=str(turn.message_id), status=status)
                return
            await asyncio.sleep(SETTLE_AGAIN)

    async def _keep_on(self, turn: Turn) -> None:
        """Until it is cancelled. What is wrong with its text is for whoever settles it to find."""
        while True:
            await asyncio.sleep(self._settings.keep_every)
            try:
                await self._keeper.keep(turn)
            except Unavailable:
                pass
            except Exception:
                log.exception("keep_failed", message=str(turn.message_id))

    def _attempt(self, turn: Turn, claimed_at: float) -> Attempt:
        def tell(event: Live) -> None:
            self._hub.tell_live(turn.user_id, turn.session_id, event)

        def goes_on(renewed_at: float) -> bool:
            return self._database.away and not self._pulse.paused_since(renewed_at)

        async def read() -> Lesson | None:
            lesson = await self._tasks.soon(self._lesson(turn), "a turn")
            return lesson and await self._show(turn.user_id, lesson)

        return Attempt(
            turn,
            self._tutor,
            self._settings,
            tell,
            self._keeper.keep,
            read=read,
            hurry=self._keeper.hurry,
            goes_on=goes_on,
            merge=lambda: self._pulse.stretched(self._settings.merge),
            claimed_at=claimed_at,
        )

    async def _release(self, turn: Turn) -> None:
        async with self._database.reserved() as conn:
            await turns.release(conn, turn)

    async def _lesson(self, turn: Turn) -> Lesson | None:
        """What the reply is written from. None: what it answers is gone, and the turn with it."""
        async with self._database.connection() as conn:
            session = await sessions.session(conn, turn.user_id, turn.session_id)
            said = await messages.history(conn, turn.user_id, turn.session_id, turn.message_id, HISTORY)
        if session is None or not said:
            return None
        begun = turn.text if self._tutor.continues else ""
        return Lesson(mode=session.mode, language=session.language, history=said, begun=begun)
