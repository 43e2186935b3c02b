"""Faults of a Redis that is a cluster: a server of it is lost, or hands over, in the midst of everything."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

from loadtest.faults.fault import Fault
from loadtest.redis_cluster import ClusterServer, RedisCluster
from loadtest.world import World

REPLACED = 6.0
"""Seconds until a primary that is lost is missed (1.5), replaced, and the new one is heard by all."""
BOTH_BACK = 12.0
"""Of a primary and its replica: both are away for three seconds, and then have to agree."""
FOLLOWED = 3.0
"""Seconds until a place that channels were handed over to is heard by all."""
MOVED = 3
"""Channels whose slots move."""


@asynccontextmanager
async def primary_killed(world: World, chance: Random) -> AsyncGenerator[str]:
    """Its replica takes over; it comes back as a replica of that one."""
    cluster = _cluster(world)
    async with _killed(cluster, await _primary(cluster, chance)) as named:
        yield named


@asynccontextmanager
async def primary_frozen(world: World, chance: Random) -> AsyncGenerator[str]:
    """It wakes up when another has taken over, and learns it then."""
    cluster = _cluster(world)
    lost = await _primary(cluster, chance)
    with lost.process.paused():
        yield _named(cluster, lost)
    await cluster.whole()


@asynccontextmanager
async def replica_killed(world: World, chance: Random) -> AsyncGenerator[str]:
    cluster = _cluster(world)
    async with _killed(cluster, await cluster.replica_of(await _primary(cluster, chance))) as named:
        yield named


@asynccontextmanager
async def both_killed(world: World, chance: Random) -> AsyncGenerator[str]:
    """Nobody can take over: until they are back the whole cluster takes nothing."""
    cluster = _cluster(world)
    lost = await _primary(cluster, chance)
    async with _killed(cluster, await cluster.replica_of(lost), lost) as named:
        yield named


@asynccontextmanager
async def handed_over(world: World, chance: Random) -> AsyncGenerator[str]:
    """In good order, as before a server is updated."""
    cluster = _cluster(world)
    old = await _primary(cluster, chance)
    new = await cluster.replica_of(old)
    await new.ask("CLUSTER", "FAILOVER")
    yield f"{_named(cluster, old)} to {_named(cluster, new)}"
    await cluster.whole()


@asynccontextmanager
async def moved(world: World, chance: Random) -> AsyncGenerator[str]:
    """Some of the slots in which somebody listens belong to another primary from now on."""
    cluster = _cluster(world)
    home, other, *_ = chance.sample(await cluster.primaries(), 3)
    channels: list[bytes] = sorted(await home.ask("PUBSUB", "SHARDCHANNELS"))
    for channel in channels[:MOVED]:
        await cluster.move(channel, home, other)
    yield f"{len(channels[:MOVED])} of {_named(cluster, home)} to {_named(cluster, other)}"
    await cluster.whole()


@asynccontextmanager
async def kicked(world: World, chance: Random) -> AsyncGenerator[str]:
    """One primary ends the connections of all who listen there."""
    cluster = _cluster(world)
    home = await _primary(cluster, chance)
    await home.ask("CLIENT", "KILL", "TYPE", "pubsub")
    yield _named(cluster, home)


@asynccontextmanager
async def _killed(cluster: RedisCluster, *servers: ClusterServer) -> AsyncGenerator[str]:
    """One after the other, and started again in the other order."""
    for each in servers:
        await each.process.kill()
    yield _named(cluster, *servers)
    for each in reversed(servers):
        await each.start()
    await cluster.whole()


def _cluster(world: World) -> RedisCluster:
    assert world.cluster is not None
    return world.cluster


async def _primary(cluster: RedisCluster, chance: Random) -> ClusterServer:
    return chance.choice(await cluster.primaries())


def _named(cluster: RedisCluster, *servers: ClusterServer) -> str:
    return "server " + ", ".join(str(cluster.servers.index(each)) for each in servers)


ROW = "Redis Cluster: "

FAULTS = (
    Fault("cluster-kill-primary", ROW + "a primary killed (kill -9)", (7, 9), primary_killed, deafens=REPLACED),
    Fault("cluster-freeze-primary", ROW + "a primary frozen (SIGSTOP)", (7, 9), primary_frozen, deafens=REPLACED),
    Fault("cluster-kill-replica", ROW + "a replica killed (kill -9)", (3, 5), replica_killed, deafens=0.0),
    Fault("cluster-kill-both", ROW + "a primary and its replica killed", (2, 3), both_killed, deafens=BOTH_BACK),
    Fault("cluster-hand-over", ROW + "a primary hands over to its replica", (2, 3), handed_over, deafens=FOLLOWED),
    Fault("cluster-move-slots", ROW + "slots move to another primary", (2, 3), moved, deafens=FOLLOWED),
    Fault("cluster-kick", ROW + "CLIENT KILL TYPE pubsub at a primary", (2, 3), kicked, deafens=FOLLOWED),
)
