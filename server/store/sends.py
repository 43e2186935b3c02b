"""What learners send, many at once: a message, its pending reply and its turn, each user's under their next number."""

from collections.abc import Sequence
from hashlib import sha256

from msgspec import Struct, convert

from protocol.codec import decode_metadata, encode
from protocol.ids import MessageId, SessionId, UserId, fresh_message_id
from protocol.model import PREVIEW_LENGTH, Message, Metadata, Moment, Session
from server.errors import SealedWithMissingKey
from server.sealing import Unsealed, about
from server.store import arrays
from server.store.pool import Connection, fetch_all
from server.store.sessions import opened_session
from sql import load

_SQL = load("sends")


class Draft(Struct, frozen=True):
    """A message that somebody sends, under an id of their own making."""

    session: SessionId
    message: MessageId
    content: str
    metadata: Metadata | None

    @property
    def names_files(self) -> bool:
        return self.metadata is not None and (self.metadata.image_url or self.metadata.audio_url) is not None

    def body_hash(self) -> bytes:
        """What a repeated send is compared by."""
        return sha256(encode([self.session, self.content, self.metadata])).digest()


class Added(Struct, frozen=True):
    """What a send has changed, all of it under one number."""

    session: Session
    said: Message
    reply: Message


class _Row(Session, frozen=True, kw_only=True):
    place: int
    position: int
    reply_id: MessageId
    said_at: Moment


async def send_of_users(
    conn: Connection, drafts: Sequence[tuple[UserId, Draft]], *, pending: int
) -> dict[int, Added | SealedWithMissingKey]:
    """Add what is in order, of users each of whom is there once. By its place: what was added, and is committed; the
    refusal stands for what cannot be read, and is added all the same. Nothing is, if the database raises.

    What has no place is to be sent alone: its id was used before, or its session is not there, has no title yet or so
    many `pending` replies; or somebody is just changing something else of the user's, or has given them another key.
    """
    keys = [conn.keys.held(user) for user, _ in drafts]
    each = [(key, draft) for key, (_, draft) in zip(keys, drafts, strict=True)]
    given = {
        "users": arrays.texts(user for user, _ in drafts),
        "keys": arrays.byte_strings(key.wrapped for key in keys),
        "sessions": arrays.uuids(draft.session for _, draft in drafts),
        "messages": arrays.uuids(draft.message for _, draft in drafts),
        "replies": arrays.uuids(fresh_message_id() for _ in drafts),
        "contents": arrays.texts(key.seal(draft.content, about("text", draft.message)) for key, draft in each),
        "previews": arrays.texts(
            key.seal(draft.content[:PREVIEW_LENGTH], about("preview", draft.session)) for key, draft in each
        ),
        "metadata": arrays.texts(
            None if draft.metadata is None else encode(draft.metadata).decode() for _, draft in drafts
        ),
        "body_hashes": arrays.byte_strings(key.hashed(draft.body_hash()) for key, draft in each),
        "words": arrays.texts(" ".join(key.words(draft.content)) for key, draft in each),
        "pending": pending,
    }
    rows = await fetch_all(conn, _Row, _SQL["send_of_users"], given)
    return {row.place - 1: _added(*each[row.place - 1], row) for row in rows}


def _added(key: Unsealed, draft: Draft, row: _Row) -> Added | SealedWithMissingKey:
    try:
        session = opened_session(key, convert(row, Session, from_attributes=True))
    except SealedWithMissingKey as refusal:
        return refusal
    said = Message(
        id=draft.message,
        session_id=row.id,
        position=row.position,
        type="user",
        content=draft.content,
        metadata=None if draft.metadata is None else decode_metadata(encode(draft.metadata)),
        created_at=row.said_at,
        seq=row.seq,
    )
    reply = Message(
        id=row.reply_id,
        session_id=row.id,
        position=row.position + 1,
        type="assistant",
        content="",
        status="pending",
        reply_to=draft.message,
        created_at=row.said_at,
        seq=row.seq,
    )
    return Added(session, said, reply)
