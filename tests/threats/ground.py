"""The hub that is attacked, as a process of its own, a device on it that must not notice, and what both come to."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from msgspec import Struct

from tests.hostile import speaking
from tests.hub import SERVE, Child, Hub, child
from tests.owned import Owned, made

FRIEND = "https://app.example.com"
"""The only page of another address that may come in."""
P99_MS = 50.0
BUSY = 4.0
"""On a machine with a core for the hub the limit is P99_MS. Here hub, database, attacker, control and the other tests
share two, and waits are as many times longer; what the control loses to the machine by itself is not the hub's either.
"""
GROWTH = 32 * 2**20
"""Bytes. Caches fill, and allocators keep what they had; what lasts for each attack would be more after hundreds."""
POOL = 12
"""Open files: connections to the database come as they are needed, and stay."""
SETTLES_WITHIN = 15.0


class Held(Struct, frozen=True):
    """What the process holds, in its own words (SIGUSR1) and in the system's."""

    rooms: int
    sockets: int
    subscriptions: int
    tasks: int
    fds: int
    rss: int

    def has_grown(self, before: "Held") -> bool:
        return (
            self.rooms > before.rooms
            or self.sockets > before.sockets
            or self.subscriptions > before.subscriptions
            or self.tasks > before.tasks + 2
            or self.fds > before.fds + POOL
            or self.rss > before.rss + GROWTH
        )


class Control(Struct, frozen=True):
    """How long the device that behaves had to wait, in milliseconds: 99 of 100 times no longer."""

    pongs: float
    sends: float
    own: float
    count: int

    @property
    def healthy(self) -> bool:
        return self.pongs <= P99_MS * BUSY + self.own and self.sends <= 2 * P99_MS * BUSY + self.own


class Attacked(Struct):
    """`mine` is the attacker's, `others` is ada's. `log` is the standard error of the hub."""

    hub: Hub
    process: asyncio.subprocess.Process
    log: Path
    mine: Owned
    others: Owned

    def show_log(self) -> None:
        """As the test's own output, which is searched for canaries."""
        sys.stderr.write(self.log.read_text())

    def logged(self) -> list[dict[str, Any]]:
        """Every line of the log. Fails if one is not a line of JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    async def held(self) -> Held:
        told = self._counts()
        self.process.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(SETTLES_WITHIN):
            while len(counts := self._counts()) == len(told):
                await asyncio.sleep(0.02)
        process, last = psutil.Process(self.process.pid), counts[-1]
        names = ("rooms", "sockets", "subscriptions", "tasks")
        return Held(*(last[name] for name in names), fds=process.num_fds(), rss=process.memory_info().rss)

    def _counts(self) -> list[dict[str, Any]]:
        return [line for line in self.logged() if line["event"] == "counts"]

    async def settled(self, before: Held) -> Held:
        """What it holds once all that was begun is over; what is still there after a while stays."""
        now, waits = await self.held(), SETTLES_WITHIN
        while now.has_grown(before) and waits > 0:
            await asyncio.sleep(0.5)
            now, waits = await self.held(), waits - 0.5
        return now


@asynccontextmanager
async def attacked(
    database_url: str, folder: Path, command: tuple[str, ...] = SERVE, *, log_level: str = "debug"
) -> AsyncGenerator[Attacked]:
    """A hub to be attacked, with things of two users on it."""
    log = folder / "hub.log"
    with log.open("wb") as errors:
        settings = {"TUTORHUB_ORIGINS": FRIEND, "TUTORHUB_DEV_SIGN_IN": "1", "TUTORHUB_LOG_LEVEL": log_level}
        async with child(database_url, None, errors.fileno(), command, **settings) as made_here:
            yield await _furnished(made_here, log)


async def _furnished(made_here: Child, log: Path) -> Attacked:
    hub = made_here.hub
    async with speaking(hub) as mallory, speaking(hub, "ada") as ada:
        return Attacked(hub, made_here.process, log, await made(mallory), await made(ada, "zanzibar"))


@asynccontextmanager
async def controlled(hub: Hub, outcome: list[Control]) -> AsyncGenerator[None]:
    """Somebody behaves on the hub meanwhile; afterwards the outcome is in the list."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.threats.control", str(hub.port), hub.token("control")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield
        told, _ = await process.communicate(b"")  # the end of its input is its sign
        assert process.returncode == 0, "the device that behaves was refused, or lost its connection"
        outcome.append(_outcome(json.loads(told)))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _outcome(waited: dict[str, list[float]]) -> Control:
    p99 = {name: percentile(times, 0.99) for name, times in waited.items()}
    return Control(**p99, count=len(waited["pongs"]))


def percentile(times: list[float], part: float) -> float:
    assert times, "nothing was measured"
    return sorted(times)[int(len(times) * part)]
