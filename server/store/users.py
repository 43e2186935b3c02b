"""The numbered transaction: the way in which a durable row is changed (sends.py does the same, of many at once).

Lock, then check, then write. Every row that it changes is collected here, so that one transaction is one
number and one event, and a transaction that changes nothing takes no number.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from msgspec import Struct

from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Cursor, Message, Session
from server.errors import ConnectionBroken, NotFound
from server.sealing import Unsealed
from server.store.keys import KeyColumns, key_in
from server.store.pool import Connection, Database, execute, fetch_all, fetch_one
from server.store.revocations import subject
from sql import load

_SQL = load("users")


class Head(Struct, frozen=True):
    """Where a user's timeline stands: the last number, the highest purged one, and the epoch of both."""

    seq: int
    horizon: int
    epoch: str


class UserHead(Struct, frozen=True):
    """Where the timeline of one of many users stands."""

    user_id: UserId
    seq: int
    epoch: str


class _Locked(KeyColumns, frozen=True, kw_only=True):
    seq: int


class Change:
    """An open numbered transaction. `seq` is the number it will take, of the numbers of `origin`; `sessions` and
    `messages` are what it has changed. What it writes is sealed with `key`.
    """

    def __init__(self, conn: Connection, user: UserId, key: Unsealed, *, origin: str, seq: int) -> None:
        self.conn = conn
        self.user = user
        self.key = key
        self.origin = origin
        self.seq = seq
        self._sessions: dict[SessionId, Session] = {}
        self._messages: dict[MessageId, Message] = {}

    def put_session(self, row: Session) -> Session:
        self._sessions[row.id] = row
        return row

    def put_message(self, row: Message) -> Message:
        self._messages[row.id] = row
        return row

    @property
    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    @property
    def messages(self) -> list[Message]:
        return list(self._messages.values())

    @property
    def empty(self) -> bool:
        return not (self._sessions or self._messages)


@asynccontextmanager
async def numbered(database: Database, user: UserId, *, known: bool = False) -> AsyncGenerator[Change]:
    """A transaction under the user's lock. It takes the next number if it has changed a row.

    Raises NotFound for a user who is being erased, and, if they have to be `known`, for one who was never seen.
    Raises ConnectionBroken, `unsure` if only the answer to COMMIT is missing: then nobody knows whether it was done.
    """
    committing = False
    try:
        async with database.connection() as conn, conn.transaction():
            origin = database.origin
            locked = await _lock(conn, user, known=known)
            change = Change(conn, user, key_in(conn, user, locked), origin=origin, seq=locked.seq + 1)
            yield change
            if not change.empty:
                await execute(conn, _SQL["advance"], {"user": user})
                committing = True
    except ConnectionBroken as broken:
        broken.unsure = committing
        raise


async def heads_of_users(conn: Connection, users: list[UserId]) -> list[UserHead]:
    """Of up to some thousand users at once, in any order. A user who was never seen is left out."""
    return await fetch_all(conn, UserHead, _SQL["heads_of_users"], {"users": users})


async def reached(conn: Connection, user: UserId) -> Cursor | None:
    """Up to where this database has the user's timeline; it may be a replica. None: it has nothing of theirs."""
    return await fetch_one(conn, Cursor, _SQL["reached"], {"user": user})


async def meet(conn: Connection, user: UserId) -> None:
    """A user's timeline begins here, unless it has begun, or they are being erased."""
    fresh = conn.keys.fresh(user)
    key, key_name = (fresh.key, fresh.key_name) if fresh else (None, None)
    await execute(conn, _SQL["add_user"], {"user": user, "subject": subject(user), "key": key, "key_name": key_name})


async def is_there(conn: Connection, user: UserId) -> bool:
    return await fetch_one(conn, KeyColumns, _SQL["key_of_user"], {"user": user}) is not None


async def _lock(conn: Connection, user: UserId, *, known: bool) -> _Locked:
    """To the end of the transaction nobody else changes anything of the user. Raises NotFound."""
    found = await fetch_one(conn, _Locked, _SQL["lock_user"], {"user": user})
    if found is None and not known:
        await meet(conn, user)
        found = await fetch_one(conn, _Locked, _SQL["lock_user"], {"user": user})
    if found is None:
        raise NotFound
    return found
