"""What sealing costs: learners send as fast as they are answered, to a hub without keys and to one with, in turns."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import accumulate
from random import Random
from statistics import median
from string import ascii_lowercase

import client.device
from client.device import connect
from loadtest.instance import Instance
from loadtest.measured import Figure
from loadtest.scenarios.scenario import Say
from loadtest.tokens import token
from loadtest.world import World, instance_of
from protocol.ids import SessionId
from protocol.model import Device

ROUNDS = 12
"""Of each, one after the other, so that whatever else this machine does is borne by both."""
LASTS = 4.0
"""Seconds of a round."""
SLOWER_BY = 15.0
"""Percent."""
WORDS_SAID = (5, 60)
DIFFERENT = 3_000
LETTERS = (3, 17, 21, 16, 11, 9, 8, 6, 4, 3, 2)
"""How many of a hundred words of English prose have one letter, two, three …"""
OTHER = "sealed"


class Learner:
    """Sends one message after the other."""

    def __init__(self, device: client.device.Device, session: SessionId, chance: Random) -> None:
        self._device = device
        self._session = session
        self._chance = chance

    async def sends_until(self, end: float) -> int:
        """How many were acknowledged by this moment of the loop's clock."""
        loop, sent = asyncio.get_running_loop(), 0
        while loop.time() < end:
            await self._device.send(self._session, self._question())
            sent += loop.time() < end
        return sent

    def _question(self) -> str:
        many = self._chance.randint(*WORDS_SAID)
        return " ".join(self._chance.choices(VOCABULARY, cum_weights=OFTEN, k=many))


async def sealed_and_not(it: World, sockets: int, say: Say) -> list[Figure]:
    """Sends a second, with and without, and by how much they differ in the median of all rounds."""
    plain = it.instances[0]
    async with _sealing(it) as sealed, AsyncExitStack() as stack:
        crowds = [
            [await stack.enter_async_context(_learner(it, each, number)) for number in range(max(1, sockets // 2))]
            for each in (plain, sealed)
        ]
        for crowd in crowds:
            await _round(crowd)  # connections are made, statements prepared
        rounds = list[tuple[float, float]]()
        for number in range(ROUNDS):
            first = number % 2
            told = {which: await _round(crowds[which]) for which in (first, 1 - first)}
            rounds.append((told[0], told[1]))
            say(f"round {number + 1}: {told[0]:.0f} sends a second, sealed {told[1]:.0f}")
    return _figures(rounds)


def _figures(rounds: list[tuple[float, float]]) -> list[Figure]:
    slower = median(100 * (1 - sealed / plain) for plain, sealed in rounds)
    return [
        Figure("sends", round(median(plain for plain, _ in rounds), 1), "a second"),
        Figure("sends, sealed", round(median(sealed for _, sealed in rounds), 1), "a second"),
        Figure("fewer because of sealing", round(slower, 1), "%", SLOWER_BY),
    ]


async def _round(crowd: list[Learner]) -> float:
    """Sends a second of all together."""
    end = asyncio.get_running_loop().time() + LASTS
    async with asyncio.TaskGroup() as group:
        sending = [group.create_task(each.sends_until(end)) for each in crowd]
    return sum(each.result() for each in sending) / LASTS


@asynccontextmanager
async def _sealing(it: World) -> AsyncGenerator[Instance]:
    """An instance like the first, with a key ring, on a database of its own."""
    await it.database.ask(f"CREATE DATABASE {OTHER}")
    ours = {
        "TUTORHUB_DATABASE_URL": it.database.url.replace("/tutorhub?", f"/{OTHER}?"),
        "TUTORHUB_ENCRYPTION_KEYS": f"proof:{b64encode(secrets.token_bytes(32)).decode()}",
    }
    async with instance_of(it, len(it.instances), ours) as made:
        yield made


@asynccontextmanager
async def _learner(it: World, at: Instance, number: int) -> AsyncGenerator[Learner]:
    user = f"learner-{number}"
    async with connect(at.url, token(it.secret, user), Device(id=f"device-{number}", name="device")) as device:
        session = await device.create_session(title="Pho")
        yield Learner(device, session.id, Random(number))


def _words(chance: Random) -> list[str]:
    lengths = chance.choices(range(1, len(LETTERS) + 1), LETTERS, k=DIFFERENT)
    return ["".join(chance.choices(ascii_lowercase, k=length)) for length in lengths]


VOCABULARY = _words(Random(1))
OFTEN = list(accumulate(1 / rank for rank in range(1, DIFFERENT + 1)))
"""As in prose the second word is said half as often as the first, the third a third as often, and so on."""
