"""The rows of sessions. What takes a Change is part of a numbered transaction; what takes a connection only reads."""

from typing import TypeVar

from msgspec import Struct, structs

from protocol.answers import SessionPage
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import PREVIEW_LENGTH, Message, Mode, Session
from server.cursors import END, Place, after_session
from server.errors import NotFound, PreconditionFailed
from server.sealing import Unsealed, about, is_marked
from server.store.keys import opened
from server.store.pool import Connection, fetch_all, fetch_one
from server.store.users import Change
from sql import load

_SQL = load("sessions")

S = TypeVar("S", bound=Session)


class _Text(Struct, frozen=True):
    id: MessageId
    content: str


class _Body(Struct, frozen=True):
    body_hash: bytes


class _Position(Struct, frozen=True):
    last_position: int


async def insert(
    change: Change, session: SessionId, *, title: str, mode: Mode, language: str, body_hash: bytes
) -> Session:
    row = await fetch_one(
        change.conn,
        Session,
        _SQL["insert_session"],
        {
            "user": change.user,
            "session": session,
            "title": _sealed_title(change, session, title),
            "mode": mode,
            "language": language,
            "seq": change.seq,
            "body_hash": change.key.hashed(body_hash),
            "words": change.key.words(title),
        },
    )
    return _put(change, row)


async def update(
    change: Change,
    session: SessionId,
    *,
    title: str | None = None,
    mode: Mode | None = None,
    language: str | None = None,
) -> Session:
    """Change what is given. The session must be there."""
    parameters = {
        "user": change.user,
        "session": session,
        "title": None if title is None else _sealed_title(change, session, title),
        "words": change.key.words(title or ""),
        "mode": mode,
        "language": language,
        "seq": change.seq,
    }
    return _put(change, await fetch_one(change.conn, Session, _SQL["update_session"], parameters))


async def touch(
    change: Change, session: SessionId, *, said: Message | None = None, more: int = 0, positions: int = 0
) -> Session:
    """After messages have changed: so many more of them, so many more positions taken, the preview as it is now.

    `said`: the only one whose text has changed, and which has one or never had. None: the latest text is read.
    """
    text = await _latest_text(change, session) if said is None else said.content
    parameters = {
        "user": change.user,
        "session": session,
        "more": more,
        "positions": positions,
        "preview": change.key.seal(text[:PREVIEW_LENGTH], about("preview", session)) or None,
        "position": END if said is None else said.position if text else 0,
        "seq": change.seq,
    }
    return _put(change, await fetch_one(change.conn, Session, _SQL["touch_session"], parameters))


async def delete(change: Change, session: SessionId) -> Session:
    """Make it a tombstone. The session must be there."""
    return _put(change, await fetch_one(change.conn, Session, _SQL["delete_session"], _key(change, session)))


async def restore(change: Change, session: SessionId) -> Session | None:
    """None: it is not a tombstone, or one of more than 30 days."""
    row = await fetch_one(change.conn, Session, _SQL["restore_session"], _key(change, session))
    return row and _put(change, row)


async def mark_read(change: Change, session: SessionId, read_seq: int) -> Session | None:
    """None: it was read as far before."""
    row = await fetch_one(change.conn, Session, _SQL["mark_read"], _key(change, session) | {"read_seq": read_seq})
    return row and _put(change, row)


async def session(conn: Connection, user: UserId, id: SessionId) -> Session | None:
    """The row, a tombstone too."""
    rows = await fetch_all(conn, Session, _SQL["session"], {"user": user, "session": id})
    return next(iter(await opened(conn, user, rows, opened_session)), None)


async def existing(conn: Connection, user: UserId, id: SessionId, expected: int | None = None) -> Session:
    """The row of a session that is there. Raises NotFound, or PreconditionFailed if its number is not the expected."""
    row = await session(conn, user, id)
    if row is None or row.deleted_at is not None:
        raise NotFound
    if expected is not None and row.seq != expected:
        raise PreconditionFailed
    return row


async def body_hash(conn: Connection, user: UserId, session: SessionId) -> bytes | None:
    """The hash of what it was created with; None: it was never created."""
    row = await fetch_one(conn, _Body, _SQL["session_body"], {"user": user, "session": session})
    return row and row.body_hash


async def last_position(conn: Connection, user: UserId, session: SessionId) -> int:
    row = await fetch_one(conn, _Position, _SQL["last_position"], {"user": user, "session": session})
    return row.last_position if row else 0


async def page(conn: Connection, user: UserId, before: Place, limit: int) -> SessionPage:
    """The sessions after a place, the latest first."""
    parameters = {"user": user, "before_time": before[0], "before_id": before[1], "limit": limit + 1}
    rows = await opened(conn, user, await fetch_all(conn, Session, _SQL["page"], parameters), opened_session)
    return SessionPage(sessions=rows[:limit], cursor=after_session(rows[limit - 1]) if len(rows) > limit else None)


def opened_session(key: Unsealed, row: S) -> S:
    """Raises SealedWithMissingKey."""
    if not is_marked(row.title) and not is_marked(row.preview or ""):
        return row
    title = key.open(row.title, about("title", row.id))
    preview = row.preview and key.open(row.preview, about("preview", row.id))
    return structs.replace(row, title=title, preview=preview)


async def _latest_text(change: Change, session: SessionId) -> str:
    """Of the messages that are there; empty if none has a text."""
    row = await fetch_one(change.conn, _Text, _SQL["latest_text"], {"user": change.user, "session": session})
    return change.key.open(row.content, about("text", row.id)) if row else ""


def _sealed_title(change: Change, session: SessionId, title: str) -> str:
    return change.key.seal(title, about("title", session))


def _key(change: Change, session: SessionId) -> dict[str, object]:
    return {"user": change.user, "session": session, "seq": change.seq}


def _put(change: Change, row: Session | None) -> Session:
    assert row is not None, "the caller holds the lock and has seen the session"
    return change.put_session(opened_session(change.key, row))
