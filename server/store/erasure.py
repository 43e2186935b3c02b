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


class _Left(Struct, frozen=True):
    user_id: UserId


async def mark(conn: Connection, user: UserId) -> Revocation | None:
    """From now on no token of the user is good, until it is `done`. None: it was so before, and somebody is at it."""
    return await fetch_one(conn, Revocation, _SQL["mark"], _whose(user))


async def left_of_all_users(conn: Connection, seconds: float) -> list[UserId]:
    """Those who are marked, and nobody has gone on with them for so long."""
    return [row.user_id for row in await fetch_all(conn, _Left, _SQL["left_of_all_users"], {"seconds": seconds})]


async def take_up(conn: Connection, user: UserId, seconds: float) -> bool:
    """It is ours now. False: somebody has gone on within so many seconds, or it is done."""
    return await execute(conn, _SQL["take_up"], _whose(user) | {"seconds": seconds}) > 0


async def is_marked(conn: Connection, user: UserId) -> bool:
    return await fetch_one(conn, _Left, _SQL["marked"], _whose(user)) is not None


async def go_on(conn: Connection, user: UserId) -> bool:
    """Somebody is at it. False: it is done."""
    return await execute(conn, _SQL["go_on"], _whose(user)) > 0


async def turns(conn: Connection, user: UserId) -> list[Turn]:
    """Whoever writes them finds no row. Their texts stay as they are stored."""
    return await fetch_all(conn, Turn, _SQL["erase_turns"], _whose(user))


async def messages(conn: Connection, user: UserId) -> bool:
    """Some. False: there were none left."""
    return await execute(conn, _SQL["erase_messages"], _whose(user) | {"limit": AT_ONCE}) > 0


async def sessions(conn: Connection, user: UserId) -> bool:
    """Some. False: there were none left."""
    return await execute(conn, _SQL["erase_sessions"], _whose(user) | {"limit": AT_ONCE}) > 0


async def finish(conn: Connection, user: UserId, ahead: float) -> None:
    """The last of it, and the mark is taken away: one transaction. Tokens of the next seconds are refused, too."""
    async with conn.transaction():
        await execute(conn, _SQL["erase_user"], _whose(user))
        await execute(conn, _SQL["done"], _whose(user) | {"ahead": ahead})


def _whose(user: UserId) -> dict[str, object]:
    return {"user": user, "subject": subject(user)}
