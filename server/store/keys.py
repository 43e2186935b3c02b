"""The key of a user, as it is stored with them, and what is opened with it."""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from protocol.ids import UserId
from server.errors import SealedWithMissingKey
from server.key_ring import Wrapped
from server.sealing import Unsealed
from server.store.pool import Connection, fetch_one
from sql import load

_SQL = load("users")

T = TypeVar("T")


class KeyColumns(Struct, frozen=True, kw_only=True):
    """A user's key, as a row has it; `sealed`: all that is theirs is."""

    key: bytes | None
    key_name: str | None
    sealed: bool


def key_in(conn: Connection, user: UserId, row: KeyColumns) -> Unsealed:
    """The user's key, out of a row that has its columns. Raises SealedWithMissingKey."""
    wrapped = None if row.key is None or row.key_name is None else Wrapped(row.key, row.key_name)
    return conn.keys.of(user, wrapped, complete=row.sealed)


async def key_of(conn: Connection, user: UserId) -> Unsealed:
    """The user's key, read. Raises SealedWithMissingKey."""
    row = await fetch_one(conn, KeyColumns, _SQL["key_of_user"], {"user": user})
    return conn.keys.of(user, None, complete=False) if row is None else key_in(conn, user, row)


async def opened(conn: Connection, user: UserId, rows: list[T], open_row: Callable[[Unsealed, T], T]) -> list[T]:
    """The rows as they were before they were sealed. The key is read only if it is not at hand, and needed.

    Raises SealedWithMissingKey.
    """
    try:
        held = conn.keys.held(user)
        return [open_row(held, row) for row in rows]
    except SealedWithMissingKey:
        key = await key_of(conn, user)
        return [open_row(key, row) for row in rows]
