"""Who is calling, as a token has said that was found good."""

from msgspec import Struct

from protocol.ids import UserId

LEEWAY = 30.0
"""Seconds by which the clock of whoever made a token may be ahead of ours."""


class Identity(Struct, frozen=True):
    """Who is calling, and until when (unix seconds) they may be believed.

    `token_id` and `issued_at` are None where the token does not say.
    """

    user: UserId
    expires_at: float
    token_id: str | None = None
    issued_at: float | None = None
