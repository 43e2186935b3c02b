"""The same operations on little data and on much: what a user does takes no longer because others are there.

    python -m loadtest growth SMALL LARGE

Each is a data folder of a hub, or the URL of a PostgreSQL that this machine's hub may use: filled before, with users of
the same names and rows (`python -m loadtest fill`). A hub is started on either, and asked the same by the same users in
turn, one thing at a time, so that what else the machine does is the same for both. It adds messages to both. Then the
statements of what is read are held, on the large data, against the same by psql (`loadtest/statements.py`).
"""

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from random import Random

import click
import uvloop
from msgspec import Struct

from client.device import Device, connect
from loadtest.hold import held
from loadtest.instance import FIRST_LINE, STOPS_WITHIN
from loadtest.measured import Figure, Measured, percentile
from loadtest.process import Process, WorldFailed
from loadtest.redis_server import redis_server
from loadtest.requests import request
from loadtest.run.command import NOT_BORNE
from loadtest.screen import Screen
from loadtest.statements import Asker, database_of, held_against_psql
from loadtest.tokens import token
from loadtest.world import HUB, UNLIMITED, plain
from protocol.answers import SessionPage
from protocol.ids import UserId, fresh_device_id
from protocol.model import Cursor
from protocol.model import Device as Who
from protocol.timeline import Timeline

STARTS_WITHIN = 3_600.0
"""Seconds: a hub that is started on data of before brings the schema up."""
AT_MOST = 1.3
"""Times as long as on the small data."""
SHORTEST = 5
"""Letters of a word that is searched for."""
ROUNDS_ALONE = 20
"""How often each statement is executed for each user, in the store and by psql."""
LATEST = 100
"""Changes since so many numbers before the last one are asked for."""


class Place(Struct):
    """A hub on one of the two sets of data."""

    name: str
    port: int
    secret: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Learner(Struct):
    """A user who is connected in one place, and what they have there."""

    place: Place
    user: str
    token: str
    device: Device
    page: SessionPage
    word: str

    @property
    def timeline(self) -> Timeline:
        return self.device.timeline


Operation = Callable[[Learner], Awaitable[object]]


def _changes(learner: Learner) -> Awaitable[object]:
    since = max(0, learner.timeline.seq - LATEST)
    path = f"/api/changes?since={since}&epoch={learner.timeline.epoch}"
    return request(learner.place.port, learner.token, "GET", path)


OPERATIONS: dict[str, Operation] = {
    "session list": lambda it: it.device.list(),
    "last page": lambda it: it.device.look(it.page.sessions[0].id),
    "changes since": _changes,
    "search, a word": lambda it: it.device.search(it.word),
    "search, a beginning": lambda it: it.device.search(it.word[:3]),
    "search, a typing error": lambda it: it.device.search(_mistyped(it.word)),
    "send": lambda it: it.device.send(it.page.sessions[-1].id, f"How is {it.word} written?"),
}


@click.command("growth")
@click.argument("small")
@click.argument("large")
@click.option("--users", default=100, show_default=True, type=click.IntRange(1))
@click.option("--prefix", default="fill", show_default=True, help="Of the users' names: PREFIX-0000001 and so on.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="How often each user does each.")
@click.option("--hub", default=HUB, metavar="COMMAND", help="How an instance is run; `serve` is added to it.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures to this file.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the logs here.")
def growth_command(
    small: str, large: str, *, users: int, prefix: str, rounds: int, hub: str, json_file: Path | None, keep: Path | None
) -> None:
    """Hold what is done on much data against the same on little."""
    screen = Screen()
    names = [f"{prefix}-{number:07}" for number in range(1, users + 1)]

    async def work(folder: Path) -> Measured:
        return await growth((small, large), names, rounds, folder, hub=hub, say=screen.say)

    sys.exit(held(work, screen, keep=keep, json_file=json_file, failed=NOT_BORNE))


async def growth(
    sets: tuple[str, str], users: list[str], rounds: int, folder: Path, *, hub: str, say: Callable[[str], None]
) -> Measured:
    """What it comes to. Raises WorldFailed."""
    start, began = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    async with AsyncExitStack() as stack:
        bell = await stack.enter_async_context(_redis(folder))
        places = [
            await stack.enter_async_context(_hub(name, _environ(where, bell), hub, folder))
            for name, where in zip(("small", "large"), sets, strict=True)
        ]
        say("Both hubs run.")
        took: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in OPERATIONS}
        askers: list[Asker] = []
        chance = Random(1)
        for number, user in enumerate(users, start=1):
            async with AsyncExitStack() as connected:
                pair = [await connected.enter_async_context(_learner(place, user)) for place in places]
                await _ask_in_turn(pair, rounds, chance, took)
                askers.append(_asker(pair[1]))
            if number % 20 == 0:
                say(f"{number} of {len(users)} users")
        say("The statements alone, in the store and by psql, on the large data.")
        held_against = held_against_psql(stack.enter_context(database_of(sets[1])), askers, ROUNDS_ALONE)
        statements = await asyncio.to_thread(uvloop.run, held_against)
    return Measured(
        scenario="growth",
        about="the same users do the same on little data and on much",
        seed=1,
        sockets=2 * len(users),
        instances=2,
        version=version("tutorhub"),
        python=sys.version.split()[0],
        cores=os.cpu_count() or 1,
        began=began,
        took=round(time.monotonic() - start, 1),
        figures=[figure for name, times in took.items() for figure in _figures(name, *times)] + statements,
        findings=[],
    )


async def _ask_in_turn(
    pair: list[Learner], rounds: int, chance: Random, took: dict[str, tuple[list[float], list[float]]]
) -> None:
    """The first round warms what the others find warm, and does not count."""
    for which in range(rounds + 1):
        for name, operation in OPERATIONS.items():
            for index in chance.sample((0, 1), 2):
                began = time.perf_counter()
                await operation(pair[index])
                if which:
                    took[name][index].append(time.perf_counter() - began)


def _figures(name: str, small: list[float], large: list[float]) -> list[Figure]:
    p95 = [percentile(times, 0.95) for times in (small, large)]
    p50 = [percentile(times, 0.5) for times in (small, large)]
    return [
        Figure(f"{name}, p50 on little", round(p50[0] * 1_000, 2), "ms"),
        Figure(f"{name}, p50 on much", round(p50[1] * 1_000, 2), "ms"),
        Figure(f"{name}, p95 on little", round(p95[0] * 1_000, 2), "ms"),
        Figure(f"{name}, p95 on much", round(p95[1] * 1_000, 2), "ms"),
        Figure(f"{name}, p95 on much against little", round(p95[1] / p95[0], 2), "times", AT_MOST),
    ]


@asynccontextmanager
async def _learner(place: Place, user: str) -> AsyncGenerator[Learner]:
    shown = token(place.secret, user)
    async with connect(place.url, shown, Who(id=fresh_device_id(), name="growth")) as device:
        async with asyncio.timeout(STOPS_WITHIN):
            await device.in_step()
        page = await device.list()
        words = [
            word for row in page.sessions for word in row.title.split() if word.isalpha() and len(word) >= SHORTEST
        ]
        if not words:
            raise WorldFailed(f"{user} has no session with a title on the {place.name} data: fill it first")
        yield Learner(place, user, shown, device, page, max(words, key=len))


def _asker(learner: Learner) -> Asker:
    since = Cursor(epoch=learner.timeline.epoch or "", seq=max(0, learner.timeline.seq - LATEST))
    return Asker(UserId(learner.user), learner.page.sessions[0].id, learner.word, since)


def _mistyped(word: str) -> str:
    """Two letters of it in the other order, and one twice."""
    return word[:2] + word[3] + word[2] + word[4:] + word[-1]


@asynccontextmanager
async def _redis(folder: Path) -> AsyncGenerator[str]:
    """For hubs on a database that brings none; each hears only itself. Yields its URL."""
    async with redis_server(folder, secrets.token_hex(16)) as server:
        yield f"unix://:{server.password}@{server.socket}"


@asynccontextmanager
async def _hub(name: str, environ: dict[str, str], command: str, folder: Path) -> AsyncGenerator[Place]:
    """Started on data of before, and ended with the block. Raises WorldFailed."""
    secret = secrets.token_hex(24)
    started = plain() | environ | {"TUTORHUB_JWT_SECRET": secret, "TUTORHUB_PORT": "0"}
    process = Process([*command.split(), "serve"], folder / f"{name}.log", started)
    said = await process.start()
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            first = (await said.readline()).decode()
        if FIRST_LINE not in first:
            await process.ended()
            raise WorldFailed(f"The hub on the {name} data does not start: {process.last_words()}")
        yield Place(name, int(first.rpartition(":")[2]), secret)
    finally:
        if process.runs:
            process.send(signal.SIGTERM)
            await process.ended(STOPS_WITHIN)


def _environ(where: str, redis: str) -> dict[str, str]:
    """A folder brings its own servers."""
    place = (
        {"TUTORHUB_DATA_DIR": where}
        if Path(where).is_dir()
        else {"TUTORHUB_DATABASE_URL": where, "TUTORHUB_REDIS_URL": redis}
    )
    return {
        **place,
        "TUTORHUB_ROLES": "hub",  # sends alone, not replies
        "TUTORHUB_TURN_PENDING": "1000000",
        **{f"TUTORHUB_LIMIT_{limit}": value for limit, value in UNLIMITED.items()},
    }
