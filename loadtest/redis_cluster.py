"""A real Redis (or Valkey) Cluster of the proof's own, on loopback: three primaries, and a replica of each.

Who is what changes while servers are lost and come back. A server is asked, never remembered.
The tests have one of their own, which waits while it works (`tests/redis_cluster.py`).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from loadtest.process import WorldFailed
from loadtest.redis_server import RedisServer
from loadtest.sockets import kept

PRIMARIES = 3
SLOTS = 16_384
NODE_TIMEOUT = 1_500
"""Milliseconds of silence after which the others take a server for dead."""
AGREES_WITHIN = 30.0
LOOKS_EVERY = 0.05
MOVED_AT_ONCE = 100
"""Keys."""


class ClusterServer(RedisServer):
    """One of them. It comes back on the same ports, and knows again who it was."""

    def __init__(self, folder: Path, password: str, port: int, bus: int) -> None:
        joins = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", str(NODE_TIMEOUT))
        follows = ("--masterauth", password, "--repl-diskless-sync-delay", "0")
        super().__init__(folder, password, *joins, *follows, port=port)
        self.bus = bus

    async def identity(self) -> bytes:
        return await self.ask("CLUSTER", "MYID")

    async def is_primary(self) -> bool:
        return (await self.ask("ROLE"))[0] == b"master"

    async def follows(self) -> int | None:
        """The port of the primary that it is in step with."""
        role, *link = await self.ask("ROLE")
        return link[1] if role == b"slave" and link[2] == b"connected" else None

    async def agrees(self) -> bool:
        """It knows who has each slot."""
        state = await self.ask("CLUSTER", "INFO")
        return b"cluster_state:ok" in state and b"cluster_slots_ok:%d" % SLOTS in state

    async def replicate(self, primary: "ClusterServer") -> None:
        """As soon as it knows of it."""
        while await primary.identity() not in await self.ask("CLUSTER", "NODES"):
            await asyncio.sleep(LOOKS_EVERY)
        await self.ask("CLUSTER", "REPLICATE", await primary.identity())


class RedisCluster:
    """Made by `redis_cluster`. `servers` are all of them, the first three those that began as primaries."""

    def __init__(self, servers: list[ClusterServer]) -> None:
        self.servers = servers

    async def primaries(self) -> list[ClusterServer]:
        """Those that take writes, as they say themselves. All servers answer."""
        return [each for each in self.servers if await each.is_primary()]

    async def replica_of(self, primary: ClusterServer) -> ClusterServer:
        """All servers answer, and each primary has one: see `whole`."""
        [found] = [each for each in self.servers if await each.follows() == primary.port]
        return found

    async def move(self, channel: bytes, home: ClusterServer, other: ClusterServer) -> None:
        """The slot of a channel, with its keys, from one primary to another, as by `redis-cli --cluster reshard`."""
        slot = await home.ask("CLUSTER", "KEYSLOT", channel)
        await other.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", await home.identity())
        await home.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", await other.identity())
        away = ("MIGRATE", "127.0.0.1", other.port, "", 0, 5_000, "AUTH", home.password, "KEYS")
        while keys := await home.ask("CLUSTER", "GETKEYSINSLOT", slot, MOVED_AT_ONCE):
            await home.ask(*away, *keys)
        for each in [other, home, *(each for each in await self.primaries() if each not in (other, home))]:
            await each.ask("CLUSTER", "SETSLOT", slot, "NODE", await other.identity())

    async def whole(self) -> None:
        """Returns once all run and agree, and each primary has its replica. Raises WorldFailed."""
        try:
            async with asyncio.timeout(AGREES_WITHIN):
                while not await self._is_whole():
                    await asyncio.sleep(LOOKS_EVERY)
        except TimeoutError as error:
            raise WorldFailed(f"The servers of the cluster do not agree in {AGREES_WITHIN:.0f} s") from error

    async def _is_whole(self) -> bool:
        for each in self.servers:
            if not await each.agrees():
                return False
        followed = [port for each in self.servers if (port := await each.follows()) is not None]
        return sorted(followed) == sorted(each.port for each in await self.primaries())

    async def start(self) -> None:
        """Each third of the slots to a primary, and to each primary a replica."""
        for each in self.servers:
            await each.start()
        first, *others = self.servers
        for number, primary in enumerate(self.servers[:PRIMARIES]):
            begin, end = (SLOTS * which // PRIMARIES for which in (number, number + 1))
            await primary.ask("CLUSTER", "ADDSLOTSRANGE", begin, end - 1)
            await primary.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for each in others:
            await each.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus)
        for primary, replica in zip(self.servers[:PRIMARIES], self.servers[PRIMARIES:], strict=True):
            await replica.replicate(primary)
        await self.whole()


@asynccontextmanager
async def redis_cluster(folder: Path, password: str) -> AsyncGenerator[RedisCluster]:
    """Started, and whole. Each server has a folder of its own in this one. Raises WorldFailed."""
    with ExitStack() as ports:
        made = RedisCluster([_server(folder / f"redis-{number}", password, ports) for number in range(2 * PRIMARIES)])
        try:
            await made.start()
            yield made
        finally:
            for each in made.servers:
                await each.process.kill()


def _server(folder: Path, password: str, ports: ExitStack) -> ClusterServer:
    folder.mkdir()
    return ClusterServer(folder, password, *(ports.enter_context(kept()).getsockname()[1] for _ in range(2)))
