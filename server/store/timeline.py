"""What devices read of their users' timelines, for all who come at once: one statement for those with a cursor, one for
those without. A page is of one and the same moment.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from protocol.events import Changes, Snapshot
from protocol.ids import UserId
from protocol.model import Cursor, Message, Session
from server.cursors import after_session
from server.errors import SealedWithMissingKey
from server.store import users
from server.store.keys import KeyColumns, key_in
from server.store.messages import opened_message
from server.store.pool import Connection, Database, Parameters, fetch_all
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

IN_A_TURN = 8
"""Pages that are made before others have their turn on the loop."""

_sessions = msgspec.json.Decoder(list[Session])
_messages = msgspec.json.Decoder(list[Message])


Asked = tuple[UserId, Cursor | None]
Page = tuple[Head, Changes | Snapshot]
"""Where a timeline stands, and what came after a cursor of it: a snapshot when its numbers are of no use."""


class _Row(KeyColumns, frozen=True, kw_only=True):
    """Of a statement, for the one in this place of its list, from 1 on. What it holds of sessions and messages is JSON,
    and may be sealed.
    """

    place: int
    seq: int
    horizon: int
    epoch: str
    sessions: str


class _ChangedRow(_Row, frozen=True, kw_only=True):
    since: int
    upto: int
    messages: str

    def follows(self, cursor: Cursor) -> bool:
        """Whether the cursor's numbers are these, and nothing that came after it was purged."""
        return self.epoch == cursor.epoch and self.horizon <= cursor.seq <= self.seq


async def since_of_users(conn: Connection, asked: Sequence[Asked]) -> dict[int, Page | SealedWithMissingKey]:
    """By their places in the list. Who has no row is left out."""
    rows: dict[int, _Row] = {}
    coming_back = [(place, user, cursor) for place, (user, cursor) in enumerate(asked) if cursor is not None]
    for row in await _changed(conn, [(user, cursor.seq) for _, user, cursor in coming_back]):
        place, _, cursor = coming_back[row.place - 1]
        if row.follows(cursor):
            rows[place] = row
    coming = [(place, user) for place, (user, _) in enumerate(asked) if place not in rows]
    for row in await _first(conn, [user for _, user in coming]):
        place, _ = coming[row.place - 1]
        rows[place] = row
    found: dict[int, Page | SealedWithMissingKey] = {}
    for place, row in rows.items():
        found[place] = _page(conn, asked[place][0], row)
        if len(found) % IN_A_TURN == 0:
            await asyncio.sleep(0)
    return found


async def missing(database: Database, user: UserId, since: int) -> tuple[str, Changes | None]:
    """The epoch, and a page of what came after a number of it, once what is under way has ended. None: the number is
    of no use any more.
    """
    async with users.numbered(database, user, known=True):
        pass  # a transaction whose connection was lost holds the lock until the database has decided on it
    async with database.connection() as conn:
        (row,) = await _changed(conn, [(user, since)])  # they have a number, and so a row
        return row.epoch, _changes(conn, user, row) if row.horizon <= since <= row.seq else None


async def _changed(conn: Connection, asked: Sequence[tuple[UserId, int]]) -> list[_ChangedRow]:
    """Of each user what came after the number; none of a user who was never seen."""
    return await fetch_all(conn, _ChangedRow, _SQL["changes_of_users"], after(asked)) if asked else []


def after(asked: Sequence[tuple[UserId, int]]) -> Parameters:
    """Of `changes_of_users`: of each user what came after the number."""
    return {
        "users": [user for user, _ in asked],
        "since": [since for _, since in asked],
        "page": CHANGES_PAGE,
        "bytes": CHANGES_BYTES,
    }


async def _first(conn: Connection, asked: Sequence[UserId]) -> list[_Row]:
    if not asked:
        return []
    return await fetch_all(conn, _Row, _SQL["snapshot_of_users"], {"users": asked, "limit": FIRST_PAGE + 1})


def _page(conn: Connection, user: UserId, row: _Row) -> Page | SealedWithMissingKey:
    head = Head(row.seq, row.horizon, row.epoch)
    try:
        return head, _changes(conn, user, row) if isinstance(row, _ChangedRow) else _snapshot(conn, user, row)
    except SealedWithMissingKey as refusal:
        return refusal


def _changes(conn: Connection, user: UserId, row: _ChangedRow) -> Changes:
    key = key_in(conn, user, row)
    return Changes(
        since=row.since,
        seq=row.upto,
        more=row.upto < row.seq,
        sessions=[opened_session(key, each) for each in _sessions.decode(row.sessions)],
        messages=[opened_message(key, each) for each in _messages.decode(row.messages)],
    )


def _snapshot(conn: Connection, user: UserId, row: _Row) -> Snapshot:
    key = key_in(conn, user, row)
    sessions = [opened_session(key, each) for each in _sessions.decode(row.sessions)]
    page = sessions[:FIRST_PAGE]
    cursor = after_session(page[-1]) if len(sessions) > FIRST_PAGE else None
    return Snapshot(epoch=row.epoch, seq=row.seq, sessions=page, cursor=cursor)
