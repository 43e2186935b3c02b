"""What no room can know that it has missed: its user's last number, and the last pieces of a reply. So it is asked.

Every four seconds, every second while the others are not heard or the database was in trouble: a statement for
thousands of rooms each. What it finds is repaired as any gap is.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

import structlog

from protocol.events import Trouble
from protocol.ids import SessionId, UserId
from server.errors import Refusal
from server.fanout.broker import Broker
from server.fanout.hub import READ_WITHIN, Hub
from server.store import turns, users
from server.store.pool import Database
from server.store.turns import Turn
from server.store.users import UserHead
from server.tasks import Tasks

EVERY = 4.0
"""With what is spread, a frame that was lost last is made up for within five seconds."""
EVERY_IN_TROUBLE = 1.0
TROUBLE_LASTS = 10.0
"""Seconds after the last failure of the database for which it is told, and looked at often."""
SPREAD = 0.2
AT_ONCE = 5_000

T = TypeVar("T")

log = structlog.get_logger()


class Watch:
    """`run` goes on for ever; `hurry` has it look at once."""

    def __init__(self, hub: Hub, broker: Broker, tasks: Tasks, database: Database) -> None:
        self._hub = hub
        self._broker = broker
        self._tasks = tasks
        self._database = database
        self._due = asyncio.Event()

    def hurry(self) -> None:
        """Anything may have been missed."""
        self._hub.say_degraded(self._degraded())
        self._due.set()

    async def run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._due.wait()
            self._due.clear()
            try:
                await self._look_at_heads()
                await self._look_at_replies()
            except (Refusal, TimeoutError):
                pass
            except Exception:  # whatever it is, the next look must come
                log.exception("look_failed")
            self._hub.say_degraded(self._degraded())

    def _pause(self) -> float:
        in_trouble = not self._broker.well or self._database.failed_within(TROUBLE_LASTS)
        return (EVERY_IN_TROUBLE if in_trouble else EVERY) * random.uniform(1 - SPREAD, 1 + SPREAD)

    def _degraded(self) -> list[Trouble]:
        what: list[Trouble] = [] if self._broker.well else ["live"]
        no_storage = self._database.away or self._database.full_within(TROUBLE_LASTS)
        return [*what, "storage"] if no_storage else what

    async def _look_at_heads(self) -> None:
        known = [room.user for room in self._hub.rooms if room.head is not None]
        for part in _parts(known):
            for head in await self._tasks.within(READ_WITHIN, self._heads(part), "heads"):
                self._hub.know(head.user_id, head.seq, head.epoch)

    async def _look_at_replies(self) -> None:
        shown = [(room.user, session) for room in self._hub.rooms for session in room.shown]
        for part in _parts(shown):
            for turn in await self._tasks.within(READ_WITHIN, self._open_turns(part), "open replies"):
                if turn.saved is not None:
                    self._hub.fill(turn.user_id, turn.session_id, turn.saved)

    async def _heads(self, of: list[UserId]) -> list[UserHead]:
        async with self._database.reserved() as conn:
            return await users.heads_of_users(conn, of)

    async def _open_turns(self, of: list[tuple[UserId, SessionId]]) -> list[Turn]:
        async with self._database.reserved() as conn:
            return await turns.open_in_sessions_of_users(conn, of)


def _parts(of: Sequence[T]) -> Iterator[list[T]]:
    return (list(of[begin : begin + AT_ONCE]) for begin in range(0, len(of), AT_ONCE))
