"""The rows of tokens that are good no more. A user stands there as a hash, so that a row may outlive the user."""

from functools import lru_cache
from hashlib import sha256

from msgspec import Struct

from protocol.ids import UserId
from server.identity import Identity
from server.store.pool import Connection, execute, fetch_all, fetch_one
from sql import load

_SQL = load("revocations")

EVERY_TOKEN = ""
SUBJECTS = 20_000
"""Whose hashes are remembered: every look for revocations needs those of all rooms."""


class Revocation(Struct, frozen=True):
    """One token of somebody, or, where `token_id` is EVERY_TOKEN, all that were issued until then (unix seconds).

    `erasing`: the user is being erased, and until that is done no token is good.
    """

    subject: bytes
    token_id: str
    revoked_at: float
    erasing: bool

    def takes(self, identity: Identity, device: str | None) -> bool:
        """Whether the token of this identity is meant, on this device if it is known which it is.

        A token that does not say when it was issued may be old.
        """
        if self.token_id in (EVERY_TOKEN, None if device is None else of_device(device)):
            return self.erasing or identity.issued_at is None or identity.issued_at <= self.revoked_at
        return identity.token_id == self.token_id


def of_device(device: str) -> str:
    """In the place of a token's id: all tokens by which this device is let in. No token has such an id."""
    return f"\1{device}"


@lru_cache(SUBJECTS)
def subject(user: UserId) -> bytes:
    return sha256(user.encode()).digest()


async def revoke(conn: Connection, user: UserId, token_id: str, expires_at: float | None) -> Revocation:
    """`expires_at`: when the token is no longer good anyway."""
    parameters = {"subject": subject(user), "token": token_id, "expires_at": expires_at}
    made = await fetch_one(conn, Revocation, _SQL["revoke"], parameters)
    assert made is not None, "an insert returns its row"
    return made


async def forget_expired_of_all_users(conn: Connection) -> None:
    """Tokens that are no longer good anyway need not be known."""
    await execute(conn, _SQL["forget_expired_of_all_users"], {})


async def of_users(conn: Connection, subjects: list[bytes]) -> list[Revocation]:
    return await fetch_all(conn, Revocation, _SQL["revoked_of_users"], {"subjects": subjects})


async def lately_of_all_users(conn: Connection, seconds: float) -> list[Revocation]:
    """Those of the last seconds, of any user."""
    return await fetch_all(conn, Revocation, _SQL["revoked_lately_of_all_users"], {"seconds": seconds})
