"""What a device reads of its user's timeline: one statement, so that all of it is of one and the same moment."""

import msgspec

from protocol.events import Changes, Snapshot
from protocol.ids import UserId
from protocol.model import Cursor, Message, Session
from server.cursors import after_session
from server.errors import NotFound
from server.store import users
from server.store.keys import KeyColumns, key_in
from server.store.messages import opened_message
from server.store.pool import Database, fetch_one
from server.store.sessions import opened_session
from server.store.users import Head
from sql import load

_SQL = load("timeline")

FIRST_PAGE = 50
"""Sessions of a snapshot."""
CHANGES_PAGE = 100
"""Rows of a page of changes; a few more where a number would be split."""
CHANGES_BYTES = 65_536
"""Of text in a page of changes, but for a number that is larger by itself: a page waits whole for a slow socket."""

_sessions = msgspec.json.Decoder(list[Session])
_messages = msgspec.json.Decoder(list[Message])


class _Row(KeyColumns, frozen=True, kw_only=True):
    """Of a statement. What it holds of sessions and messages is JSON, and may be sealed."""

    seq: int
    horizon: int
    epoch: str
    sessions: str


class _ChangedRow(_Row, frozen=True, kw_only=True):
    upto: int
    messages: str


class _First(Head, frozen=True):
    sessions: list[Session]


class _Changed(Head, frozen=True):
    upto: int
    sessions: list[Session]
    messages: list[Message]


async def since(database: Database, user: UserId, cursor: Cursor | None) -> tuple[Head, Changes | Snapshot]:
    """The head, and a page of what came after the cursor; a snapshot when its numbers are of no use.

    Raises NotFound for a user who is being erased.
    """
    if cursor is not None:
        found = await _changed(database, user, cursor.seq)
        if found is not None and found.epoch == cursor.epoch and found.horizon <= cursor.seq <= found.seq:
            return found, _changes(found, cursor.seq)
    first = await _first(database, user)
    if first is None:
        async with database.connection() as conn:
            await users.meet(conn, user)
        first = await _first(database, user)
    if first is None:  # they are being erased
        raise NotFound
    return first, _snapshot(first)


async def missing(database: Database, user: UserId, since: int) -> tuple[str, Changes | None]:
    """The epoch, and a page of what came after a number of it, once what is under way has ended. None: the number is
    of no use any more.
    """
    async with users.numbered(database, user, known=True):
        pass  # a transaction whose connection was lost holds the lock until the database has decided on it
    found = await _changed(database, user, since)
    assert found is not None, "the user has a number"
    return found.epoch, _changes(found, since) if found.horizon <= since <= found.seq else None


async def _changed(database: Database, user: UserId, since: int) -> _Changed | None:
    """None: the user was never seen."""
    async with database.connection() as conn:
        parameters = {"user": user, "since": since, "page": CHANGES_PAGE, "bytes": CHANGES_BYTES}
        row = await fetch_one(conn, _ChangedRow, _SQL["changes"], parameters)
        if row is None:
            return None
        key = key_in(conn, user, row)
    sessions = [opened_session(key, each) for each in _sessions.decode(row.sessions)]
    messages = [opened_message(key, each) for each in _messages.decode(row.messages)]
    return _Changed(row.seq, row.horizon, row.epoch, row.upto, sessions, messages)


async def _first(database: Database, user: UserId) -> _First | None:
    async with database.connection() as conn:
        row = await fetch_one(conn, _Row, _SQL["snapshot"], {"user": user, "limit": FIRST_PAGE + 1})
        if row is None:
            return None
        key = key_in(conn, user, row)
    sessions = [opened_session(key, each) for each in _sessions.decode(row.sessions)]
    return _First(row.seq, row.horizon, row.epoch, sessions)


def _changes(found: _Changed, since: int) -> Changes:
    return Changes(
        since=since,
        seq=found.upto,
        more=found.upto < found.seq,
        sessions=found.sessions,
        messages=found.messages,
    )


def _snapshot(first: _First) -> Snapshot:
    page = first.sessions[:FIRST_PAGE]
    cursor = after_session(page[-1]) if len(first.sessions) > FIRST_PAGE else None
    return Snapshot(epoch=first.epoch, seq=first.seq, sessions=page, cursor=cursor)
