"""The rooms of this instance. To tell is to deliver here, at once, and to hand a copy to the broker.

Nothing here waits for a device. What waits is the reading of what a room has missed; see watch.py for what no room can
know that it has missed.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import structlog

from protocol.errors import CloseCode
from protocol.events import Degraded, Durable, Live, Trouble
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Cursor, Reply
from server.errors import Refusal
from server.fanout.broker import Broker
from server.fanout.frames import Frame, frame
from server.fanout.member import Member
from server.fanout.room import Room
from server.store import timeline, turns
from server.store.pool import Database
from server.store.turns import Turn
from server.tasks import Tasks

REPAIR_AFTER = 0.2
"""Seconds that a room waits for a number that is missing before it reads: mostly it is only late."""
REPAIR_EVERY = 2.0
"""Seconds between two reads of a text that is still missing, in the end."""
READ_WITHIN = 2.0

log = structlog.get_logger()


class Hub:
    """All rooms; a room is there while a device of its user is connected or a reply of theirs is written here."""

    def __init__(self, broker: Broker, tasks: Tasks, database: Database) -> None:
        self._broker = broker
        self._tasks = tasks
        self._database = database
        self._rooms: dict[UserId, Room] = {}
        database.when_another(self._resync_all)
        self.degraded: list[Trouble] = []

    @asynccontextmanager
    async def joined(self, user: UserId, member: Member) -> AsyncGenerator[Room]:
        """The device is in its user's room. It is given what is told once it has been caught up."""
        room = self._room(user)
        room.members.add(member)
        try:
            await self._broker.listen(user)
            yield room
        finally:
            room.leave(member)
            self._close_if_empty(room)

    @asynccontextmanager
    async def writing(self, user: UserId, message: MessageId) -> AsyncGenerator[Room]:
        """A reply is written here: the room is kept, so that who comes in finds the text so far."""
        room = self._room(user)
        room.written.add(message)
        try:
            await self._broker.listen(user)
            yield room
        finally:
            room.written.discard(message)
            self._close_if_empty(room)

    @contextmanager
    def opening(self, user: UserId, session: SessionId) -> Generator[None]:
        """A device is about to be shown a session: what is told of its replies meanwhile is not let go."""
        room = self._room(user)
        room.opening[session] += 1
        try:
            yield
        finally:
            room.opening[session] -= 1
            if not room.opening[session]:
                del room.opening[session]

    def open_session(self, user: UserId, session: SessionId, member: Member) -> None:
        """A device that has joined is shown a session: from now on it is given its live text."""
        self._room(user).open_session(session, member)

    def close_session(self, user: UserId, session: SessionId, member: Member) -> None:
        """It is shown the session no more."""
        self._room(user).close_session(session, member)

    @property
    def rooms(self) -> list[Room]:
        return list(self._rooms.values())

    def replies(self, user: UserId, session: SessionId) -> dict[MessageId, Reply]:
        """The open replies of a session, as far as they were told here."""
        room = self._rooms.get(user)
        return room.replies.of(session) if room else {}

    def heard_of(self, user: UserId) -> Cursor | None:
        """The highest number of the user's that was heard of here; None: it is not known."""
        room = self._rooms.get(user)
        return room.heard_of if room else None

    # Telling.

    def tell(self, user: UserId, origin: str, event: Durable) -> None:
        """A numbered change was committed: every device of the user hears of it, in order. See telling.py."""
        told = frame(event)
        self._deliver(user, origin, told, event)
        self._broker.tell(user, origin, told)

    def tell_live(self, user: UserId, session: SessionId, event: Live) -> None:
        """Something that is not kept: pieces of a reply, typing."""
        told = frame(event)
        self._deliver_live(user, session, told, event)
        self._broker.tell_live(user, session, told)

    def hear(self, user: UserId, origin: str, told: Frame) -> None:
        """Another instance has told of this change."""
        if isinstance(told.event, Durable):
            self._deliver(user, origin, told, told.event)

    def hear_live(self, user: UserId, session: SessionId, told: Frame) -> None:
        """Another instance has told this, which is not kept."""
        if isinstance(told.event, Live):
            self._deliver_live(user, session, told, told.event)

    def say_degraded(self, what: list[Trouble]) -> None:
        """What does not work as it should, to every device, if that has changed."""
        if what != self.degraded:
            self.degraded = what
            for room in self.rooms:
                room.say(frame(Degraded(what=what)))

    # What was missed.

    def reach(self, room: Room, seq: int, epoch: str) -> None:
        """The timeline was read, for a device that is joining, and this is its head."""
        if room.head is None:
            room.reach(seq, epoch)
            self._look_for_gap(room)
        else:
            self.know(room.user, seq, epoch)

    def doubt(self, user: UserId) -> None:
        """A change may have been committed and never told: as good as a gap."""
        if (room := self._rooms.get(user)) is not None:
            room.doubted = True
            self._look_for_gap(room)

    def know(self, user: UserId, seq: int, epoch: str) -> None:
        """Somebody has read where the user's timeline stands. Other numbers than ours: all is read anew. Lower ones may
        be old, or those of a database that was brought back to an earlier state: that is read too.
        """
        room = self._rooms.get(user)
        if room is None or room.head is None:
            return
        if epoch != room.epoch:
            self._resync(room)
        else:
            room.know(seq)
            room.doubted |= seq < room.head
            self._look_for_gap(room)

    async def catch_up(self, user: UserId, session: SessionId, replies: list[Reply]) -> None:
        """Bring what is held of these replies to where they are. `replies`: as far as they are known to the caller."""
        for reply in replies:
            held = self.replies(user, session).get(reply.message)
            if held is None or (held.attempt, held.next) < (reply.attempt, reply.next):
                drafted = await self._broker.draft(user, reply.message, reply.attempt)
                self.fill(user, session, reply)
                if drafted is not None:
                    self.fill(user, session, drafted)

    def fill(self, user: UserId, session: SessionId, reply: Reply) -> None:
        """It was read how far a reply is that somebody else writes."""
        room = self._rooms.get(user)
        if room is not None and reply.message not in room.written:
            room.fill(session, reply)

    def _deliver(self, user: UserId, origin: str, told: Frame, event: Durable) -> None:
        """A number of another database means nothing here, or ours mean nothing any more: that is read."""
        if (room := self._rooms.get(user)) is None:
            return
        if room.epoch is None or room.epoch.startswith(f"{origin}:"):
            room.offer(told, event)
        else:
            room.doubted = True
        self._look_for_gap(room)

    def _deliver_live(self, user: UserId, session: SessionId, told: Frame, event: Live) -> None:
        if (room := self._rooms.get(user)) is not None:
            room.offer_live(session, told, event)
            if room.replies.missing:
                self._read_missing(room)

    def _read_missing(self, room: Room) -> None:
        for message, missing in room.replies.missing.items():
            if not missing.reading:
                missing.reading = True
                self._tasks.start(self._read_reply(room, message), f"text of {message}")

    def _look_for_gap(self, room: Room) -> None:
        if room.gap and not room.repairing:
            room.repairing = True
            self._tasks.start(self._repair(room), "repair of a room")

    async def _repair(self, room: Room) -> None:
        try:
            await asyncio.sleep(REPAIR_AFTER)
            while room.gap and room.head is not None:
                heard_of, expected = room.begin_repair(), room.epoch
                try:
                    reading = timeline.missing(self._database, room.user, room.head)
                    epoch, changes = await self._tasks.within(READ_WITHIN, reading, "what a room has missed")
                except (Refusal, TimeoutError):
                    room.doubted = True
                    await asyncio.sleep(REPAIR_AFTER)
                    continue
                if room.epoch != expected:  # everybody has left meanwhile, or comes anew
                    room.doubted = True
                    continue
                if changes is None or epoch != expected:
                    self._resync(room)
                    return
                if made_up := room.repair(changes, heard_of):
                    log.warning("made_up_changes", frames=made_up)
        finally:
            room.repairing = False

    async def _read_reply(self, room: Room, message: MessageId) -> None:
        """Until nothing of the reply is missing any more: its draft, and where that has a hole, what was saved. What is
        of an attempt that there is not is let go.
        """
        pause = REPAIR_AFTER
        while (missing := room.replies.missing.get(message)) is not None and not room.empty:
            drafted = await self._broker.draft(room.user, message, missing.attempt)
            if drafted is not None:
                room.fill(missing.session, drafted)
            if message not in room.replies.missing:
                return
            try:
                turn = await self._tasks.within(READ_WITHIN, self._turn(room.user, message), "an open reply")
            except (Refusal, TimeoutError):
                turn = None
            else:
                if turn is None:
                    room.replies.forget(message)
                    return
            if turn is not None and turn.attempt < missing.attempt:
                room.replies.missing.pop(message, None)
            if turn is not None and turn.saved is not None:
                room.fill(missing.session, turn.saved)
            await asyncio.sleep(pause)
            pause = min(2 * pause, REPAIR_EVERY)

    async def _turn(self, user: UserId, message: MessageId) -> Turn | None:
        async with self._database.connection() as conn:
            return await turns.one(conn, user, message)

    def _resync_all(self) -> None:
        """At once, so that no device is told anything of the one database after something of the other."""
        for room in self.rooms:
            self._resync(room)

    def _resync(self, room: Room) -> None:
        """The database is another than the one that our numbers came from: the devices come back and read anew."""
        room.forget_numbers()
        for member in list(room.members):
            member.close(CloseCode.RESYNC, "another database")

    def _room(self, user: UserId) -> Room:
        return self._rooms.setdefault(user, Room(user))

    def _close_if_empty(self, room: Room) -> None:
        if room.empty and self._rooms.get(room.user) is room:
            del self._rooms[room.user]
            self._broker.leave(room.user)
