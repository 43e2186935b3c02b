"""All replies that an instance writes are kept together: their leases renewed and their texts saved, every second, in
one statement. Much new text, or a bell, has one kept sooner.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import structlog

from protocol.ids import MessageId, UserId
from server.attempt import Attempt
from server.errors import Unavailable
from server.settings import TurnSettings
from server.store import turns
from server.store.pool import Database
from server.store.turns import Turn, Written
from server.tasks import Tasks

TOGETHER = 200
"""Replies in one statement."""
HURRY = 0.02
"""Seconds in which those gather that are to be kept sooner."""

log = structlog.get_logger()


class Keeper:
    """Of these attempts. `run` goes on for ever."""

    def __init__(
        self,
        database: Database,
        tasks: Tasks,
        settings: TurnSettings,
        attempts: Mapping[tuple[UserId, MessageId], Attempt],
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._settings = settings
        self._attempts = attempts
        self._loop = asyncio.get_running_loop()
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """One of them is not to wait for the second to pass."""
        self._hurried.set()

    async def run(self) -> None:
        """An owner that could not renew tries again soon: its lease goes on running."""
        next_time = self._loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(next_time):
                    await self._hurried.wait()
                    await asyncio.sleep(HURRY)
            self._hurried.clear()
            now = self._loop.time()
            every = now >= next_time
            try:
                await self._keep_those([each for each in self._attempts.values() if each.is_to_be_kept(every=every)])
            except Unavailable:
                next_time = self._loop.time() + self._settings.keep_every / 4
            except Exception:  # whatever it is, the other leases are to be renewed
                log.exception("keeping_failed")
                next_time = self._loop.time() + self._settings.keep_every / 4
            else:
                next_time = now + self._settings.keep_every if every else next_time

    async def keep(self, turn: Turn) -> bool | None:
        """One alone: whether to stop; None when the turn is no longer ours. Raises Unavailable."""
        return await self._tasks.soon(self._keep(turn), "a turn")

    async def _keep_those(self, attempts: Sequence[Attempt]) -> None:
        for some in _parts(attempts):
            asked_at = self._loop.time()
            try:
                kept = await self._tasks.soon(
                    self._keep_many([Written(each.to_keep(), each.saved) for each in some]), "turns"
                )
            except Unavailable:
                raise
            except Exception:  # one that cannot be kept must not keep the others from it
                log.exception("keep_failed")
                kept = dict[int, bool]()
            for place, attempt in enumerate(some):
                if place in kept:
                    attempt.kept(asked_at, stop=kept[place])
                else:
                    self._tasks.start(self._keep_alone(attempt), "a turn")

    async def _keep_alone(self, attempt: Attempt) -> None:
        asked_at = self._loop.time()
        with suppress(Unavailable):
            attempt.kept(asked_at, stop=await self.keep(attempt.to_keep()))

    async def _keep(self, turn: Turn) -> bool | None:
        async with self._database.reserved() as conn:
            return await turns.keep(conn, turn, lease=self._settings.lease)

    async def _keep_many(self, written: Sequence[Written]) -> dict[int, bool]:
        async with self._database.reserved() as conn:
            return await turns.keep_of_users(conn, written, lease=self._settings.lease)


def _parts(attempts: Sequence[Attempt]) -> Iterator[Sequence[Attempt]]:
    return (attempts[begin : begin + TOGETHER] for begin in range(0, len(attempts), TOGETHER))
