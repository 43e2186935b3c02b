"""Page cursors: opaque to clients, a place in an order to us. No offsets: a page stays right while rows move."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec

from protocol.model import Media, Session
from server.errors import Invalid

T = TypeVar("T")

Place = tuple[datetime, UUID]
"""A place in a list of sessions, or of files: when it was last changed, or made, and its id."""

TOP: Place = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
"""Before everything."""
END = 2**31 - 1
"""After every position."""

_place = msgspec.json.Decoder(tuple[Annotated[datetime, msgspec.Meta(tz=True)], UUID])
_position = msgspec.json.Decoder(int)
_found = msgspec.json.Decoder(tuple[Annotated[datetime, msgspec.Meta(tz=True)], UUID, bool])


def after_session(session: Session) -> str:
    return _opaque((session.updated_at, session.id))


def after_media(media: Media) -> str:
    return _opaque((media.created_at, media.id))


def after_found(rank: datetime, session: UUID, *, similar: bool) -> str:
    """Of a search for the very words, or for similar ones."""
    return _opaque((rank, session, similar))


def at_position(position: int) -> str:
    return _opaque(position)


def place(cursor: str | None) -> Place:
    """The place that a cursor of `after_session` or `after_media` names; the top for none. Raises Invalid."""
    return TOP if cursor is None else _read(_place, cursor, "before")


def found(cursor: str | None) -> tuple[Place, bool | None]:
    """The place that a cursor of `after_found` names, and whether it is among similar words. Raises Invalid."""
    if cursor is None:
        return TOP, None
    rank, session, similar = _read(_found, cursor, "before")
    return (rank, session), similar


def position(cursor: str | None, field: str, default: int) -> int:
    """The position that a cursor of `at_position` names. Raises Invalid."""
    found = default if cursor is None else _read(_position, cursor, field)
    if not 0 <= found <= END:
        raise Invalid.field(field, "cursor", "is not a cursor that was given")
    return found


def _opaque(value: object) -> str:
    return urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def _read(decoder: msgspec.json.Decoder[T], cursor: str, field: str) -> T:
    try:
        return decoder.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, msgspec.MsgspecError) as error:
        raise Invalid.field(field, "cursor", "is not a cursor that was given") from error
