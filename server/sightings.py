"""Which devices are there, for the list that a user sees of them: written together, so that a rush costs one statement.

It is no presence: who is listed was there when it says so, and may be there still.
"""

import asyncio

import structlog

from protocol.ids import UserId
from server.errors import Refusal
from server.store import devices
from server.store.devices import Sighting
from server.store.pool import Database
from server.tasks import Tasks

WRITTEN_EVERY = 2.0
AT_ONCE = 1_000
MOST = 100_000
"""Devices that wait to be written while the database is away; more are not listed until they come again."""

log = structlog.get_logger()


class Sightings:
    """Who was `saw` is written within a few seconds; while the database is away, later, or not at all."""

    def __init__(self, database: Database, tasks: Tasks) -> None:
        self._database = database
        self._tasks = tasks
        self._seen: dict[tuple[UserId, str], Sighting] = {}

    def saw(self, sighting: Sighting) -> None:
        if len(self._seen) < MOST:
            self._seen[sighting.identity.user, sighting.device.id] = sighting

    async def run(self) -> None:
        """For ever: write who was seen."""
        while True:
            await asyncio.sleep(WRITTEN_EVERY)
            try:
                await self.write()
            except Refusal:
                pass
            except Exception:  # whatever it is, the next ones must be written
                log.exception("devices_not_written")

    async def write(self) -> None:
        """Who was seen until now. Raises Refusal; those are seen when they come again."""
        while self._seen:
            batch = [self._seen.pop(key) for key in list(self._seen)[:AT_ONCE]]
            await self._tasks.soon(self._write(batch), "devices seen")

    async def _write(self, batch: list[Sighting]) -> None:
        async with self._database.reserved() as conn:
            await devices.see_of_users(conn, batch)
