"""The statements that delete everything of a user. Each takes a moment, and does no harm twice."""

from msgspec import Struct

from protocol.ids import UserId
from server.store.pool import Connection, execute, fetch_all, fetch_one
from server.store.revocations import Revocation, subject
from server.store.turns import Turn
from sql import load

_SQL = load("erasure")

AT_ONCE = 2_000
"""Rows."""


class _Marked(Struct, frozen=True):
    user_id: UserId


async def mark(conn: Connection, user: UserId) -> Revocation:
    """From now on no token of the user is good, until it is `done`."""
    made = await fetch_one(conn, Revocation, _SQL["mark"], {"user": user, "subject": subject(user)})
    assert made is not None, "an insert returns its row"
    return made


async def marked_of_all_users(conn: Connection, seconds: float) -> list[UserId]:
    """Those whose erasure was begun so many seconds ago, and is not done."""
    return [row.user_id for row in await fetch_all(conn, _Marked, _SQL["marked_of_all_users"], {"seconds": seconds})]


async def turns(conn: Connection, user: UserId) -> list[Turn]:
    """Whoever writes them finds no row."""
    return await fetch_all(conn, Turn, _SQL["erase_turns"], {"user": user})


async def messages(conn: Connection, user: UserId) -> bool:
    """Some. False: there were none left."""
    return await execute(conn, _SQL["erase_messages"], {"user": user, "limit": AT_ONCE}) > 0


async def sessions(conn: Connection, user: UserId) -> bool:
    """Some. False: there were none left."""
    return await execute(conn, _SQL["erase_sessions"], {"user": user, "limit": AT_ONCE}) > 0


async def user(conn: Connection, user: UserId) -> None:
    await execute(conn, _SQL["erase_user"], {"user": user})


async def done(conn: Connection, user: UserId) -> None:
    await execute(conn, _SQL["done"], {"user": user, "subject": subject(user)})
