"""Which pages a device has read, and where the next ones are. No I/O.

A page is put into the timeline when its answer is heard, in its place among the events; and only if it continues
what is held: an answer that was asked for before everything was replaced would leave a hole.
"""

import msgspec
from msgspec import Raw

from protocol.answers import MessagePage, SessionPage
from protocol.commands import Command, SessionClose, SessionList, SessionOpen
from protocol.events import Snapshot
from protocol.ids import SessionId
from protocol.timeline import Timeline


class Pages:
    """The windows of one timeline, from the side of who asks for them."""

    def __init__(self, timeline: Timeline) -> None:
        self.older_sessions: str | None = None
        """Asks for the page of sessions after the last one held; None: there is no more, or it is not known."""
        self._timeline = timeline
        self._older_messages: dict[SessionId, str | None] = {}

    def older_messages(self, session: SessionId) -> str | None:
        """Asks for the page before the oldest message held; None: there is no more."""
        return self._older_messages.get(session)

    def about_to_say(self, command: Command) -> None:
        """A session that was left before its opening could be said is opened and closed by then."""
        if isinstance(command, SessionOpen):
            self._timeline.open(command.session)
        elif isinstance(command, SessionClose):
            self.close(command.session)

    def close(self, session: SessionId) -> None:
        self._timeline.close(session)
        self._older_messages.pop(session, None)

    def replace(self, snapshot: Snapshot) -> None:
        """Everything is replaced; what was opened is to be opened again."""
        opened = list(self._timeline.opened)
        self._timeline.apply(snapshot)
        self._older_messages.clear()
        self.older_sessions = snapshot.cursor
        for session in opened:
            self._timeline.open(session)

    def take(self, command: Command, answer: Raw) -> None:
        """The answer to a command; if it is a page, it is put into the timeline."""
        match command:
            case SessionOpen():
                self._take_messages(command, msgspec.json.decode(answer, type=MessagePage))
            case SessionList() if command.before is not None and command.before == self.older_sessions:
                page = msgspec.json.decode(answer, type=SessionPage)
                self._timeline.apply_session_page(page)
                self.older_sessions = page.cursor
            case _:
                pass

    def refused(self, command: Command | None) -> None:
        """A session whose first page was refused is not opened."""
        if isinstance(command, SessionOpen):
            self._timeline.open_refused(command.session)

    def _take_messages(self, command: SessionOpen, page: MessagePage) -> None:
        session = command.session
        if session not in self._timeline.opened:
            return
        held = self._timeline.opened[session]
        if command.before is None or command.before == self._older_messages.get(session):
            self._timeline.apply_message_page(page)
            begins = self._timeline.opened.get(session)
            if held is None or (begins is not None and begins < held):
                self._older_messages[session] = page.before
