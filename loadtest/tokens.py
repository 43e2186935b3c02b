"""Tokens, signed as the instances of a world expect."""

import time

import jwt

LIVES = 86_400
"""Seconds that a token is good for."""


def token(secret: str, user: str) -> str:
    """Whoever shows it is this user."""
    now = int(time.time())
    return jwt.encode({"sub": user, "iat": now, "exp": now + LIVES}, secret, algorithm="HS256")
