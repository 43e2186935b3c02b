"""What all instances on one database have in common: an id, and the secret with which they seal what they say.

The secret is made by the first of them, and wrapped by its ring. Who cannot open it makes another, and hears those who
share that one: nothing of the others' is overwritten.
"""

import secrets
from uuid import UUID, uuid4

from msgspec import Struct

from server.errors import SealedWithMissingKey
from server.key_ring import KeyRing, Wrapped
from server.store.pool import Connection, execute, fetch_all
from sql import load

_SQL = load("deployments")

SECRET_BYTES = 32


class Deployment(Struct, frozen=True):
    """The instances that hear each other."""

    id: UUID
    secret: bytes


class _Row(Struct, frozen=True):
    """The secret is wrapped, unless there is no name of a key."""

    id: UUID
    key: bytes
    key_name: str | None


async def deployment(conn: Connection) -> Deployment:
    """The oldest that the ring opens, or a new one."""
    ring = conn.keys.ring
    async with conn.transaction():
        await execute(conn, _SQL["made_one_at_a_time"], {})
        for row in await fetch_all(conn, _Row, _SQL["deployments"], {}):
            if (secret := _opened(ring, row)) is not None:
                return Deployment(row.id, secret)
        made = Deployment(uuid4(), secrets.token_bytes(SECRET_BYTES))
        await execute(conn, _SQL["add_deployment"], _wrapped(ring, made))
        return made


async def rewrap(conn: Connection) -> None:
    """Give the secrets that the ring opens the first key of it."""
    ring = conn.keys.ring
    async with conn.transaction():
        await execute(conn, _SQL["made_one_at_a_time"], {})
        for row in await fetch_all(conn, _Row, _SQL["deployments"], {}):
            secret = _opened(ring, row)
            if secret is not None and row.key_name != ring.names[0]:
                await execute(conn, _SQL["rewrap_deployment"], _wrapped(ring, Deployment(row.id, secret)))


def _opened(ring: KeyRing, row: _Row) -> bytes | None:
    """None: its key is missing."""
    if row.key_name is None:
        return row.key
    try:
        return ring.unwrap(Wrapped(row.key, row.key_name), _whose(row.id))
    except SealedWithMissingKey:
        return None


def _wrapped(ring: KeyRing, made: Deployment) -> dict[str, object]:
    if not ring.names:
        return {"id": made.id, "key": made.secret, "key_name": None}
    wrapped = ring.wrap(made.secret, _whose(made.id))
    return {"id": made.id, "key": wrapped.key, "key_name": wrapped.key_name}


def _whose(id: UUID) -> bytes:
    return b"deployment " + id.bytes
