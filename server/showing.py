"""What a tutor that sees is shown: the last few pictures that the learner has sent, made smaller.

A picture that cannot be had in time is left out: then the tutor is told in words that there is one.
"""

import asyncio
from contextlib import suppress

import structlog
from msgspec import structs

from protocol.ids import MediaId, UserId
from protocol.model import media_id
from server.depot.depot import Depot, Lost
from server.depot.keeping import Parcel, kept
from server.depot.names import name_of
from server.errors import Refusal
from server.inspection.orders import VIEW_TYPE
from server.lesson import Lesson, Picture, Utterance
from server.store import media
from server.store.pool import Database

AT_MOST = 3
WITHIN = 5.0
"""Seconds for all of them."""

log = structlog.get_logger()


class Showing:
    """To a tutor that `sees`; any other is shown nothing."""

    def __init__(self, database: Database, depot: Depot, *, sees: bool) -> None:
        self._database = database
        self._depot = depot
        self._sees = sees

    async def shown(self, user: UserId, lesson: Lesson) -> Lesson:
        """The lesson with its pictures."""
        if not self._sees:
            return lesson
        history = list(lesson.history)
        places = [place for place, said in enumerate(history) if said.image_url is not None][-AT_MOST:]
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                for place in reversed(places):
                    history[place] = await self._with_picture(user, history[place])
        return structs.replace(lesson, history=history)

    async def _with_picture(self, user: UserId, said: Utterance) -> Utterance:
        try:
            data = await self._read(user, media_id(said.image_url or ""))
        except (Lost, Refusal) as error:
            log.info("picture_not_shown", error=type(error).__name__)
            return said
        return structs.replace(said, pictures=(Picture(VIEW_TYPE, data),))

    async def _read(self, user: UserId, id: MediaId) -> bytes:
        """Raises NotFound, Lost."""
        async with self._database.connection() as conn:
            row = await media.existing(conn, user, id)
            key = await media.key_to(conn, user, row)
        size = row.view_size or 0
        view = Parcel(name_of(user, id, "view"), size, key)
        return b"".join([piece async for piece in kept(self._depot, view, 0, size)])
