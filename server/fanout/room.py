"""The devices of one user on this instance, and the order in which they hear of durable changes. No I/O.

A durable frame that is the next one is delivered; at or under the head it is dropped; above, it waits until
what is missing has come or was read. Two transactions may well be told in the other order than they committed.
"""

from collections import Counter

from protocol.events import Changes, Durable, Event, Live, TypingChanged
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Cursor, Reply
from server.fanout.frames import Frame, frame
from server.fanout.member import Member
from server.fanout.replies import Replies, snapshot

WAITING_FRAMES = 500
"""Durable frames that are kept while a number before them is missing; what comes beyond them is read."""


class Room:
    """`head` is the number of the last durable frame delivered here; None until somebody has read it. `began` is the
    first such number: who joins with less has missed what was delivered to nobody.

    `written` are the replies that are written on this instance: nobody knows better how far they are.
    """

    def __init__(self, user: UserId) -> None:
        self.user = user
        self.members: set[Member] = set()
        self.opening: Counter[SessionId] = Counter()
        self.written: set[MessageId] = set()
        self.replies = Replies()
        self.repairing = False
        self.doubted = False
        self.epoch: str | None = None
        self.head: int | None = None
        self.began = 0
        self._known = 0
        self._waiting: dict[int, Frame] = {}
        self._readers: dict[SessionId, list[Member]] = {}

    @property
    def empty(self) -> bool:
        """Nobody listens here and nobody writes."""
        return not self.members and not self.written

    @property
    def gap(self) -> bool:
        """A number is missing, or may be missing, after the head."""
        return self.head is not None and (self.doubted or bool(self._waiting) or self._known > self.head)

    @property
    def heard_of(self) -> Cursor | None:
        """The highest number that was delivered here, or heard of; None: nobody has read the timeline yet."""
        if self.head is None or self.epoch is None:
            return None
        return Cursor(epoch=self.epoch, seq=max(self.head, self._known, *self._waiting))

    @property
    def shown(self) -> set[SessionId]:
        """The sessions that a device here has opened, or is opening."""
        return {*self.opening, *self._readers}

    def _is_shown(self, session: SessionId) -> bool:
        return session in self.opening or session in self._readers

    def open_session(self, session: SessionId, member: Member) -> None:
        """From now on the device is given the live text of the session."""
        if session not in member.opened:
            member.opened.add(session)
            self._readers.setdefault(session, []).append(member)

    def close_session(self, session: SessionId, member: Member) -> None:
        """It is not any more."""
        if session in member.opened:
            member.opened.discard(session)
            self._readers[session].remove(member)
            if not self._readers[session]:
                del self._readers[session]

    def leave(self, member: Member) -> None:
        """A device is gone. With nobody listening, the room no longer knows the head."""
        self.members.discard(member)
        for session in list(member.opened):
            self.close_session(session, member)
        if not self.members:
            self.forget_numbers()

    def forget_numbers(self) -> None:
        """What is known of them is of no use any more."""
        self.head = self.epoch = None
        self.began = self._known = 0
        self._waiting.clear()
        self.replies.begin_anew()

    def offer(self, told: Frame, event: Durable) -> None:
        """Deliver a durable frame, and what waited for it, in order."""
        if not self.members:
            self._forget_settled(event)
        if not self.members or (self.head is not None and event.seq <= self.head):
            return
        if len(self._waiting) < WAITING_FRAMES or event.seq - 1 == self.head:
            self._waiting[event.seq] = told
        else:
            self.know(event.seq)
        self._deliver_in_order()

    def reach(self, seq: int, epoch: str) -> None:
        """The head was read, for the first device that joins. What others write may have settled before that, and been
        told to nobody.
        """
        self.epoch = epoch
        self.began = seq
        self.replies.keep(self.written)
        self._pass(seq)

    def know(self, seq: int) -> None:
        """The timeline goes up to this number at least."""
        self._known = max(self._known, seq)

    def begin_repair(self) -> set[int]:
        """A read begins, in which all is that was committed by now. The numbers that were heard of by now."""
        self.doubted = False
        return {*self._waiting, self._known}

    def repair(self, changes: Changes, heard_of: set[int]) -> int:
        """Everything up to a number was read, to fill a gap; `heard_of`: before that. How many frames were dropped that
        tell of a change that was never made.
        """
        self.doubted |= changes.more
        if self.head is not None and changes.seq > self.head:
            self._deliver(frame(changes))
            self._pass(changes.seq)
        made_up = set[int]() if changes.more else {number for number in heard_of if number > changes.seq}
        if self._known in made_up:
            self._known = changes.seq
        return sum(self._waiting.pop(number, None) is not None for number in made_up)

    def offer_live(self, session: SessionId, told: Frame, event: Live) -> None:
        """Deliver a live frame: text to those who opened the session, typing to all but who types."""
        if isinstance(event, TypingChanged):
            for member in self.members:
                if member.device.id != event.who:
                    member.tell(told)
        elif self.replies.take(session, told, event, self._is_shown):
            self._show(session, told)

    def fill(self, session: SessionId, reply: Reply) -> None:
        """It was read how far an open reply is."""
        for told in self.replies.fill(session, reply):
            self._show(session, told)

    def say(self, notice: Frame) -> None:
        """To every device, about the instance itself."""
        for member in self.members:
            member.offer(notice)

    def _show(self, session: SessionId, told: Frame) -> None:
        """As `Member.tell` gives a live frame, with a call less for each of what may be a thousand devices."""
        for member in self._readers.get(session, ()):
            if member.holding is None:
                member.offer(told)

    def _pass(self, seq: int) -> None:
        self.head = seq
        for number in [number for number in self._waiting if number <= seq]:
            self._forget_settled(self._waiting.pop(number).event)
        self._deliver_in_order()

    def _deliver_in_order(self) -> None:
        while self.head is not None and (told := self._waiting.pop(self.head + 1, None)) is not None:
            self.head += 1
            self._deliver(told)

    def _deliver(self, told: Frame) -> None:
        self._forget_settled(told.event)
        for gone in [row.id for row in getattr(told.event, "sessions", ()) if row.deleted_at is not None]:
            for reader in list(self._readers.get(gone, ())):
                self.close_session(gone, reader)
        for member in self.members:
            member.tell(told)
        for row in getattr(told.event, "messages", ()):
            held = self.replies.held(row.id) if row.status == "pending" else None
            if held is not None:  # its text came before it, and a device knows nothing of a message that it has not
                self._show(row.session_id, frame(snapshot(held)))

    def _forget_settled(self, event: Event) -> None:
        for message in getattr(event, "messages", ()):
            if message.status not in (None, "pending"):
                self.replies.end(message.id)
