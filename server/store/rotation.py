"""Giving every user's key the first key of the ring, and sealing what was stored before there was one.

One user after the other, each in short transactions under their lock, while instances run. A row that is done says so,
so that a rotation that was killed is gone on with by starting it again.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from msgspec import Struct

from protocol.ids import UserId
from server.errors import SealedWithMissingKey, Unavailable
from server.key_ring import KeyRing, UserKeys, Wrapped, of_user
from server.sealing import Unsealed, about
from server.store import deployments
from server.store.keys import KeyColumns, key_in
from server.store.migrations import in_use
from server.store.pool import Connection, Database, execute, fetch_all, fetch_one
from sql import load

_SQL = load("rotation")
_USERS = load("users")

log = structlog.get_logger()

USERS_AT_ONCE = 100
ROWS_AT_ONCE = 50
"""For which a user's lock is held."""
HASH_BYTES = 32
"""Of a hash that is not keyed yet."""


class Use(Struct, frozen=True):
    """So many users have keys that this key of the ring has wrapped; None: they have none."""

    key_name: str | None
    sealed: bool
    users: int


class Rotated(Struct):
    """What has been done so far: users, and rows that were sealed; and whose key is missing."""

    users: int = 0
    rows: int = 0
    missing: int = 0


class _User(Struct, frozen=True):
    user_id: UserId


class _Message(Struct, frozen=True):
    id: UUID
    content: str
    body_hash: bytes | None


class _Session(Struct, frozen=True):
    id: UUID
    title: str
    preview: str | None
    body_hash: bytes


class _Turn(Struct, frozen=True):
    id: UUID
    text: str


Part = Callable[[Connection, UserId, Unsealed, UUID], Awaitable[list[UUID]]]
"""Seals the next rows of a user after an id; their ids."""


async def uses_of_all_users(conn: Connection) -> list[Use]:
    return await fetch_all(conn, Use, _USERS["key_uses_of_all_users"], {})


async def say_what_is_not_sealed(database: Database) -> None:
    """In the log, in a line, if there is a ring and a user who is not sealed in full by one of its keys; or one who is
    sealed though there is no ring.
    """
    try:
        async with database.connection() as conn:
            ring, uses = conn.keys.ring, await uses_of_all_users(conn)
    except Unavailable:
        return
    missing = sum(use.users for use in uses if use.key_name is not None and use.key_name not in ring.names)
    unsealed = sum(use.users for use in uses if not use.sealed) if ring.names else 0
    if missing or unsealed:
        log.warning("users_not_sealed", unsealed=unsealed, missing_key=missing)


async def rotate(conn: Connection, tell: Callable[[Rotated], None]) -> Rotated:
    """All users. `conn.keys` has a ring. `tell` is given what has been done, from time to time."""
    done, after = Rotated(), UserId("")
    await deployments.rewrap(conn)
    while users := await _behind(conn, after):
        for user in users:
            try:
                await _give_first_key(conn, user)
                done.rows += await _seal_all(conn, user)
                done.users += 1
            except SealedWithMissingKey:
                done.missing += 1
        tell(done)
        after = users[-1]
    return done


async def look(conninfo: str) -> list[Use]:
    """As `uses_of_all_users`, from the outside. Raises StartupError."""
    async with in_use(conninfo) as conn:
        return await uses_of_all_users(conn)


async def rotate_in(conninfo: str, ring: KeyRing, tell: Callable[[Rotated], None]) -> Rotated:
    """As `rotate`, from the outside. Raises StartupError."""
    async with in_use(conninfo) as conn:
        conn.keys = UserKeys(ring)
        return await rotate(conn, tell)


async def _behind(conn: Connection, after: UserId) -> list[UserId]:
    parameters = {"after": after, "key_name": conn.keys.ring.names[0], "limit": USERS_AT_ONCE}
    return [row.user_id for row in await fetch_all(conn, _User, _USERS["behind_of_all_users"], parameters)]


async def _give_first_key(conn: Connection, user: UserId) -> None:
    ring = conn.keys.ring
    async with conn.transaction():
        row = await _lock(conn, user)
        if row is None or row.key_name == ring.names[0]:
            return
        if row.key is None or row.key_name is None:
            wrapped = conn.keys.fresh(user)
            assert wrapped is not None, "there is a ring"
        else:
            wrapped = ring.wrap(ring.unwrap(Wrapped(row.key, row.key_name), of_user(user)), of_user(user))
        await execute(conn, _SQL["set_key"], {"user": user, "key": wrapped.key, "key_name": wrapped.key_name})


async def _seal_all(conn: Connection, user: UserId) -> int:
    """How many rows were not sealed. What is written meanwhile is, because the user has a key."""
    rows = 0
    for part in (_seal_messages, _seal_sessions, _seal_turns):
        after = UUID(int=0)
        while sealed := await _seal_some(conn, user, part, after):
            rows += len(sealed)
            after = sealed[-1]
    await execute(conn, _SQL["mark_sealed"], {"user": user})
    return rows


async def _seal_some(conn: Connection, user: UserId, part: Part, after: UUID) -> list[UUID]:
    async with conn.transaction():
        row = await _lock(conn, user)
        if row is None or row.sealed:
            return []
        return await part(conn, user, key_in(conn, user, row), after)


async def _seal_messages(conn: Connection, user: UserId, key: Unsealed, after: UUID) -> list[UUID]:
    rows = await fetch_all(conn, _Message, _SQL["unsealed_messages"], _next(user, after))
    for row in rows:
        text = key.open(row.content, about("text", row.id))
        sealed = {
            "content": key.seal(text, about("text", row.id)),
            "words": key.words(text),
            "body_hash": _keyed(key, row.body_hash),
        }
        await execute(conn, _SQL["seal_message"], {"user": user, "id": row.id, **sealed})
    return [row.id for row in rows]


async def _seal_sessions(conn: Connection, user: UserId, key: Unsealed, after: UUID) -> list[UUID]:
    rows = await fetch_all(conn, _Session, _SQL["unsealed_sessions"], _next(user, after))
    for row in rows:
        title = key.open(row.title, about("title", row.id))
        preview = row.preview and key.open(row.preview, about("preview", row.id))
        sealed = {
            "title": key.seal(title, about("title", row.id)),
            "preview": preview and key.seal(preview, about("preview", row.id)),
            "words": key.words(title),
            "body_hash": _keyed(key, row.body_hash),
        }
        await execute(conn, _SQL["seal_session"], {"user": user, "id": row.id, **sealed})
    return [row.id for row in rows]


async def _seal_turns(conn: Connection, user: UserId, key: Unsealed, after: UUID) -> list[UUID]:
    rows = await fetch_all(conn, _Turn, _SQL["unsealed_turns"], _next(user, after))
    for row in rows:
        text = key.seal(key.open(row.text, about("draft", row.id)), about("draft", row.id))
        await execute(conn, _SQL["seal_turn"], {"user": user, "id": row.id, "text": text, "former": row.text})
    return [row.id for row in rows]


def _keyed(key: Unsealed, stored: bytes | None) -> bytes | None:
    return key.hashed(stored) if stored is not None and len(stored) == HASH_BYTES else stored


def _next(user: UserId, after: UUID) -> dict[str, object]:
    return {"user": user, "after": after, "limit": ROWS_AT_ONCE}


async def _lock(conn: Connection, user: UserId) -> KeyColumns | None:
    """None: the user was erased."""
    return await fetch_one(conn, KeyColumns, _USERS["lock_key"], {"user": user})
