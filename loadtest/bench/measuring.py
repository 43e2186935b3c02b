"""One server and the load on it, for some seconds: what it costs the server's process, by the system's own count.

Each is nailed to a core of its own, where there are two: the kernel charges what a socket of this machine receives to
whoever sends, so a server's time holds the whole way of its frames, for all alike.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from loadtest.bench.client import Wanted
from loadtest.bench.field import NODE_PATH, Peer, Scenario
from loadtest.process import WorldFailed

SERVER, CLIENT = 0, 1
"""Cores."""
ANSWERS_WITHIN = 180.0
ENDS_WITHIN = 5.0
SETTLES = 1.0
"""Seconds after the last socket has come, until memory is read."""
DRAINS = 0.8
MANY_STALLED = 40
"""So many that what they cost is more than what a process grows by in its first seconds anyhow."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Figures(Struct, frozen=True):
    """Of one run: microseconds of the server's time, KiB of its memory, milliseconds that things took.

    `frame`: of time for what was heard (a token, or an answer); None where nothing is said. `missing`: what was said
    and not heard; `late`: the part of what was due that was not heard in its time; `held`: by how much more the process
    grows for each socket that reads nothing.
    """

    accept: float
    socket: float
    frame: float | None = None
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
    async def started(cls, command: list[str], core: int) -> AsyncGenerator["Spoken"]:
        """Ended when the block ends."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"NODE_PATH": NODE_PATH},
            preexec_fn=lambda: _nail(core),
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


async def measured(peer: Peer, name: str, scenario: Scenario, window: float) -> Figures:
    """Raises WorldFailed."""
    port = _free_port()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Spoken.started(peer.ordered(scenario, name, port), SERVER))
        told = (await server.answer())["told"]
        await asyncio.sleep(DRAINS)
        seconds, kib = server.seconds, server.kib
        wanted = Wanted(port, scenario.sockets, scenario.stalled, told)
        command = [sys.executable, "-m", "loadtest.bench.client", msgspec.json.encode(wanted).decode()]
        client = await stack.enter_async_context(Spoken.started(command, CLIENT))
        connected = (await client.answer())["connected"]
        accept = (server.seconds - seconds) / connected * 1e6
        await asyncio.sleep(SETTLES)
        figures = Figures(accept=round(accept, 1), socket=round((server.kib - kib) / connected, 2))
        if scenario.rate:
            talker = client if name == "S5" else server
            figures = await _loaded(server, client, talker, scenario, window=window, idle=figures)
        return figures


async def held_by_stalled(peer: Peer, name: str, scenario: Scenario, window: float) -> float:
    """KiB for each socket that reads nothing: the growth with many of them, less that with none. Raises WorldFailed."""
    readers = scenario.sockets - scenario.stalled
    none = structs.replace(scenario, sockets=readers, stalled=0)
    many = structs.replace(scenario, sockets=readers + MANY_STALLED, stalled=MANY_STALLED)
    without, beside = [(await measured(peer, name, each, window)).grown or 0.0 for each in (none, many)]
    return round((beside - without) / MANY_STALLED, 1)


async def _loaded(
    server: Spoken, client: Spoken, talker: Spoken, scenario: Scenario, *, window: float, idle: Figures
) -> Figures:
    loop = asyncio.get_running_loop()
    kib = server.kib
    talker.tell(f"start {scenario.rate}")
    await asyncio.sleep(scenario.warm)
    await client.ask("begin")
    began, seconds = loop.time(), server.seconds
    await asyncio.sleep(window)
    found = await client.ask("end")
    seconds, took = server.seconds - seconds, loop.time() - began
    grown = server.kib - kib
    emitted = await talker.ask("stop")
    await asyncio.sleep(DRAINS)
    total = await client.ask("total")
    readers = scenario.sockets - scenario.stalled
    said = total["said"] or emitted["emitted"] * readers / scenario.sessions
    return Figures(
        accept=idle.accept,
        socket=idle.socket,
        frame=round(seconds / found["heard"] * 1e6, 2) if found["heard"] else None,
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
