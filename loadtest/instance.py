"""One instance of the hub: a process, and the links by which it reaches others and others reach it."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import msgspec
from msgspec import Struct

from loadtest.process import Process, WorldFailed
from loadtest.proxy import Link, Target, link

STARTS_WITHIN = 60.0
TRIES_AGAIN = 0.5
"""Seconds after a start that failed."""
STOPS_WITHIN = 30.0
"""Seconds from SIGTERM, also with peers that are stuck."""
FIRST_LINE = "listens on http://127.0.0.1:"
ASKS_WITHIN = 3.0


class Counts(Struct, frozen=True):
    """What an instance holds, as it says in its log on SIGUSR1."""

    event: str = ""
    rooms: int = 0
    sockets: int = 0
    subscriptions: int = 0
    tasks: int = 0
    pool_waiting: int = 0
    attempts: int = 0
    fds: int = 0
    waiting_bytes: int = 0


class Instance:
    """Made by `instance`. Devices reach it by `url`, whatever port it has after a restart."""

    def __init__(self, name: str, process: Process, door: Link, database: Link, redis: Link) -> None:
        self.name = name
        self.process = process
        self.door = door
        self.database = database
        self.redis = redis
        self.findings: list[str] = []
        self.is_meant_to_run = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"

    async def start(self, **environ: str) -> None:
        """Returns once it listens, and starts it again until then, as an operator's tools would. Nothing if it runs.

        Raises WorldFailed if it does not come up in time.
        """
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                while not self.process.runs:
                    await self._try_to_start(environ)
        except TimeoutError as error:
            raise WorldFailed(f"instance {self.name} does not start: {self.process.last_words()}") from error

    async def _try_to_start(self, environ: Mapping[str, str]) -> None:
        said = await self.process.start(environ)
        first = (await said.readline()).decode()
        if FIRST_LINE in first:
            self.is_meant_to_run = True
            self.door.target = Target(port=int(first.rpartition(":")[2]))
        else:
            await self.process.ended()
            await asyncio.sleep(TRIES_AGAIN)

    async def kill(self) -> None:
        self.is_meant_to_run = False
        await self.process.kill()

    async def stop(self) -> None:
        """As an operator would. That it takes too long is a finding."""
        self.is_meant_to_run = False
        self.process.send(signal.SIGTERM)
        if not await self.process.ended(STOPS_WITHIN):
            self.findings.append(f"instance {self.name} had not ended {STOPS_WITHIN:.0f} s after SIGTERM")

    def has_died(self) -> bool:
        """It ended, and nobody had ended it."""
        return self.is_meant_to_run and not self.process.runs

    async def is_ready(self) -> bool:
        """What `/readyz` says, not by way of the door."""
        try:
            async with asyncio.timeout(ASKS_WITHIN):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.door.target.port)
                try:
                    writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    return b" 200 " in await reader.readline()
                finally:
                    writer.transport.abort()
        except (OSError, TimeoutError):
            return False

    async def counts(self) -> Counts:
        """What it says it holds; where it does not say, its open files."""
        size, fds = _size(self.process.log), _open_files(self.process.id)
        if not _catches(self.process.id, signal.SIGUSR1):  # the signal would end it
            return Counts(fds=fds)
        self.process.send(signal.SIGUSR1)
        try:
            async with asyncio.timeout(ASKS_WITHIN):
                while True:
                    if counts := _counts_in(self.process.log, size):
                        return counts
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return Counts(fds=fds)


@asynccontextmanager
async def instance(
    name: str, command: list[str], environ: Mapping[str, str], *, database: Target, redis: Target, folder: Path
) -> AsyncGenerator[Instance]:
    """Its links, and the instance, not yet started. It is ended when the block ends. Its log is in the folder."""
    chance = Random(name)
    async with AsyncExitStack() as stack:
        door, to_database, to_redis = [
            await stack.enter_async_context(link(target, chance)) for target in (Target(port=1), database, redis)
        ]
        environ = {**_urls(environ, to_database, to_redis), **environ}
        process = Process(command, folder / f"instance-{name}.log", environ)
        made = Instance(name, process, door, to_database, to_redis)
        try:
            yield made
        finally:
            await made.stop()


def _urls(environ: Mapping[str, str], database: Link, redis: Link) -> dict[str, str]:
    """The passwords in the environment are only ever meant for these."""
    secret = environ["PROOF_PASSWORD"]
    options = "sslmode=disable&gssencmode=disable"
    return {
        "TUTORHUB_DATABASE_URL": f"postgresql://tutorhub:{secret}@127.0.0.1:{database.port}/tutorhub?{options}",
        "TUTORHUB_REDIS_URL": f"redis://:{secret}@127.0.0.1:{redis.port}/0",
    }


def _size(file: Path) -> int:
    return file.stat().st_size


def _open_files(process_id: int) -> int:
    return len(list(Path(f"/proc/{process_id}/fd").iterdir()))


def _catches(process_id: int, number: signal.Signals) -> bool:
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def _counts_in(log: Path, offset: int) -> Counts | None:
    with log.open("rb") as file:
        file.seek(offset)
        for line in file:
            if line.endswith(b"\n") and b'"counts"' in line:
                return msgspec.json.decode(line, type=Counts)
    return None
