"""The reference reader: what a device shows after what it was told. No I/O, no clock.

Its law (P3): with the cursor at `seq`, every row of its windows whose number is at most `seq` is held exactly
as it is; at the head it shows exactly what a fresh fetch of the same windows gives. Windows: the session list
down to the oldest loaded, and the messages of each opened session from the oldest loaded position. What is heard
of rows outside is held and not shown, and tombstones are held, so that a page that was read before a change and
heard after it takes nothing back.
"""

from datetime import datetime
from enum import Enum
from uuid import UUID

from msgspec import Struct

from protocol.answers import MessagePage, SessionPage
from protocol.events import (
    Accepted,
    Changes,
    Degraded,
    Draining,
    Durable,
    Event,
    Pong,
    Refused,
    ReplySnapshot,
    Snapshot,
    TokenAdded,
    TokenExpiring,
    Trouble,
    TypingChanged,
    Welcome,
)
from protocol.ids import MessageId, SessionId
from protocol.model import Message, Reply, Session

TYPING_BELIEVED = 6.0
"""Seconds that a `typing.changed` is believed."""

SessionKey = tuple[datetime, UUID]


class Outcome(Enum):
    APPLIED = "applied"
    """The event is in the state (or was there already)."""
    GAP = "gap"
    """Numbers are missing before it; nothing was changed. Read the changes since `seq`."""


class Typist(Struct, frozen=True):
    """Somebody who is typing: what people call them, and when they last said so."""

    name: str
    at: float


def session_key(session: Session) -> SessionKey:
    """The order of the session list, which is shown from the highest down."""
    return (session.updated_at, session.id)


def advanced(held: Reply | None, event: TokenAdded | ReplySnapshot) -> Reply | None:
    """What is held of a reply after a live event; the same object when the event does not fit."""
    if isinstance(event, ReplySnapshot):
        if held is not None and event.attempt < held.attempt:
            return held
        return Reply(message=event.message, attempt=event.attempt, next=event.next, text=event.text)
    if held is None or event.attempt != held.attempt or event.chunk != held.next:
        return held
    return Reply(message=held.message, attempt=held.attempt, next=event.next, text=held.text + event.text)


class Timeline:
    """One device's state. Feed it events in the order they came, and pages when they are answered."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.seq = 0
        self.sessions: dict[SessionId, Session] = {}
        self.oldest: SessionKey | None = None
        self.opened: dict[SessionId, int | None] = {}
        self.messages: dict[MessageId, Message] = {}
        self.replies: dict[MessageId, Reply] = {}
        self.typists: dict[tuple[SessionId, str], Typist] = {}
        self.degraded: list[Trouble] = []

    # What the device does.

    def open(self, session: SessionId) -> None:
        """To be called when `session.open` is said: until its page comes, everything of the session is kept."""
        self.opened.setdefault(session, None)

    def open_refused(self, session: SessionId) -> None:
        """To be called when `session.open` was refused: unless a page of it is held, it is not opened."""
        if self.opened.get(session, 0) is None:
            self.close(session)

    def close(self, session: SessionId) -> None:
        """The session's messages are no longer held."""
        self.opened.pop(session, None)
        for message in [row for row in self.messages.values() if row.session_id == session]:
            self._drop(message.id)

    # What the device is told.

    def apply(self, event: Event, now: float = 0.0) -> Outcome:
        """Bring the state up to an event; `now` is any clock in seconds, for typing alone."""
        match event:
            case Snapshot():
                self._replace(event)
            case Changes() if event.since > self.seq:
                return Outcome.GAP
            case Changes():
                self._put_all(event.sessions, event.messages)
                self.seq = max(self.seq, event.seq)
            case TokenAdded() | ReplySnapshot():
                self._apply_live(event)
            case TypingChanged():
                self._apply_typing(event, now)
            case Degraded():
                self.degraded = event.what
            case Welcome():
                self.degraded = []
            case Accepted() | Refused() | Pong() | Draining() | TokenExpiring():
                pass
            case _:
                return self._apply_durable(event)
        return Outcome.APPLIED

    def apply_session_page(self, page: SessionPage) -> None:
        """The page of sessions below the oldest held."""
        if page.sessions:
            self.oldest = session_key(page.sessions[-1])
        if page.cursor is None:
            self.oldest = None
        self._put_all(page.sessions, [])

    def apply_message_page(self, page: MessagePage) -> None:
        """A page of a session that is (still) opened: the last one, or the one before the oldest held."""
        session = page.session.id
        self._put_session(page.session)
        if session not in self.opened:
            return
        begins = page.messages[0].position if page.messages and page.before is not None else 1
        held = self.opened[session]
        self.opened[session] = begins if held is None else min(begins, held)
        self._put_all([], page.messages)
        for reply in page.replies:
            self._apply_live(
                ReplySnapshot(message=reply.message, attempt=reply.attempt, next=reply.next, text=reply.text)
            )

    # What it shows.

    def shown_sessions(self) -> list[Session]:
        """The session list, the latest first."""
        rows = [row for row in self.sessions.values() if row.deleted_at is None and self._in_list(row)]
        return sorted(rows, key=session_key, reverse=True)

    def shown_messages(self, session: SessionId) -> list[Message]:
        """An opened session's messages in order; of a pending one, `text_of` has the words so far."""
        rows = [row for row in self.messages.values() if row.session_id == session and row.deleted_at is None]
        return sorted((row for row in rows if self._in_window(row)), key=lambda row: row.position)

    def text_of(self, message: Message) -> str:
        """The text that is shown: of a pending reply, what is written so far."""
        held = self.replies.get(message.id)
        return held.text if held is not None else message.content

    def typing_in(self, session: SessionId, now: float) -> list[str]:
        """The names of those who are typing."""
        return [
            typist.name
            for (where, _), typist in self.typists.items()
            if where == session and now - typist.at < TYPING_BELIEVED
        ]

    # How rows get in.

    def _apply_durable(self, event: Durable) -> Outcome:
        if event.seq > self.seq + 1:
            return Outcome.GAP
        if event.seq == self.seq + 1:
            self._put_all(event.sessions, event.messages)
            self.seq = event.seq
        return Outcome.APPLIED

    def _replace(self, snapshot: Snapshot) -> None:
        degraded = self.degraded
        self.__init__()
        self.degraded = degraded
        self.epoch = snapshot.epoch
        self.seq = snapshot.seq
        self.apply_session_page(SessionPage(sessions=snapshot.sessions, cursor=snapshot.cursor))

    def _put_all(self, sessions: list[Session], messages: list[Message]) -> None:
        for session in sessions:
            self._put_session(session)
        for message in messages:
            self._put_message(message)

    def _put_session(self, row: Session) -> None:
        held = self.sessions.get(row.id)
        if held is not None and held.seq >= row.seq:
            return
        if row.deleted_at is not None:
            self.close(row.id)
        self.sessions[row.id] = row

    def _in_list(self, row: Session) -> bool:
        return self.oldest is None or session_key(row) >= self.oldest

    def _put_message(self, row: Message) -> None:
        held = self.messages.get(row.id)
        if (held is not None and held.seq >= row.seq) or row.session_id not in self.opened:
            return
        self.messages[row.id] = row
        if row.status != "pending":
            self.replies.pop(row.id, None)

    def _in_window(self, row: Message) -> bool:
        begins = self.opened.get(row.session_id)
        return begins is None or row.position >= begins

    def _drop(self, message: MessageId) -> None:
        self.messages.pop(message, None)
        self.replies.pop(message, None)

    def _apply_live(self, event: TokenAdded | ReplySnapshot) -> None:
        message = self.messages.get(event.message)
        if message is None or message.status != "pending" or message.deleted_at is not None:
            return
        reply = advanced(self.replies.get(event.message), event)
        if reply is not None:
            self.replies[event.message] = reply

    def _apply_typing(self, event: TypingChanged, now: float) -> None:
        if event.active:
            self.typists[event.session, event.who] = Typist(event.name, now)
        else:
            self.typists.pop((event.session, event.who), None)
