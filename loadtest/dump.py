"""What the database holds in the end: all users, sessions, messages and turns, as of one moment."""

import psycopg
from msgspec import Struct
from psycopg.rows import class_row
from psycopg.types.json import set_json_loads

from protocol.codec import decode_metadata
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Message, Session

IN_FULL = psycopg.IsolationLevel.REPEATABLE_READ


class UserRow(Struct, frozen=True):
    """`seq` is the number of the last change of the user's timeline; `epoch` is what devices are told as such."""

    user_id: UserId
    seq: int
    horizon: int
    epoch: str


class MessageRow(Struct, frozen=True):
    """A message as a device would hold it, with what only the database knows of it."""

    user_id: UserId
    created_seq: int
    message: Message


class TurnRow(Struct, frozen=True):
    """An open reply."""

    user_id: UserId
    message_id: MessageId
    session_id: SessionId
    attempt: int
    owner: str | None


class Dump(Struct, frozen=True):
    """Everything."""

    users: list[UserRow]
    sessions: list[Session]
    messages: list[MessageRow]
    turns: list[TurnRow]


_USERS = """
SELECT user_id, seq, horizon,
    (SELECT system_identifier FROM pg_control_system())
        || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || ':' || incarnation AS epoch
FROM users
"""
_SESSIONS = """
SELECT id, user_id, title, preview, language, mode, created_at, updated_at, message_count, read_seq, seq, deleted_at
FROM sessions
"""
_MESSAGES = """
SELECT user_id, created_seq, id, session_id, position, type, content, metadata, status, reply_to, created_at, seq,
    deleted_at
FROM messages
"""
_TURNS = "SELECT user_id, message_id, session_id, attempt, owner FROM turns"


async def dump(database_url: str) -> Dump:
    """All rows, read in one snapshot. Raises psycopg.Error."""
    async with await psycopg.AsyncConnection[object].connect(database_url) as conn:
        await conn.set_isolation_level(IN_FULL)
        await conn.set_read_only(True)
        set_json_loads(decode_metadata, conn)
        stored = await (await conn.cursor(row_factory=class_row(_Stored)).execute(_MESSAGES)).fetchall()
        return Dump(
            users=await (await conn.cursor(row_factory=class_row(UserRow)).execute(_USERS)).fetchall(),
            sessions=await (await conn.cursor(row_factory=class_row(Session)).execute(_SESSIONS)).fetchall(),
            messages=[each.row() for each in stored],
            turns=await (await conn.cursor(row_factory=class_row(TurnRow)).execute(_TURNS)).fetchall(),
        )


class _Stored(Message, frozen=True, rename="camel", kw_only=True):
    user_id: UserId
    created_seq: int

    def row(self) -> MessageRow:
        message = Message(**{name: getattr(self, name) for name in Message.__struct_fields__})
        return MessageRow(self.user_id, self.created_seq, message)
