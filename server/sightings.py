"""Which devices are there, for the list that a user sees of them: written together, so that a rush costs one statement.

It is no presence: who is listed was there when it says so, and may be there still.
"""

import asyncio

from protocol.ids import UserId
from server.errors import Refusal
from server.store import devices
from server.store.devices import Sighting
from server.store.pool import Database
from server.tasks import Tasks

WRITTEN_EVERY = 2.0
AT_ONCE = 1_000
WITHIN = 2.0


class Sightings:
    """Who was `saw` is written within a few seconds; while the database is away, later, or not at all."""

    def __init__(self, database: Database, tasks: Tasks) -> None:
        self._database = database
        self._tasks = tasks
        self._seen: dict[tuple[UserId, str], Sighting] = {}

    def saw(self, sighting: Sighting) -> None:
        self._seen[sighting.identity.user, sighting.device.id] = sighting

    async def run(self) -> None:
        """For ever: write who was seen."""
        while True:
            await asyncio.sleep(WRITTEN_EVERY)
            while self._seen:
                keys = list(self._seen)[:AT_ONCE]
                batch = [self._seen.pop(key) for key in keys]
                try:
                    await self._tasks.within(WITHIN, self._write(batch), "devices seen")
                except (Refusal, TimeoutError):
                    break

    async def _write(self, batch: list[Sighting]) -> None:
        async with self._database.reserved() as conn:
            await devices.see_of_users(conn, batch)
