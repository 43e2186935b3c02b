"""Under which name the bytes of a user's file lie. Nothing in it was chosen by anybody, but for the id, a UUID."""

from hashlib import sha256
from typing import Literal

from protocol.ids import MediaId, UserId

Form = Literal["", "thumbnail", "view"]
"""The file itself, a small picture of it, and what a tutor is shown of it."""

FORMS: tuple[Form, ...] = ("thumbnail", "view", "")


def name_of(user: UserId, id: MediaId, form: Form = "") -> str:
    return f"{owner_of(user)}/{id}{'.' if form else ''}{form}"


def names_of(user: UserId, id: MediaId) -> list[str]:
    """All that may lie there of a file."""
    return [name_of(user, id, form) for form in FORMS]


def owner_of(user: UserId) -> str:
    """A user may be called `../..`."""
    return sha256(user.encode()).hexdigest()
