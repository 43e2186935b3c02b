"""What a device must hold after what it was told: the checker's own reading of docs/protocol.md, "Applying events".

Written without a look at `protocol/timeline.py`, which the client uses: a mistake would have to be made twice.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from loadtest.evidence import DURABLE, Entry
from protocol.answers import MessagePage, SessionPage
from protocol.commands import SessionClose, SessionList, SessionOpen
from protocol.events import Accepted, Changes, Snapshot
from protocol.ids import MessageId, SessionId
from protocol.model import Message, Session

Place = tuple[datetime, UUID]
"""In the session list."""


class Opening(Struct):
    """What is known of an opened session: its messages from position `begins` on (None: no page has come yet), and
    how to ask for the page before.
    """

    begins: int | None = None
    before: str | None = None


class Held:
    """Feed it a device's history, record by record."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.cursor = 0
        self.sessions: dict[SessionId, Session] = {}
        self.messages: dict[MessageId, Message] = {}
        self.opened: dict[SessionId, Opening] = {}
        self._lowest: Place | None = None
        """The place of the last session of the list that is known; None: the list is known to its end."""
        self._older: str | None = None

    def hear(self, entry: Entry) -> None:
        """One record, in its turn."""
        match entry.what:
            case SessionOpen():
                self.opened.setdefault(entry.what.session, Opening())
            case SessionClose():
                self._close(entry.what.session)
            case Snapshot():
                self.__init__()
                self.epoch, self.cursor = entry.what.epoch, entry.what.seq
                self._take_sessions(SessionPage(sessions=entry.what.sessions, cursor=entry.what.cursor))
            case Changes():
                if entry.what.since <= self.cursor:
                    self._put(entry.what.sessions, entry.what.messages)
                    self.cursor = max(self.cursor, entry.what.seq)
            case Accepted():
                self._take_page(entry)
            case what if isinstance(what, DURABLE):
                if what.seq == self.cursor + 1:
                    self._put(what.sessions, what.messages)
                    self.cursor = what.seq
            case _:
                pass

    def listed(self) -> dict[SessionId, Session]:
        """The session list, as far as it is known."""
        return {row.id: row for row in self.sessions.values() if row.deleted_at is None and self.lists(row)}

    def lists(self, row: Session) -> bool:
        """Whether a session is in the part of the list that is known."""
        return self._lowest is None or (row.updated_at, row.id) >= self._lowest

    def messages_of(self, session: SessionId) -> dict[MessageId, Message]:
        """The messages of an opened session, as far as they are known."""
        return {
            row.id: row
            for row in self.messages.values()
            if row.session_id == session and row.deleted_at is None and self.reads(row)
        }

    def reads(self, row: Message) -> bool:
        """Whether a message is in the part of an opened session that is known."""
        opening = self.opened.get(row.session_id)
        return opening is not None and opening.begins is not None and row.position >= opening.begins

    def _take_page(self, entry: Entry) -> None:
        match entry.asked, entry.answer:
            case SessionOpen() as asked, MessagePage() as page:
                self._take_messages(asked, page)
            case SessionList(before=str() as before), SessionPage() as page if before == self._older:
                self._take_sessions(page)
            case _:
                pass

    def _take_sessions(self, page: SessionPage) -> None:
        self._older = page.cursor
        last = page.sessions[-1] if page.sessions else None
        self._lowest = None if page.cursor is None or last is None else (last.updated_at, last.id)
        self._put(page.sessions, [])

    def _take_messages(self, asked: SessionOpen, page: MessagePage) -> None:
        self._put([page.session], [])
        opening = self.opened.get(asked.session)
        if opening is None or (asked.before is not None and asked.before != opening.before):
            return
        begins = page.messages[0].position if page.messages and page.before is not None else 1
        if opening.begins is None or begins < opening.begins:
            opening.begins, opening.before = begins, page.before
        self._put([], page.messages)

    def _put(self, sessions: list[Session], messages: list[Message]) -> None:
        for row in sessions:
            held = self.sessions.get(row.id)
            if held is None or row.seq > held.seq:
                self.sessions[row.id] = row
                if row.deleted_at is not None:
                    self._close(row.id)
        for message in messages:
            known = self.messages.get(message.id)
            if message.session_id in self.opened and (known is None or message.seq > known.seq):
                self.messages[message.id] = message

    def _close(self, session: SessionId) -> None:
        self.opened.pop(session, None)
        for message in [row.id for row in self.messages.values() if row.session_id == session]:
            del self.messages[message]
