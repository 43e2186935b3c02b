"""What a device reads of its user's timeline: all statements of a read see one and the same moment."""

from protocol.events import Changes, Snapshot
from protocol.ids import UserId
from protocol.model import Cursor
from server.cursors import TOP
from server.store import messages, sessions, users
from server.store.pool import Connection, Database
from server.store.users import Head

FIRST_PAGE = 50
"""Sessions of a snapshot."""
CHANGES_PAGE = 100
"""Rows of a page of changes; a few more where a number would be split."""
CHANGES_BYTES = 65_536
"""Of text in a page of changes, but for a number that is larger by itself: a page waits whole for a slow socket."""


async def since(database: Database, user: UserId, cursor: Cursor | None) -> tuple[Head, Changes | Snapshot]:
    """The head, and a page of what came after the cursor; a snapshot when its numbers are of no use."""
    async with database.snapshot() as conn:
        head = await users.head(conn, user)
        if head is not None:
            useful = cursor is not None and cursor.epoch == head.epoch and head.horizon <= cursor.seq <= head.seq
            if cursor is not None and useful:
                return head, await _changes(conn, user, head, cursor.seq)
            return head, await _snapshot(conn, user, head)
    async with database.connection() as conn:
        await users.meet(conn, user)
    return await since(database, user, cursor)


async def missing(database: Database, user: UserId, since: int) -> Changes:
    """A page of what came after a number that is known to be of this timeline, once what is under way has ended."""
    async with users.numbered(database, user):
        pass  # a transaction whose connection was lost holds the lock until the database has decided on it
    async with database.snapshot() as conn:
        head = await users.head(conn, user)
        assert head is not None, "the user has a number"
        return await _changes(conn, user, head, since)


async def _changes(conn: Connection, user: UserId, head: Head, since: int) -> Changes:
    upto = await users.reached(conn, user, since, CHANGES_PAGE, CHANGES_BYTES)
    return Changes(
        since=since,
        seq=upto,
        more=upto < head.seq,
        sessions=await sessions.changed(conn, user, since, upto),
        messages=await messages.changed(conn, user, since, upto),
    )


async def _snapshot(conn: Connection, user: UserId, head: Head) -> Snapshot:
    page = await sessions.page(conn, user, TOP, FIRST_PAGE)
    return Snapshot(epoch=head.epoch, seq=head.seq, sessions=page.sessions, cursor=page.cursor)
