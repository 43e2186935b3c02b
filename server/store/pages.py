"""What a device reads of a session: one statement, so that all of it is of one and the same moment."""

import msgspec
from msgspec import Struct

from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Message, Session
from server.cursors import END
from server.errors import NotFound
from server.store.keys import KeyColumns, key_in
from server.store.messages import opened_message
from server.store.pool import Connection, fetch_one
from server.store.sessions import opened_session
from server.store.turns import Turn, opened_turn
from sql import load

_SQL = load("pages")

_session = msgspec.json.Decoder(Session)
_messages = msgspec.json.Decoder(list[Message])
_turns = msgspec.json.Decoder(list[Turn])


class Span(Struct, frozen=True):
    """Which messages of a session: so many `older` ones under the position `at`, and so many `newer` ones from there
    on. `around` names a message whose position it is instead.
    """

    older: int
    newer: int
    at: int = END
    around: MessageId | None = None


class Page(Struct, frozen=True):
    """The session, the messages of the span in order, whether there are older and newer ones, and the open replies in
    the order in which they will be written.
    """

    session: Session
    messages: list[Message]
    has_older: bool
    has_newer: bool
    turns: list[Turn]


class _Row(KeyColumns, frozen=True, kw_only=True):
    """Of the statement. What it holds of rows is JSON, and may be sealed."""

    middle: int | None
    session: str | None
    older: str
    newer: str
    turns: str


async def page(conn: Connection, user: UserId, session: SessionId, span: Span) -> Page:
    """Raises NotFound: the session is not there, or the message that is named was never in it."""
    parameters = {
        "user": user,
        "session": session,
        "older": span.older + 1,
        "newer": span.newer + 1,
        "at": span.at,
        "around": span.around,
    }
    row = await fetch_one(conn, _Row, _SQL["page"], parameters)
    if row is None or row.session is None or (span.around is not None and row.middle is None):
        raise NotFound
    found = _session.decode(row.session)
    if found.deleted_at is not None:
        raise NotFound
    older, newer = _messages.decode(row.older), _messages.decode(row.newer)
    has_older, has_newer = len(older) > span.older, len(newer) > span.newer
    shown = [*(older[1:] if has_older else older), *newer[: span.newer]]
    key = key_in(conn, user, row)
    return Page(
        session=opened_session(key, found),
        messages=[opened_message(key, each) for each in shown],
        has_older=has_older,
        has_newer=has_newer,
        turns=[opened_turn(key, each) for each in _turns.decode(row.turns)],
    )
