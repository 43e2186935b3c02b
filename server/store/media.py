"""The rows of media: what is known of files whose bytes lie in a depot. They have no number, and no device is told.

What makes room or takes it is done under the lock of the user's row, so that two at once do not take the same room, and
nothing is thrown away that a message is about to name.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, structs

from protocol.answers import MediaPage
from protocol.ids import MediaId, UserId
from protocol.model import Media
from server import cursors
from server.cursors import Place
from server.errors import NotFound
from server.sealing import Unsealed
from server.store.keys import key_of
from server.store.pool import Connection, execute, fetch_all, fetch_one
from server.store.users import Change
from sql import load

_SQL = load("media")

FIRST = UUID(int=0)


class Row(Struct, frozen=True, kw_only=True):
    """A file. Without a thumbnail and a view it is a sound."""

    id: MediaId
    state: Literal["pending", "ready"]
    type: str
    size: int
    thumbnail_size: int | None
    view_size: int | None
    width: int | None
    height: int | None
    seconds: float | None
    sha256: bytes
    body_hash: bytes
    sealed: bool
    created_at: datetime

    @property
    def url(self) -> str:
        return f"/api/media/{self.id}"

    @property
    def sense(self) -> str:
        """Whether it is an image or an audio."""
        return self.type.partition("/")[0]

    def told(self) -> Media:
        return Media(
            id=self.id,
            url=self.url,
            thumbnail_url=f"{self.url}/thumbnail" if self.thumbnail_size else None,
            type=self.type,
            bytes=self.size,
            width=self.width,
            height=self.height,
            seconds=self.seconds,
            created_at=self.created_at,
        )


class Fresh(Struct, frozen=True, kw_only=True):
    """A file that is to be kept."""

    type: str
    size: int
    thumbnail_size: int | None = None
    view_size: int | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    sha256: bytes
    body_hash: bytes

    @property
    def whole(self) -> int:
        """What all of it takes."""
        return self.size + (self.thumbnail_size or 0) + (self.view_size or 0)


class Used(Struct, frozen=True):
    """What a user's files take."""

    files: int
    size: int


class Candidate(Struct, frozen=True):
    """A file of some user's, and whether it is an orphan."""

    user_id: UserId
    id: MediaId
    orphan: bool


async def media(conn: Connection, user: UserId, id: MediaId) -> Row | None:
    """The row, also while its bytes are on their way."""
    return await fetch_one(conn, Row, _SQL["media"], {"user": user, "media": id})


async def existing(conn: Connection, user: UserId, id: MediaId) -> Row:
    """A file whose bytes are there. Raises NotFound."""
    row = await media(conn, user, id)
    if row is None or row.state != "ready":
        raise NotFound
    return row


async def key_to(conn: Connection, user: UserId, row: Row) -> Unsealed:
    """What opens its bytes. Raises SealedWithMissingKey."""
    return await key_of(conn, user) if row.sealed else Unsealed()


async def used(conn: Connection, user: UserId) -> Used:
    found = await fetch_one(conn, Used, _SQL["used"], {"user": user})
    assert found is not None, "it counts"
    return found


async def insert(change: Change, id: MediaId, fresh: Fresh) -> Row:
    """Its bytes are yet to come."""
    parameters = {"user": change.user, "media": id, "sealed": change.key.overhead > 0} | structs.asdict(fresh)
    row = await fetch_one(change.conn, Row, _SQL["insert_media"], parameters)
    assert row is not None, "it was inserted"
    return row


async def make_ready(conn: Connection, user: UserId, id: MediaId, fresh: Fresh) -> Row | None:
    """Its bytes are there, and they are these: another version may have begun with others. None: the row is not."""
    parameters = {"user": user, "media": id} | structs.asdict(fresh)
    return await fetch_one(conn, Row, _SQL["make_ready"], parameters)


async def page(conn: Connection, user: UserId, place: Place, limit: int) -> MediaPage:
    """Files after a place, the latest first."""
    before_time, before_id = place
    parameters = {"user": user, "before_time": before_time, "before_id": before_id, "limit": limit + 1}
    rows = await fetch_all(conn, Row, _SQL["page"], parameters)
    shown = rows[:limit]
    more = cursors.after_media(shown[-1].told()) if len(rows) > limit else None
    return MediaPage(media=[row.told() for row in shown], cursor=more)


async def delete(conn: Connection, user: UserId, id: MediaId) -> None:
    await execute(conn, _SQL["delete_media"], {"user": user, "media": id})


async def delete_pending(conn: Connection, user: UserId, row: Row) -> bool:
    """False: its bytes have come, or it is another by now."""
    parameters = {"user": user, "media": row.id, "body_hash": row.body_hash}
    return await execute(conn, _SQL["delete_pending"], parameters) == 1


async def delete_all(conn: Connection, user: UserId) -> None:
    await execute(conn, _SQL["delete_all"], {"user": user})


async def delete_orphan(conn: Connection, user: UserId, id: MediaId, *, age: float, pending_age: float) -> bool:
    """Under the user's lock. False: it is none any more. Ages are in seconds."""
    parameters = {"user": user, "media": id, "age": age, "pending_age": pending_age}
    return await execute(conn, _SQL["delete_orphan"], parameters) == 1


async def candidates_of_all_users(
    conn: Connection, after: Candidate | None, limit: int, *, age: float, pending_age: float
) -> list[Candidate]:
    """Some files of all users, in the order of their keys."""
    parameters = {
        "after_user": after.user_id if after else "",
        "after_media": after.id if after else FIRST,
        "limit": limit,
        "age": age,
        "pending_age": pending_age,
    }
    return await fetch_all(conn, Candidate, _SQL["candidates_of_all_users"], parameters)


async def known_of_all_users(conn: Connection, ids: list[UUID]) -> list[Candidate]:
    """The files, of any user, that have one of these ids."""
    return await fetch_all(conn, Candidate, _SQL["known_of_all_users"], {"ids": ids})
