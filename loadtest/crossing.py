"""Whether what is told on one instance is heard on the others, all the time: people who type here and are read there.

Nothing keeps what is only typed, and nothing repairs it: it is heard live or never. Each person has a channel of their
own, so that together they are on every server that carries channels.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from msgspec import Struct

from client.device import connect
from loadtest.history import now
from loadtest.tokens import token
from loadtest.world import World
from protocol.events import TypingChanged
from protocol.ids import fresh_device_id
from protocol.model import Device as Who

PEOPLE = 36
EVERY = 2.2
"""Seconds between two times that one of them types: as often as a hub passes it on."""
HEARD_WITHIN = 1.0
"""Seconds; what comes later is not live."""


class Typed(Struct, frozen=True):
    """By somebody, at this time."""

    at: float
    heard: bool


class Crossing:
    """Made by `crossing`: what was typed so far."""

    def __init__(self) -> None:
        self.typed: list[Typed] = []

    def deaf_for(self, began: float, ended: float) -> float:
        """Seconds from the one moment to the last time before the other that somebody typed and was not heard."""
        return max([each.at - began for each in self.typed if began <= each.at < ended and not each.heard], default=0.0)

    async def watch(self, it: World, number: int) -> None:
        """One person, for ever: types on one instance and listens on the next."""
        here, there = (it.instances[(number + step) % len(it.instances)].url for step in range(2))
        shown = token(it.secret, f"typist-{number}")
        async with connect(here, shown, _device()) as typing, connect(there, shown, _device()) as reading:
            session = (await typing.create_session()).id
            await typing.open(session)
            await reading.in_step()
            happenings = reading.events()
            await asyncio.sleep(EVERY * number / PEOPLE)
            while True:
                if typing.is_in_step and reading.is_in_step:
                    happenings.heard()  # what came too late
                    at = now()
                    typing.typing(session, active=True)
                    await asyncio.sleep(HEARD_WITHIN)
                    heard = any(isinstance(each, TypingChanged) for each in happenings.heard())
                    self.typed.append(Typed(at, heard))
                await asyncio.sleep(EVERY - HEARD_WITHIN)


@asynccontextmanager
async def crossing(it: World) -> AsyncGenerator[Crossing]:
    """Watched while the block runs."""
    made = Crossing()
    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(made.watch(it, number)) for number in range(PEOPLE)]
        yield made
        for each in watching:
            each.cancel()


def _device() -> Who:
    return Who(id=fresh_device_id(), name="typist")
