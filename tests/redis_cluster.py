"""A real Redis (or Valkey) Cluster on free loopback ports: three primaries, and a replica of each if wanted.

with redis_cluster(replicas=True) as cluster:
    ...                                  # cluster.url, the address of one of them
    lost = cluster.owner(b"{ada}")       # whoever has the slot of a key or a channel by now
    lost.kill()
    cluster.wait_for_another(b"{ada}", lost)
    lost.start()                         # it knows again who it was, and learns who it is
    cluster.heal()                       # all run, all agree, and each primary has its replica again

All of it waits, and an event loop with it: a test of hubs calls it by `asyncio.to_thread`.
"""

import re
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, cast

from server.fanout.redis_wire import slot
from tests.redis_server import RedisServer, free_port, redis_server

SLOTS = 16_384
NODE_TIMEOUT = 1_500
"""Milliseconds of silence after which a server is taken for dead."""
HEALS_WITHIN = 30.0


class RedisCluster:
    """`servers` are all of them, the first three those that began as primaries."""

    def __init__(self, servers: list[RedisServer]) -> None:
        self.servers = servers

    @property
    def url(self) -> str:
        return self.servers[0].url

    @property
    def answering(self) -> list[RedisServer]:
        return [server for server in self.servers if server.answers]

    def owner(self, name: bytes, says: RedisServer | None = None) -> RedisServer:
        """The primary that has the slot of a key or a channel, as one that answers says."""
        answer = cast("Any", (says or self.answering[0]).run("CLUSTER", "SLOTS"))
        [port] = [port for first, last, (_, port, *_), *_ in answer if first <= slot(name) <= last]
        return next(server for server in self.servers if server.port == port)

    def primaries(self) -> list[RedisServer]:
        return [server for server in self.answering if role(server)[0] == b"master"]

    def replica_of(self, primary: RedisServer) -> RedisServer:
        return next(server for server in self.answering if is_in_step_with(primary, server))

    def another_primary(self, than: RedisServer) -> RedisServer:
        return next(server for server in self.primaries() if server is not than)

    def begin_to_move(self, name: bytes, other: RedisServer) -> None:
        """The owner of a slot is about to hand it over, key by key."""
        home = self.owner(name)
        other.run("CLUSTER", "SETSLOT", str(slot(name)), "IMPORTING", identity(home))
        home.run("CLUSTER", "SETSLOT", str(slot(name)), "MIGRATING", identity(other))

    def move(self, name: bytes, other: RedisServer) -> None:
        """Another server has the slot of a name from now on, with its keys, as by `redis-cli --cluster reshard`."""
        self.begin_to_move(name, other)
        home, number = self.owner(name), str(slot(name))
        while keys := cast("list[bytes]", home.run("CLUSTER", "GETKEYSINSLOT", number, "100")):
            home.run("MIGRATE", "127.0.0.1", str(other.port), "", "0", "5000", "KEYS", *keys)
        for server in [other, home, *(each for each in self.primaries() if each not in (other, home))]:
            server.run("CLUSTER", "SETSLOT", number, "NODE", identity(other))

    def start_cut_off(self, server: RedisServer) -> None:
        """It knows of the others what it knew, and neither reaches them nor is reached. Clients reach it."""
        server.options = (*server.options[:-1], str(free_port()))
        server.rewrite("nodes.conf", lambda text: re.sub(r"@\d+", "@1", text))
        server.start()

    def wait_for_another(self, name: bytes, than: RedisServer) -> RedisServer:
        """Returns the new owner of a slot, once all that answer know it."""
        wait_until(lambda: than not in {self.owner(name, says) for says in self.answering})
        return self.owner(name)

    def heal(self) -> None:
        """Returns once all run and agree, and each primary has a replica that is in step."""
        for server in self.servers:
            if not server.answers:
                server.kill()
                server.start()
        wait_until(lambda: all(is_complete(server) for server in self.servers) and self._is_paired())

    def _is_paired(self) -> bool:
        primaries = self.primaries()
        replicas = [server for server in self.servers if server not in primaries]
        return len(primaries) == 3 and all(any(is_in_step_with(one, each) for one in primaries) for each in replicas)


@contextmanager
def redis_cluster(*, replicas: bool = False) -> Generator[RedisCluster]:
    """Three primaries, each with a third of the slots. Any of them leads to all."""
    with ExitStack() as stack:
        primaries = [stack.enter_context(cluster_server()) for _ in range(3)]
        bounds = [SLOTS * number // 3 for number in range(4)]
        for number, server in enumerate(primaries):
            server.run("CLUSTER", "ADDSLOTSRANGE", str(bounds[number]), str(bounds[number + 1] - 1))
            server.run("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for server in primaries[1:]:
            meet(primaries[0], server)
        followers = [stack.enter_context(cluster_server()) for _ in primaries] if replicas else []
        for primary, follower in zip(primaries, followers, strict=bool(followers)):
            meet(primaries[0], follower)
            replicate(primary, follower)
        cluster = RedisCluster([*primaries, *followers])
        cluster.heal()
        yield cluster


@contextmanager
def cluster_server() -> Generator[RedisServer]:
    """A server that may join a cluster, and has no slots yet."""
    joins = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT))
    with redis_server(*joins, "--repl-diskless-sync-delay", "0", "--cluster-port", str(free_port())) as server:
        yield server


def meet(server: RedisServer, other: RedisServer) -> None:
    """Bring together two servers of a cluster. They take a moment to know of each other."""
    server.run("CLUSTER", "MEET", "127.0.0.1", str(other.port), other.options[-1])


def replicate(primary: RedisServer, follower: RedisServer) -> None:
    """It follows the primary, as soon as it knows of it, and is in step before this returns."""
    wait_until(lambda: identity(primary) in str(follower.run("CLUSTER", "NODES")))
    follower.run("CLUSTER", "REPLICATE", identity(primary))
    wait_until(partial(is_in_step_with, primary, follower))


def identity(server: RedisServer) -> str:
    return cast("bytes", server.run("CLUSTER", "MYID")).decode()


def role(server: RedisServer) -> list[Any]:
    """`[b"master", …]` or `[b"slave", host, port of the primary, state of the link, …]`."""
    return cast("list[Any]", server.run("ROLE"))


def is_in_step_with(primary: RedisServer, follower: RedisServer) -> bool:
    what, *link = role(follower)
    return what == b"slave" and link[1:3] == [primary.port, b"connected"]


def is_complete(server: RedisServer) -> bool:
    """It knows who has each slot."""
    state = str(server.run("CLUSTER", "INFO"))
    return "cluster_state:ok" in state and f"cluster_slots_ok:{SLOTS}" in state


def wait_until(happened: Callable[[], bool]) -> None:
    """A cluster agrees in its own time, and has no event for it. Raises TimeoutError after half a minute."""
    ends = time.monotonic() + HEALS_WITHIN
    while not happened():
        if time.monotonic() > ends:
            raise TimeoutError("the cluster does not come to an agreement")
        time.sleep(0.02)
