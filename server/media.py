"""What can be done with pictures and sounds: keep one, read it, delete it, have it heard, and let a message name it.

A file comes in whole, is looked at, and is written down before its bytes are put where they stay: whatever dies in
between, no bytes are there that nobody knows of, and what was not finished is collected (orphans.py).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import TypeVar

from protocol import model
from protocol.answers import MediaPage, Transcript
from protocol.ids import MediaId, UserId
from protocol.model import Metadata
from server import cursors
from server.depot import incoming, keeping
from server.depot.depot import Lost
from server.depot.incoming import Received
from server.depot.keeping import Parcel
from server.depot.names import Form, name_of, names_of, owner_of
from server.errors import (
    IdempotencyConflict,
    Invalid,
    NotFound,
    NotOffered,
    ProviderFailed,
    QuotaExceeded,
    Unavailable,
)
from server.identity import Identity
from server.inspection.inspection import Looked
from server.inspection.orders import KEPT, THUMBNAIL, VIEW, Picture
from server.instance import Instance
from server.sealing import Unsealed
from server.store import media
from server.store.media import Fresh, Row
from server.store.pool import Connection
from server.store.users import numbered
from server.tutor.tutor import TutorFailed

TOKENS_OF_A_SECOND = 50
"""Of sound, about what providers count for it."""

T = TypeVar("T")


async def add(instance: Instance, caller: Identity, id: MediaId, pieces: AsyncIterable[bytes]) -> model.Media:
    """Keep a file under an id of the caller's making. The same file again is answered the same.

    Raises NotOffered, TooLarge, UnsupportedMediaType, ImageTooLarge, AudioTooLong, QuotaExceeded, IdempotencyConflict,
    RateLimited, SignedOut.
    """
    files, user = instance.files, caller.user
    files.inspection.check()
    await instance.limits.upload(user)
    await instance.tasks.soon(_check_room(instance, user), "media")
    async with files.incoming.place(user) as folder:
        allowed = _while_in_standing(instance, caller, pieces)
        came = await incoming.receive(allowed, folder / "source", instance.settings.media.file_bytes)
        earlier = await instance.tasks.soon(_earlier(instance, user, id, came), "media")
        if earlier is not None and earlier.state == "ready":
            return earlier.told()
        looked = await files.inspection.look(came.path, folder)
        fresh = await asyncio.to_thread(_fresh, looked, came, folder)
        await instance.standing.check(caller)  # it was looked at for a while
        row, key = await instance.tasks.soon(_reserve(instance, user, id, fresh), "media")
        return await _put(instance, user, row, fresh, folder, key=key)


async def _while_in_standing(
    instance: Instance, caller: Identity, pieces: AsyncIterable[bytes]
) -> AsyncGenerator[bytes]:
    """The pieces, as long as who sends them is not signed out or erased: it may take minutes."""
    async for piece in pieces:
        await instance.standing.check(caller)  # held in memory, so this asks nobody
        yield piece


async def one(instance: Instance, user: UserId, id: MediaId) -> tuple[Row, Unsealed]:
    """A file, and what opens its bytes. Raises NotFound, SealedWithMissingKey."""
    async with instance.database.connection() as conn:
        row = await media.existing(conn, user, id)
        return row, await media.key_to(conn, user, row)


async def page(instance: Instance, user: UserId, before: str | None, limit: int) -> MediaPage:
    """Files after a cursor, the latest first."""
    place = cursors.place(before)
    async with instance.database.connection() as conn:
        return await media.page(conn, user, place, limit)


def read(instance: Instance, parcel: Parcel, begin: int, end: int) -> AsyncGenerator[bytes]:
    """The bytes begin … end - 1 of a parcel. Raises Lost."""
    return keeping.kept(instance.files.depot, parcel, begin, end)


async def delete(instance: Instance, user: UserId, id: MediaId) -> model.Media:
    """For good. Messages that name it stay. Raises NotFound."""
    async with numbered(instance.database, user) as change:
        row = await media.existing(change.conn, user, id)
        await media.delete(change.conn, user, id)
    await remove_bytes(instance, user, id)
    return row.told()


async def lie_here(instance: Instance, user: UserId) -> bool:
    """Whether the bytes of a user's latest file are where this instance looks for them; true of who has none."""
    latest = (await page(instance, user, None, 1)).media
    if not latest:
        return True
    row, key = await one(instance, user, latest[0].id)
    try:
        async for _ in read(instance, Parcel(name_of(user, row.id), row.size, key), 0, 1):
            return True
    except Lost:
        pass
    return False


async def erase(instance: Instance, user: UserId) -> None:
    """Everything of a user, rows and bytes. Done again it is the same."""
    async with instance.database.connection() as conn:
        await media.delete_all(conn, user)
    await instance.files.depot.remove_all(owner_of(user))


async def remove_bytes(instance: Instance, user: UserId, id: MediaId) -> None:
    """Of a file that has no row. What cannot be removed now is found later, as bytes that nobody knows."""
    with suppress(Unavailable):
        for name in names_of(user, id):
            await instance.files.depot.remove(name)


async def check(conn: Connection, user: UserId, metadata: Metadata | None) -> None:
    """What a message names must be the user's own, there, and of the right kind. Raises Invalid.

    To be asked under the user's lock, so that it is not collected before the message is there.
    """
    if metadata is None:
        return
    for field, url, sense in (
        ("metadata.imageUrl", metadata.image_url, "image"),
        ("metadata.audioUrl", metadata.audio_url, "audio"),
    ):
        if url is not None:
            row = await media.media(conn, user, model.media_id(url))
            if row is None or row.state != "ready" or row.sense != sense:
                raise Invalid.field(field, "unknown_media", f"names no {sense} of yours")


async def transcribe(instance: Instance, user: UserId, row: Row, key: Unsealed) -> Transcript:
    """What is said in a recording. Raises NotFound, Invalid, NotOffered, ProviderFailed, RateLimited."""
    if row.sense != "audio":
        raise Invalid.field("id", "unknown_media", "names no recording")
    scribe = instance.files.scribe
    if scribe is None:
        raise NotOffered("This hub has nobody who listens to recordings: see TUTORHUB_OPENAI_TRANSCRIPTION_MODEL.")
    await instance.limits.ask_tutor(user)
    instance.limits.spend(user, int((row.seconds or 0.0) * TOKENS_OF_A_SECOND))
    try:
        said = read(instance, Parcel(name_of(user, row.id), row.size, key), 0, row.size)
        return await scribe.transcribe(row.type, row.size, said)
    except Lost:
        raise NotFound from None
    except TutorFailed as failure:
        raise ProviderFailed from failure


# Keeping a file, step by step.


async def _check_room(instance: Instance, user: UserId) -> None:
    """Before a byte is read: whoever has no room at all need not send."""
    async with instance.database.connection() as conn:
        await _check_room_for(instance, conn, user, 1)


async def _check_room_for(instance: Instance, conn: Connection, user: UserId, size: int) -> None:
    used, limits = await media.used(conn, user), instance.settings.media
    if used.size + size > limits.user_bytes or used.files >= limits.user_files:
        raise QuotaExceeded


async def _earlier(instance: Instance, user: UserId, id: MediaId, came: Received) -> Row | None:
    """What is there under this id. Raises IdempotencyConflict if that is another file."""
    async with instance.database.connection() as conn:
        return _same(await media.media(conn, user, id), came.hash)


def _same(row: Row | None, body_hash: bytes) -> Row | None:
    if row is not None and row.body_hash != body_hash:
        raise IdempotencyConflict
    return row


def _fresh(looked: Looked, came: Received, folder: Path) -> Fresh:
    found = looked.found
    if not isinstance(found, Picture):
        return Fresh(type=looked.type, size=came.size, seconds=found.seconds, sha256=came.hash, body_hash=came.hash)
    kept, thumbnail, view = (folder / name for name in (KEPT, THUMBNAIL, VIEW))
    with kept.open("rb") as file:
        digest = file_digest(file, "sha256").digest()
    return Fresh(
        type=looked.type,
        size=kept.stat().st_size,
        thumbnail_size=thumbnail.stat().st_size,
        view_size=view.stat().st_size,
        width=found.width,
        height=found.height,
        sha256=digest,
        body_hash=came.hash,
    )


async def _reserve(instance: Instance, user: UserId, id: MediaId, fresh: Fresh) -> tuple[Row, Unsealed]:
    """Write it down as on its way, if there is room; under the lock, as two at once must not take the same room."""
    async with numbered(instance.database, user) as change:
        earlier = _same(await media.media(change.conn, user, id), fresh.body_hash)
        if earlier is not None:
            return earlier, await media.key_to(change.conn, user, earlier)
        await _check_room_for(instance, change.conn, user, fresh.whole)
        return await media.insert(change, id, fresh), change.key


async def _put(instance: Instance, user: UserId, row: Row, fresh: Fresh, folder: Path, *, key: Unsealed) -> model.Media:
    """Its bytes, the file itself last, and then the word that they are there."""
    try:
        for form, file in _files(row, folder):
            parcel = Parcel(name_of(user, row.id, form), file.stat().st_size, key)
            await keeping.keep(instance.files.depot, parcel, file)
        ready = await instance.tasks.soon(_make_ready(instance, user, row, fresh), "media")
    except Unavailable:
        with suppress(Unavailable):
            await instance.tasks.soon(_give_up(instance, user, row), "media")
        raise
    if ready is None:
        await remove_bytes(instance, user, row.id)
        raise Unavailable(retry_after_ms=1_000)
    return ready.told()


def _files(row: Row, folder: Path) -> list[tuple[Form, Path]]:
    if row.sense == "audio":
        return [("", folder / "source")]
    return [("thumbnail", folder / THUMBNAIL), ("view", folder / VIEW), ("", folder / KEPT)]


async def _make_ready(instance: Instance, user: UserId, row: Row, fresh: Fresh) -> Row | None:
    async with instance.database.connection() as conn:
        return await media.make_ready(conn, user, row.id, fresh)


async def _give_up(instance: Instance, user: UserId, row: Row) -> None:
    """Its room is free again at once. What does not work here is done when orphans are collected."""
    async with instance.database.connection() as conn:
        gone = await media.delete_pending(conn, user, row)
    if gone:
        await remove_bytes(instance, user, row.id)
