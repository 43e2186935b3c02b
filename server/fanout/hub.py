"""The rooms of this instance. To tell is to deliver here, at once, and to hand a copy to the broker.

Nothing here waits for a device. What waits is the repair of a room that has missed a number.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

from protocol.events import Changes, Durable, Live, Trouble
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Reply
from server.errors import Refusal
from server.fanout.broker import Broker
from server.fanout.frames import frame
from server.fanout.member import Member
from server.fanout.room import Room
from server.tasks import Tasks

REPAIR_AFTER = 0.2
"""Seconds that a room waits for a number that is missing before it reads: mostly it is only late."""

ReadChanges = Callable[[UserId, int], Awaitable[Changes]]


class Hub:
    """All rooms; a room is there while a device of its user is connected or a reply of theirs is written here."""

    def __init__(self, broker: Broker, tasks: Tasks, read_changes: ReadChanges) -> None:
        self._broker = broker
        self._tasks = tasks
        self._read_changes = read_changes
        self._rooms: dict[UserId, Room] = {}

    @property
    def degraded(self) -> list[Trouble]:
        """What does not work as it should just now; a device that joins is told."""
        return []

    @contextmanager
    def joined(self, user: UserId, member: Member) -> Generator[Room]:
        """The device is in its user's room. It is given what is told once it has been caught up."""
        room = self._room(user)
        room.members.add(member)
        try:
            yield room
        finally:
            room.leave(member)
            self._close_if_empty(room)

    @contextmanager
    def writing(self, user: UserId) -> Generator[Room]:
        """A reply of the user's is written here: the room is kept, so that who comes in finds the text so far."""
        room = self._room(user)
        room.writers += 1
        try:
            yield room
        finally:
            room.writers -= 1
            self._close_if_empty(room)

    def replies(self, user: UserId, session: SessionId) -> dict[MessageId, Reply]:
        """The open replies of a session, as far as they were told here."""
        room = self._rooms.get(user)
        return room.replies.get(session, {}) if room else {}

    def tell(self, user: UserId, event: Durable) -> None:
        """A numbered change was committed: every device of the user hears of it, in order. See telling.py."""
        told = frame(event)
        if (room := self._rooms.get(user)) is not None:
            room.offer(told, event)
            self._look_for_gap(room)
        self._broker.publish(user, None, told)

    def reach(self, room: Room, seq: int) -> None:
        """The timeline was read up to this number, for a device that is joining."""
        room.reach(seq)
        self._look_for_gap(room)

    def doubt(self, user: UserId) -> None:
        """A change may have been committed and never told: as good as a gap."""
        if (room := self._rooms.get(user)) is not None:
            room.doubted = True
            self._look_for_gap(room)

    def tell_live(self, user: UserId, session: SessionId, event: Live) -> None:
        """Something that is not kept: pieces of a reply, typing."""
        told = frame(event)
        if (room := self._rooms.get(user)) is not None:
            room.offer_live(session, told, event)
        self._broker.publish(user, session, told)

    def _look_for_gap(self, room: Room) -> None:
        if room.gap and not room.repairing:
            room.repairing = True
            self._tasks.start(self._repair(room), "repair of a room")

    async def _repair(self, room: Room) -> None:
        try:
            await asyncio.sleep(REPAIR_AFTER)
            while room.gap and room.head is not None:
                try:
                    room.repair(await self._read_changes(room.user, room.head))
                except Refusal:
                    await asyncio.sleep(REPAIR_AFTER)
        finally:
            room.repairing = False

    def _room(self, user: UserId) -> Room:
        return self._rooms.setdefault(user, Room(user))

    def _close_if_empty(self, room: Room) -> None:
        if room.empty and self._rooms.get(room.user) is room:
            del self._rooms[room.user]
