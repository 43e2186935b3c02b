"""The devices of one user on this instance, and the order in which they hear of durable changes. No I/O.

A durable frame that is the next one is delivered; at or under the head it is dropped; above, it waits until
what is missing has come or was read. Two transactions may well be told in the other order than they committed.
"""

from protocol.events import Changes, Durable, Live, ReplySnapshot, TokenAdded, TypingChanged
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Reply
from protocol.timeline import advanced
from server.fanout.frames import Frame, frame
from server.fanout.member import Member


class Room:
    """`head` is the number of the last durable frame delivered here; None until somebody has read it."""

    def __init__(self, user: UserId) -> None:
        self.user = user
        self.members: set[Member] = set()
        self.writers = 0
        self.repairing = False
        self.doubted = False
        self.head: int | None = None
        self.replies: dict[SessionId, dict[MessageId, Reply]] = {}
        self._waiting: dict[int, Frame] = {}

    @property
    def empty(self) -> bool:
        """Nobody listens here and nobody writes."""
        return not self.members and not self.writers

    @property
    def gap(self) -> bool:
        """Something waits for what is missing before it, or may be missing after the head."""
        return self.head is not None and (self.doubted or bool(self._waiting))

    def leave(self, member: Member) -> None:
        """A device is gone. With nobody listening, the room no longer knows the head."""
        self.members.discard(member)
        if not self.members:
            self.head = None
            self._waiting.clear()

    def reply(self, session: SessionId, message: MessageId) -> Reply | None:
        """An open reply, as far as it was told here."""
        return self.replies.get(session, {}).get(message)

    def offer(self, told: Frame, event: Durable) -> None:
        """Deliver a durable frame, and what waited for it, in order."""
        self._forget_settled(event)
        if not self.members or (self.head is not None and event.seq <= self.head):
            return
        self._waiting[event.seq] = told
        self._deliver_in_order()

    def reach(self, seq: int) -> None:
        """Somebody has read the timeline up to this number for a device that is joining."""
        if self.head is None:
            self._pass(seq)

    def repair(self, changes: Changes) -> None:
        """Everything up to a number was read, to fill a gap."""
        self.doubted = changes.more
        if self.head is not None and changes.seq > self.head:
            self._forget_settled(changes)
            self._deliver(frame(changes))
            self._pass(changes.seq)

    def offer_live(self, session: SessionId, told: Frame, event: Live) -> None:
        """Deliver a live frame: text to those who opened the session, typing to all but who types."""
        match event:
            case TypingChanged():
                for member in self.members:
                    if member.device.id != event.who:
                        member.tell(told)
            case TokenAdded() | ReplySnapshot():
                reply = advanced(self.reply(session, event.message), event)
                if reply is not None:
                    self.replies.setdefault(session, {})[event.message] = reply
                for member in self.members:
                    if session in member.opened:
                        member.tell(told)

    def _pass(self, seq: int) -> None:
        self.head = seq
        for number in [number for number in self._waiting if number <= seq]:
            del self._waiting[number]
        self._deliver_in_order()

    def _deliver_in_order(self) -> None:
        while self.head is not None and (told := self._waiting.pop(self.head + 1, None)) is not None:
            self.head += 1
            self._deliver(told)

    def _deliver(self, told: Frame) -> None:
        gone = {row.id for row in getattr(told.event, "sessions", ()) if row.deleted_at is not None}
        for member in self.members:
            member.opened -= gone
            member.tell(told)

    def _forget_settled(self, event: Durable | Changes) -> None:
        for message in event.messages:
            held = self.replies.get(message.session_id)
            if held is not None and message.status != "pending":
                held.pop(message.id, None)
                if not held:
                    del self.replies[message.session_id]
