"""The rows of messages and replies. What takes a Change is part of a numbered transaction."""

from msgspec import Struct, structs

from protocol.codec import encode
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Message, MessageMetadata, MessageType, Metadata, ReplyStatus
from server.errors import NotFound, PreconditionFailed
from server.lesson import Utterance
from server.sealing import Unsealed, about, is_marked
from server.store.keys import opened
from server.store.pool import Connection, fetch_all, fetch_one
from server.store.users import Change
from sql import load

_SQL = load("messages")


class Receipt(Struct, frozen=True):
    """What was answered to the send of a message, and what a repetition is compared with (None: it is a reply)."""

    session_id: SessionId
    message_id: MessageId
    reply_id: MessageId | None
    position: int
    created_seq: int
    body_hash: bytes | None


class _Said(Struct, frozen=True):
    id: MessageId
    role: MessageType
    content: str
    image_url: str | None


async def insert(
    change: Change,
    message: MessageId,
    session: SessionId,
    *,
    position: int,
    content: str,
    metadata: Metadata | None,
    body_hash: bytes,
) -> Message:
    parameters = {
        "user": change.user,
        "message": message,
        "session": session,
        "position": position,
        "content": change.key.seal(content, _about(message)),
        "metadata": _jsonb(metadata),
        "seq": change.seq,
        "body_hash": change.key.hashed(body_hash),
        "words": change.key.words(content),
    }
    return _put(change, await fetch_one(change.conn, Message, _SQL["insert_message"], parameters))


async def insert_reply(
    change: Change, message: MessageId, session: SessionId, *, position: int, reply_to: MessageId
) -> Message:
    parameters = {
        "user": change.user,
        "message": message,
        "session": session,
        "position": position,
        "reply_to": reply_to,
        "seq": change.seq,
    }
    return _put(change, await fetch_one(change.conn, Message, _SQL["insert_reply"], parameters))


async def edit(change: Change, message: MessageId, content: str) -> Message:
    """The message must be the user's and there."""
    parameters = {
        "user": change.user,
        "message": message,
        "content": change.key.seal(content, _about(message)),
        "words": change.key.words(content),
        "seq": change.seq,
    }
    return _put(change, await fetch_one(change.conn, Message, _SQL["edit_message"], parameters))


async def settle(
    change: Change, message: MessageId, status: ReplyStatus, content: str, metadata: MessageMetadata | None
) -> Message:
    """The reply must be pending."""
    parameters = {
        "user": change.user,
        "message": message,
        "status": status,
        "content": change.key.seal(content, _about(message)),
        "metadata": _jsonb(metadata),
        "words": change.key.words(content),
        "seq": change.seq,
    }
    return _put(change, await fetch_one(change.conn, Message, _SQL["settle_reply"], parameters))


async def delete(change: Change, message: MessageId) -> Message:
    """Make it a tombstone. The message must be there, and no pending reply."""
    parameters = {"user": change.user, "message": message, "seq": change.seq}
    return _put(change, await fetch_one(change.conn, Message, _SQL["delete_message"], parameters))


async def message(conn: Connection, user: UserId, id: MessageId) -> Message | None:
    """The row, a tombstone too, unless its session is deleted."""
    rows = await fetch_all(conn, Message, _SQL["message"], {"user": user, "message": id})
    return next(iter(await opened(conn, user, rows, opened_message)), None)


async def existing(conn: Connection, user: UserId, id: MessageId, expected: int | None = None) -> Message:
    """The row of a message that is there. Raises NotFound, or PreconditionFailed if its number is not the expected."""
    row = await message(conn, user, id)
    if row is None or row.deleted_at is not None:
        raise NotFound
    if expected is not None and row.seq != expected:
        raise PreconditionFailed
    return row


async def receipt(conn: Connection, user: UserId, message: MessageId) -> Receipt | None:
    """None: this id was never used."""
    return await fetch_one(conn, Receipt, _SQL["receipt"], {"user": user, "message": message})


async def history(conn: Connection, user: UserId, session: SessionId, reply: MessageId, limit: int) -> list[Utterance]:
    """The last texts up to the message that a reply answers, in order."""
    parameters = {"user": user, "session": session, "message": reply, "limit": limit}
    rows = await opened(conn, user, await fetch_all(conn, _Said, _SQL["history"], parameters), _opened_said)
    return [Utterance(row.role, row.content, row.image_url) for row in rows[::-1]]


def opened_message(key: Unsealed, row: Message) -> Message:
    """Raises SealedWithMissingKey."""
    return structs.replace(row, content=key.open(row.content, _about(row.id))) if is_marked(row.content) else row


def _opened_said(key: Unsealed, row: "_Said") -> "_Said":
    return structs.replace(row, content=key.open(row.content, _about(row.id)))


def _about(message: MessageId) -> bytes:
    return about("text", message)


def _jsonb(metadata: Metadata | None) -> str | None:
    return None if metadata is None else encode(metadata).decode()


def _put(change: Change, row: Message | None) -> Message:
    assert row is not None, "the caller holds the lock and has seen the message"
    return change.put_message(opened_message(change.key, row))
