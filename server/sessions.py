"""What can be done with a session. Every change is one numbered transaction, committed, then told.

`expected`, where it is taken, is the number that the caller has seen on the row: another one is PreconditionFailed.
"""

from hashlib import sha256

from protocol.answers import SessionPage
from protocol.codec import encode
from protocol.events import SessionAdded, SessionChanged, SessionRemoved
from protocol.ids import SessionId, UserId, fresh_session_id
from protocol.model import Cursor, Mode, Session
from server import cursors, titles
from server.errors import IdempotencyConflict, NotFound
from server.instance import Instance
from server.store import sessions, turns


def body_hash(title: str | None, mode: Mode, language: str) -> bytes:
    """What a repeated creation is compared by."""
    return sha256(encode([title, mode, language])).digest()


async def create(
    instance: Instance, user: UserId, session: SessionId | None, *, title: str | None, mode: Mode, language: str
) -> Session:
    """A new session; with an id of the caller's making it can be said twice. Raises IdempotencyConflict."""
    session = session or fresh_session_id()
    body = body_hash(title, mode, language)
    async with instance.change(user, SessionAdded) as change:
        held = await sessions.body_hash(change.conn, user, session)
        if held is None:
            title = titles.cleaned(title or "")
            row = await sessions.insert(change, session, title=title, mode=mode, language=language, body_hash=body)
        elif change.key.is_hash_of(held, body):
            row = await sessions.existing(change.conn, user, session)
        else:
            raise IdempotencyConflict
    return row


async def one(instance: Instance, user: UserId, session: SessionId) -> Session:
    async with instance.database.connection() as conn:
        return await sessions.existing(conn, user, session)


async def page(
    instance: Instance, user: UserId, before: str | None, limit: int, *, seen: Cursor | None = None
) -> SessionPage:
    """Sessions after a cursor, the latest first; no older than what was seen."""
    place = cursors.place(before)
    return await instance.reads.read(user, seen, lambda conn: sessions.page(conn, user, place, limit))


async def update(
    instance: Instance,
    user: UserId,
    session: SessionId,
    *,
    title: str | None,
    mode: Mode | None,
    language: str | None,
    expected: int | None = None,
) -> Session:
    """Change what is given. Mode and language hold from the next reply on."""
    async with instance.change(user, SessionChanged) as change:
        row = await sessions.existing(change.conn, user, session, expected)
        if title is not None or mode is not None or language is not None:
            clean = None if title is None else titles.cleaned(title)
            row = await sessions.update(change, session, title=clean, mode=mode, language=language)
    return row


async def delete(instance: Instance, user: UserId, session: SessionId, expected: int | None = None) -> Session:
    """Make it a tombstone; its open replies are settled as stopped in the same change."""
    async with instance.change(user, SessionRemoved) as change:
        await sessions.existing(change.conn, user, session, expected)
        ended = await turns.end_all(change, session)
        for turn in ended:
            await instance.turns.settle_ended(change, turn)
        if ended:
            await sessions.touch(change, session)
        row = await sessions.delete(change, session)
    instance.turns.lost(user, ended)
    return row


async def restore(instance: Instance, user: UserId, session: SessionId) -> Session:
    """Bring a tombstone back, within 30 days. One that is there stays as it is."""
    async with instance.change(user, SessionChanged) as change:
        held = await sessions.session(change.conn, user, session)
        row = held if held is None or held.deleted_at is None else await sessions.restore(change, session)
        if row is None:
            raise NotFound
    return row


async def mark_read(instance: Instance, user: UserId, session: SessionId, seq: int) -> Session:
    """Read up to a number, at most the head; never goes back."""
    async with instance.change(user, SessionChanged) as change:
        row = await sessions.existing(change.conn, user, session)
        read = min(seq, change.seq - 1)
        if read > row.read_seq:
            row = await sessions.mark_read(change, session, read) or row
    return row
