"""Several instances over a cluster of Redis: three primaries and their replicas, any of which may be lost."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from msgspec import Struct

from client.device import Device, connect
from client.watchers import Happenings
from protocol import model
from protocol.errors import Reason
from protocol.events import Refused
from protocol.ids import MessageId, SessionId, UserId, fresh_device_id
from protocol.timeline import Timeline
from server.fanout.broker_redis import RedisBroker
from tests.hub import Hub, running
from tests.provider import HOLD, Provider, provider
from tests.redis_cluster import NODE_TIMEOUT, RedisCluster, redis_cluster
from tests.redis_server import RedisServer
from tests.witness import Witness

WORDS = [f"word{n} " for n in range(40)]
WHOLE, HALF = "".join(WORDS), "".join(WORDS[:20])
PACE = 0.02
"""Seconds for a word."""
TOLD_AGAIN_WITHIN = 15.0
LASTS = 100.0


@pytest.fixture(scope="module")
def one_for_all() -> Generator[RedisCluster]:
    with redis_cluster(replicas=True) as made:
        yield made


@pytest.fixture
def redis(one_for_all: RedisCluster) -> Generator[RedisCluster]:
    """Whole, whoever is a primary by now."""
    one_for_all.heal()
    yield one_for_all
    one_for_all.heal()


@asynccontextmanager
async def two(
    database_url: str, tutor: Provider | None, redis: RedisCluster, **changes: Any
) -> AsyncGenerator[tuple[Hub, Hub]]:
    """They are told of different servers of the cluster, and hear each other."""
    base_url = tutor.base_url if tutor else None
    urls = [server.url for server in redis.servers[:2]]
    async with (
        running(database_url, base_url, redis_url=urls[0], lasts=LASTS, **changes) as here,
        running(database_url, base_url, redis_url=urls[1], lasts=LASTS, **changes) as there,
    ):
        await until_well(here, there)
        yield here, there


def broker(hub: Hub) -> RedisBroker:
    assert hub.instance is not None
    assert isinstance(hub.instance.broker, RedisBroker)
    return hub.instance.broker


async def until_well(*hubs: Hub) -> None:
    async with asyncio.timeout(TOLD_AGAIN_WITHIN):
        while not all(broker(hub).well for hub in hubs):
            await asyncio.sleep(0.01)


class Learner(Struct):
    """A user with a device on each of two instances, and what came to each since then."""

    user: UserId
    session: SessionId
    devices: tuple[Device, Device]
    heard: tuple[Happenings, Happenings]

    async def ask(self, by: int = 0) -> MessageId:
        """One of the devices says something. Returns its reply, once both show that it has ended."""
        sent = await self.devices[by].send(self.session, "Count.")
        for device in self.devices:
            assert (await device.settled(sent.reply)).content == WHOLE
        return sent.reply

    async def go_on_asking(self, enough: asyncio.Event) -> None:
        """With one device and the other in turn."""
        asked = 0
        while not enough.is_set():
            await self.ask(by=asked % 2)
            asked += 1


def shown(timeline: Timeline, message: MessageId) -> str:
    return timeline.text_of(timeline.messages[message]) if message in timeline.messages else ""


def device_of(hub: Hub, user: str) -> AbstractAsyncContextManager[Device]:
    return connect(hub.url, hub.token(user), model.Device(id=fresh_device_id(), name="device"))


@asynccontextmanager
async def learner(here: Hub, there: Hub, user: UserId) -> AsyncGenerator[Learner]:
    async with device_of(here, user) as phone, device_of(there, user) as laptop:
        await phone.in_step()
        await laptop.in_step()
        heard = phone.events(), laptop.events()
        session = (await phone.create_session()).id
        await phone.open(session)
        await laptop.until(lambda timeline: session in timeline.sessions)
        await laptop.open(session)
        yield Learner(user, session, (phone, laptop), heard)


def one_on_each(redis: RedisCluster, hub: Hub) -> list[UserId]:
    """Users whose channels are on different primaries."""
    found = dict[RedisServer, UserId]()
    for number in range(100):
        user = UserId(f"learner {number}")
        found.setdefault(redis.owner(broker(hub).seal.channel(user)), user)
    assert set(found) == set(redis.primaries())
    return list(found.values())


@asynccontextmanager
async def learners(redis: RedisCluster, here: Hub, there: Hub) -> AsyncGenerator[list[Learner]]:
    """One on each primary."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(learner(here, there, user)) for user in one_on_each(redis, here)]


async def witnesses(of: Learner, hub: Hub) -> list[Witness]:
    """Of both devices, which show what is in the database, as somebody reads it who comes anew."""
    async with device_of(hub, of.user) as fresh:
        await fresh.in_step()
        await fresh.open(of.session, limit=100)
        kept = fresh.timeline.messages
        assert {row.content for row in kept.values() if row.status} == {WHOLE}
        assert [device.timeline.messages for device in of.devices] == [kept, kept]
    return [Witness(heard.heard(), WHOLE) for heard in of.heard]


# What happens to the server that a channel is on. Each returns its new owner.


def killed(redis: RedisCluster, name: bytes) -> RedisServer:
    lost = redis.owner(name)
    lost.kill()
    return redis.wait_for_another(name, lost)


def frozen(redis: RedisCluster, name: bytes) -> RedisServer:
    """It wakes up after another one has taken over, and learns it then."""
    lost = redis.owner(name)
    lost.freeze()
    new = redis.wait_for_another(name, lost)
    lost.thaw()
    return new


def handed_over(redis: RedisCluster, name: bytes) -> RedisServer:
    """In good order, as before it is updated: it goes on as a replica."""
    home = redis.owner(name)
    redis.replica_of(home).run("CLUSTER", "FAILOVER")
    return redis.wait_for_another(name, home)


def resharded(redis: RedisCluster, name: bytes) -> RedisServer:
    home = redis.owner(name)
    redis.move(name, redis.another_primary(than=home))
    return redis.wait_for_another(name, home)


@pytest.mark.parametrize("happens", [killed, frozen, handed_over, resharded])
async def test_when_another_server_takes_over_in_the_midst_of_replies_nobody_misses_anything(
    database_url: str, redis: RedisCluster, happens: Callable[[RedisCluster, bytes], RedisServer]
) -> None:
    async with (
        provider(WORDS, delay=PACE) as tutor,
        two(database_url, tutor, redis) as hubs,
        learners(redis, *hubs) as all_of_them,
    ):
        channel = broker(hubs[0]).seal.channel(all_of_them[0].user)
        enough = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for each in all_of_them:
                group.create_task(each.go_on_asking(enough))
            await asyncio.sleep(1)  # replies are on their way
            began = time.monotonic()
            new = await asyncio.to_thread(happens, redis, channel)
            await told_again(hubs, new, channel)
            assert time.monotonic() - began < TOLD_AGAIN_WITHIN
            await asyncio.to_thread(redis.heal)
            enough.set()
        last = await all_of_them[0].ask()
        for each in all_of_them:
            for witness in await witnesses(each, hubs[1]):
                assert witness.degraded == [True, False] * (len(witness.degraded) // 2)
                assert each is not all_of_them[0] or witness.pieces[last] > len(WORDS) // 2


async def told_again(hubs: tuple[Hub, Hub], owner: RedisServer, channel: bytes) -> None:
    """Returns once both instances listen to the channel where it is now, and hear what is said."""
    while owner.run("PUBSUB", "SHARDNUMSUB", channel) != [channel, 2]:
        await asyncio.sleep(0.02)
    await until_well(*hubs)
    before = [broker(hub).counts["heard"] for hub in hubs]
    while any(broker(hub).counts["heard"] == count for hub, count in zip(hubs, before, strict=True)):
        await asyncio.sleep(0.02)


async def test_the_loss_of_a_replica_is_noticed_by_nobody_and_so_is_its_return(
    database_url: str, redis: RedisCluster
) -> None:
    async with (
        provider(WORDS, delay=PACE) as tutor,
        two(database_url, tutor, redis) as hubs,
        learners(redis, *hubs) as all_of_them,
    ):
        enough = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for each in all_of_them:
                group.create_task(each.go_on_asking(enough))
            lost = redis.replica_of(redis.primaries()[0])
            lost.kill()
            await asyncio.sleep(2 * NODE_TIMEOUT / 1_000)
            await asyncio.to_thread(redis.heal)
            enough.set()
        assert [broker(hub).counts["rebuilt"] for hub in hubs] == [0, 0]
        for each in all_of_them:
            assert [witness.degraded for witness in await witnesses(each, hubs[1])] == [[], []]


async def test_drafts_and_stops_reach_the_others_on_every_primary(database_url: str, redis: RedisCluster) -> None:
    turns = {"keep_every": 60.0, "keep_bytes": 1_000_000, "lease": 120.0, "due_every": 60.0}
    async with (
        provider([*WORDS[:20], HOLD]) as tutor,
        two(database_url, tutor, redis, turns=turns) as (here, there),
        learners(redis, here, there) as all_of_them,
    ):
        for each in all_of_them:
            phone, laptop = each.devices
            sent = await phone.send(each.session, "Count.")
            await laptop.until(lambda timeline, sent=sent: shown(timeline, sent.reply) == HALF)
            async with device_of(there, each.user) as late:
                await late.in_step()
                page = await late.open(each.session)
                assert [reply.text for reply in page.replies] == [HALF]
            stopped = await asyncio.wait_for(laptop.stop(sent.reply), 2)
            assert (stopped.status, stopped.content) == ("stopped", HALF)
            assert (await phone.settled(sent.reply)).content == HALF


async def test_who_writes_replies_elsewhere_is_woken(database_url: str, redis: RedisCluster) -> None:
    async with (
        provider(WORDS) as tutor,
        running(database_url, tutor.base_url, redis_url=redis.url, roles="tutor", turns={"due_every": 60.0}) as writer,
        two(database_url, None, redis, roles="hub", turns={"due_every": 60.0}) as hubs,
        learners(redis, *hubs) as all_of_them,
    ):
        await until_well(writer)
        for each in all_of_them:
            await asyncio.wait_for(each.ask(), 5)


async def test_instances_count_together_on_every_primary(database_url: str, redis: RedisCluster) -> None:
    async with (
        provider(WORDS) as tutor,
        two(database_url, tutor, redis, limits={"sends": "3/3600"}) as hubs,
        learners(redis, *hubs) as all_of_them,
    ):
        for each in all_of_them:
            for by in (0, 1, 0):
                await each.ask(by)
            with pytest.raises(TimeoutError):  # a device says it again when its time has come
                await asyncio.wait_for(each.devices[1].send(each.session, "Count."), 0.5)
            assert [event.code for event in each.heard[1].heard() if isinstance(event, Refused)] == [
                Reason.RATE_LIMITED
            ]
