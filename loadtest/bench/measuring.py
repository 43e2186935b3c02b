"""A server and the load on it, for some seconds: what it costs the server's process, by the system's own count; of
several servers, what it costs them together, and their Redis.

Servers and load are nailed to a core each, where there are two: the kernel charges what a socket of this machine
receives to whoever sends, so a server's time holds the whole way of its frames, for all alike.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from loadtest import programs
from loadtest.bench.client import Wanted
from loadtest.bench.field import NODE_PATH, Peer, Scenario
from loadtest.process import WorldFailed
from loadtest.resp import Redis

SERVER, CLIENT = 0, 1
"""Cores."""
ANSWERS_WITHIN = 180.0
ENDS_WITHIN = 5.0
SETTLES = 1.0
"""Seconds after the last socket has come, until memory is read."""
DRAINS = 0.8
LOOKS_EVERY = 0.05
MANY_STALLED = 40
"""So many that what they cost is more than what a process grows by in its first seconds anyhow."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Figures(Struct, frozen=True):
    """Of one run: microseconds of the server's time, KiB of its memory, milliseconds that things took.

    `frame`: of time for what was heard (a token, or an answer); None where nothing is said. `redis`: of the time of a
    Redis for the same. `missing`: what was said and not heard; `late`: the part of what was due that was not heard in
    its time; `held`: by how much more the process grows for each socket that reads nothing.
    """

    accept: float
    socket: float
    frame: float | None = None
    redis: float | None = None
    p50: float | None = None
    p99: float | None = None
    late: float | None = None
    lost: int = 0
    grown: float | None = None
    held: float | None = None


class Spoken:
    """A process that is spoken to in lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def started(cls, command: list[str], core: int | None = None) -> AsyncGenerator["Spoken"]:
        """On this core, or on any. Ended when the block ends."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"NODE_PATH": NODE_PATH},
            preexec_fn=None if core is None else partial(_nail, core),
        )
        try:
            yield cls(process)
        finally:
            process.terminate()
            try:
                async with asyncio.timeout(ENDS_WITHIN):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    async def answer(self) -> dict[str, Any]:
        """Raises WorldFailed if there is none."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise WorldFailed("a process of the benchmark does not answer")
        return msgspec.json.decode(line, type=dict[str, Any])

    async def ask(self, line: str) -> dict[str, Any]:
        self.tell(line)
        return await self.answer()

    @property
    def seconds(self) -> float:
        """Of the cores' time that it has had."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def kib(self) -> float:
        """Of memory that it holds."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * PAGE / 1_024


class Serving:
    """The servers of a run; the first one has the word. `redis`: what they share, of several."""

    def __init__(self, servers: list[Spoken], redis: Spoken | None) -> None:
        self.first = servers[0]
        self.redis = redis
        self._servers = servers

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self._servers)

    @property
    def kib(self) -> float:
        return sum(each.kib for each in self._servers)


async def measured(peer: Peer, name: str, scenario: Scenario, window: float) -> Figures:
    """Raises WorldFailed."""
    ports = sorted(_free_port() for _ in range(scenario.servers))
    async with AsyncExitStack() as stack:
        serving, told = await _serving(stack, [(peer, name, scenario, port) for port in ports])
        await asyncio.sleep(DRAINS)
        seconds, kib = serving.seconds, serving.kib
        wanted = Wanted(ports, scenario.sockets, scenario.stalled, told)
        command = [sys.executable, "-m", "loadtest.bench.client", msgspec.json.encode(wanted).decode()]
        client = await stack.enter_async_context(Spoken.started(command, CLIENT))
        connected = (await client.answer())["connected"]
        accept = (serving.seconds - seconds) / connected * 1e6
        await asyncio.sleep(SETTLES)
        figures = Figures(accept=round(accept, 1), socket=round((serving.kib - kib) / connected, 2))
        if scenario.rate:
            talker = client if name == "S5" else serving.first
            figures = await _loaded(serving, client, talker, scenario, window=window, idle=figures)
        return figures


async def _serving(stack: AsyncExitStack, orders: list[tuple[Peer, str, Scenario, int]]) -> tuple[Serving, str]:
    """All of them listen; and the file with the contract."""
    redis, port = None, None
    if len(orders) > 1:
        port = _free_port()
        command = [programs.redis(), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        redis = await stack.enter_async_context(Spoken.started(command, CLIENT))
        await _until_it_answers(port)
    servers = [
        await stack.enter_async_context(Spoken.started(peer.ordered(scenario, name, own, port), SERVER))
        for peer, name, scenario, own in orders
    ]
    answers = [await server.answer() for server in servers]
    return Serving(servers, redis), answers[0]["told"]


async def _until_it_answers(port: int) -> None:
    async with asyncio.timeout(ANSWERS_WITHIN):
        while True:
            with suppress(OSError):
                async with Redis.at(port):
                    return
            await asyncio.sleep(LOOKS_EVERY)


async def held_by_stalled(peer: Peer, name: str, scenario: Scenario, window: float) -> float:
    """KiB for each socket that reads nothing: the growth with many of them, less that with none. Raises WorldFailed."""
    readers = scenario.sockets - scenario.stalled
    none = structs.replace(scenario, sockets=readers, stalled=0)
    many = structs.replace(scenario, sockets=readers + MANY_STALLED, stalled=MANY_STALLED)
    without, beside = [(await measured(peer, name, each, window)).grown or 0.0 for each in (none, many)]
    return round((beside - without) / MANY_STALLED, 1)


async def _loaded(
    serving: Serving, client: Spoken, talker: Spoken, scenario: Scenario, *, window: float, idle: Figures
) -> Figures:
    loop, redis = asyncio.get_running_loop(), serving.redis
    kib = serving.kib
    talker.tell(f"start {scenario.rate}")
    await asyncio.sleep(scenario.warm)
    await client.ask("begin")
    began, seconds, shared = loop.time(), serving.seconds, redis.seconds if redis else 0.0
    await asyncio.sleep(window)
    found = await client.ask("end")
    seconds, took = serving.seconds - seconds, loop.time() - began
    shared = redis.seconds - shared if redis else None
    grown = serving.kib - kib
    emitted = await talker.ask("stop")
    await asyncio.sleep(DRAINS)
    total = await client.ask("total")
    readers = scenario.sockets - scenario.stalled
    said = total["said"] or emitted["emitted"] * readers / scenario.sessions
    return Figures(
        accept=idle.accept,
        socket=idle.socket,
        frame=round(seconds / found["heard"] * 1e6, 2) if found["heard"] else None,
        redis=round(shared / found["heard"] * 1e6, 2) if shared is not None and found["heard"] else None,
        p50=found["p50"],
        p99=found["p99"],
        late=round(max(0.0, 1 - found["heard"] / (scenario.rate * readers * took)), 4),
        lost=max(0, round(said - total["heard"])) + total["lost"],
        grown=round(grown, 1),
    )


def _nail(core: int) -> None:
    if core < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {core})


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])
