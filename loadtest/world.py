"""The world of a proof: PostgreSQL, Redis, instances of the hub, a tutor, and a link between any two of them.

Everything is real and on loopback. It is ended in reverse, by process id, whatever happened.
"""

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from loadtest.instance import Instance, instance
from loadtest.postgres import Postgres, primary
from loadtest.process import Process, account
from loadtest.proxy import Link, Target
from loadtest.redis_cluster import RedisCluster, redis_cluster
from loadtest.redis_server import RedisServer, redis_server
from loadtest.requests import OK, ask
from loadtest.tokens import token
from loadtest.tutor import MODEL, Tutor, tutor

HUB = f"{sys.executable} -m server"
READY_WITHIN = 60.0
PROBE = "probe"
"""A user who is no learner."""
PACE = (40, 120)
"""Pieces per second of a reply: fast, because a session's replies are written one by one, and devices ask in bursts."""
UNLIMITED = {
    **dict.fromkeys(("COMMANDS", "SENDS", "TOKENS", "MISSES", "UPLOADS", "SIGN_INS"), "none"),
    "RUNNING": "1000",
    **dict.fromkeys(("CONNECTIONS", "CONNECTIONS_PER_ADDRESS", "UNAUTHENTICATED_PER_ADDRESS"), "1000000"),
}
"""A crowd comes from one address, and does in minutes what people do in days."""
TURN_LIMITS = {"FIRST_TOKEN": "6", "SILENCE": "6", "WHOLE": "120"}
"""Shorter than usual, so that a silent tutor costs the proof less time."""


class World:
    """Made by `world`. `database` is another one after a fail-over."""

    def __init__(
        self, seed: int, folder: Path, *, secret: str, password: str, database: Postgres, redis: RedisServer
    ) -> None:
        self.seed = seed
        self.folder = folder
        self.secret = secret
        """What tokens are signed with."""
        self.password = password
        self.database = database
        self.redis = redis
        """Of a cluster, one of its servers."""
        self.cluster: RedisCluster | None = None
        self.tutor: Tutor
        self.instances: list[Instance] = []
        self.findings: list[str] = []
        """What went wrong that no device can tell."""
        self.hub = HUB
        self.extra: Mapping[str, str] = {}
        """What all instances are set to."""
        self.standbys = 0
        self.processes: list[Process] = []
        """Of the databases that took over; they are ended with the world."""

    def owner(self) -> Instance:
        """The instance that writes the most replies now."""
        return max(self.running(), key=lambda each: self.tutor.writing[each.name])

    def others(self) -> list[Instance]:
        owner = self.owner()
        return [each for each in self.running() if each is not owner] or [owner]

    def running(self) -> list[Instance]:
        return [each for each in self.instances if each.process.runs] or self.instances

    def redis_of(self, index: int) -> RedisServer:
        """What an instance is told of: of a cluster, each is told of another server."""
        return self.cluster.servers[index % len(self.cluster.servers)] if self.cluster else self.redis

    def database_links(self) -> list[Link]:
        return [each.database for each in self.instances]

    def lead_to(self, database: Postgres) -> None:
        """From now on this is the database."""
        self.database = database
        for each in self.database_links():
            each.target = Target(path=database.socket)
            each.reset()

    async def stop_database(self) -> None:
        """Whichever it is by now, and what is left of others."""
        await self.database.stop()
        for each in self.processes:
            await each.kill()

    def look_for_deaths(self) -> None:
        """An instance that ended by itself is a finding."""
        for each in self.instances:
            if each.has_died():
                each.is_meant_to_run = False
                self.findings.append(f"instance {each.name} died, see {each.process.log}")

    async def recovered(self, within: float = READY_WITHIN) -> float | None:
        """Seconds until every instance that is meant to run is ready and saves something; None: that took too long."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(within):
                for each in self.instances:
                    while each.is_meant_to_run and not (await each.is_ready() and await self._is_served_by(each)):
                        self.look_for_deaths()
                        await asyncio.sleep(0.05)
        except TimeoutError:
            return None
        return loop.time() - began

    async def _is_served_by(self, instance: Instance) -> bool:
        """Not by way of its door, and not as a device, which may take its time to come back."""
        with suppress(OSError, EOFError):
            body = {"title": "Is anybody there?"}
            answered = await ask(instance.door.target.port, token(self.secret, PROBE), "POST", "/api/sessions", body)
            return answered.status in OK
        return False

    async def start_missing(self) -> None:
        """Every instance that does not run is started."""
        self.look_for_deaths()
        async with asyncio.TaskGroup() as group:
            for each in self.instances:
                group.create_task(each.start())


@asynccontextmanager
async def world(
    seed: int,
    folder: Path,
    *,
    instances: int = 3,
    hub: str = HUB,
    environ: Mapping[str, str] = MappingProxyType({}),
    direct: bool = False,
    cluster: bool = False,
) -> AsyncGenerator[World]:
    """Started, and ready. Logs are in the folder. `direct`: PostgreSQL and Redis are reached without a link, which then
    cannot break, and costs nothing. `cluster`: Redis is one of six servers; a link leads to one of them, which leads
    to the others.
    """
    password, secret = f"canary-{secrets.token_hex(8)}", f"canary-{secrets.token_hex(24)}"
    with database_folder() as data:
        async with AsyncExitStack() as stack:
            redis, servers = await stack.enter_async_context(_redis(data, password, cluster=cluster))
            database = await primary(data / "primary")
            made = World(seed, folder, secret=secret, password=password, database=database, redis=redis)
            made.cluster = servers
            made.tutor = await stack.enter_async_context(tutor(seed, PACE))
            stack.push_async_callback(made.stop_database)
            await database.start()
            made.hub, made.extra = hub, {**environ, **(_direct(made) if direct else {})}
            for index in range(instances):
                await stack.enter_async_context(instance_of(made, index, {}))
            yield made


@asynccontextmanager
async def _redis(
    folder: Path, password: str, *, cluster: bool
) -> AsyncGenerator[tuple[RedisServer, RedisCluster | None]]:
    if cluster:
        async with redis_cluster(folder, password) as servers:
            yield servers.servers[0], servers
    else:
        async with redis_server(folder, password) as server:
            yield server, None


@asynccontextmanager
async def instance_of(world: World, index: int, extra: Mapping[str, str]) -> AsyncGenerator[Instance]:
    """Another one. What its environment has by `extra` is as it says."""
    name = "abcdefghijklmnopqrstuvwxyz"[index]
    ours = {
        "PROOF_PASSWORD": world.password,
        "TUTORHUB_PORT": "0",
        "TUTORHUB_JWT_SECRET": world.secret,
        "TUTORHUB_OPENAI_BASE_URL": world.tutor.url_for(name),
        "TUTORHUB_OPENAI_API_KEY": world.password,
        "TUTORHUB_OPENAI_MODEL": MODEL,
        "TUTORHUB_OPENAI_PREFILL": str(1 - world.seed % 2),
        "TUTORHUB_DRAIN": "2",
        "TUTORHUB_ROLES": "hub" if index % 3 == 2 else "hub,tutor",
        **{f"TUTORHUB_TURN_{name}": value for name, value in TURN_LIMITS.items()},
        **{f"TUTORHUB_LIMIT_{name}": value for name, value in UNLIMITED.items()},
        **world.extra,
        **extra,
    }
    links = {"database": Target(path=world.database.socket), "redis": Target(path=world.redis_of(index).socket)}
    command = [*world.hub.split(), "serve"]
    async with instance(name, command, plain() | ours, folder=world.folder, **links) as made:
        world.instances.append(made)
        await made.start()
        yield made


def _direct(world: World) -> dict[str, str]:
    return {
        "TUTORHUB_DATABASE_URL": world.database.url,
        "TUTORHUB_REDIS_URL": f"unix://:{world.password}@{world.redis.socket}",
    }


def plain() -> dict[str, str]:
    """Our environment without what would set a hub."""
    ours = ("TUTORHUB_", "OPENAI_", "DATABASE_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@contextmanager
def database_folder() -> Generator[Path]:
    """Where PostgreSQL may write: for root it runs as nobody, who cannot enter root's own folders."""
    parent = None
    if account() is not None:
        parent = Path("/var/lib/tutorhub")
        parent.mkdir(exist_ok=True, mode=0o755)
    folder = Path(tempfile.mkdtemp(prefix="prove-", dir=parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
