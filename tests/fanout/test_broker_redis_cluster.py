"""A cluster of three: each user's channel and drafts are on one server, and an instance talks to all of them."""

import asyncio
import time
from collections.abc import Generator

import pytest

from protocol.ids import UserId
from server.buckets import Rate, Want
from server.errors import Unavailable
from server.fanout.frames import payload
from server.fanout.redis_envelope import DURABLE, written
from server.fanout.redis_wire import slot
from server.fanout.shares import Alone, RedisShares
from tests.fanout.instances import ADA, BOB, ORIGIN, REPLY, SEAL, SESSION, Instance, changed, instance, pair, token
from tests.redis_cluster import RedisCluster, cluster_server, identity, redis_cluster
from tests.redis_server import RedisServer

USERS = [UserId(f"user {number}") for number in range(12)]
"""On all three servers."""
WANT = Want("sends", Rate(3, 60))


@pytest.fixture
def cluster() -> Generator[RedisCluster]:
    with redis_cluster() as running:
        yield running


@pytest.fixture
def whole_cluster() -> Generator[RedisCluster]:
    """With replicas."""
    with redis_cluster(replicas=True) as running:
        yield running


async def all_are_heard(teller: Instance, listener: Instance, seq: int) -> None:
    for user in USERS:
        await listener.broker.listen(user)
        teller.broker.tell(user, ORIGIN, changed(seq, user))
    for user in USERS:
        await listener.ears.until_heard(user, ORIGIN, changed(seq, user).data)


def at_home_on(server: RedisServer, cluster: RedisCluster) -> UserId:
    return next(user for user in USERS if cluster.owner(SEAL.channel(user)) is server)


def test_a_users_channel_and_drafts_are_on_one_server_and_users_on_different_ones(cluster: RedisCluster) -> None:
    for user in USERS:
        assert slot(SEAL.channel(user)) == slot(SEAL.draft(user, REPLY, 1))
    assert {cluster.owner(SEAL.channel(user)) for user in USERS} == set(cluster.servers)


async def test_users_of_all_servers_are_heard_and_any_server_leads_to_them(cluster: RedisCluster) -> None:
    async with pair(cluster.url, cluster.servers[2].url) as (teller, listener):
        await all_are_heard(teller, listener, 1)
        listener.broker.wake(ADA, SESSION)
        await teller.ears.until_heard("wake", ADA, SESSION)
        for user in USERS:
            teller.broker.tell_live(user, SESSION, token(0, user))
            await listener.ears.until_heard(user, SESSION, token(0, user).data)
            draft = await listener.broker.draft(user, REPLY, 1)
            assert draft is not None
            assert draft.text == user
        for user in USERS:
            listener.broker.leave(user)
        await listener.broker.listen(ADA)
        assert listener.ears.health == ["well"]
        assert len(listener.ears.frames) == 2 * len(USERS)


async def test_each_is_told_only_where_it_belongs(cluster: RedisCluster) -> None:
    async with pair(cluster.url):
        home = cluster.owner(SEAL.channel(ADA))
        for server in cluster.servers:
            heard = server.run("PUBSUB", "SHARDNUMSUB", SEAL.channel(ADA))
            assert heard == [SEAL.channel(ADA), 1 if server is home else 0]


async def test_in_the_channel_of_one_user_nothing_is_believed_of_another(cluster: RedisCluster) -> None:
    async with pair(cluster.url) as (teller, listener):
        await listener.broker.listen(BOB)
        name, foreign = SEAL.channel(ADA), written(DURABLE, BOB, ORIGIN.encode(), payload(changed(1, BOB)))
        cluster.owner(name).run("SPUBLISH", name, SEAL.seal(name, foreign))
        teller.broker.tell(ADA, ORIGIN, changed())
        await listener.ears.until_heard(ADA, ORIGIN, changed().data)
        assert listener.ears.calls == [("well",), (ADA, ORIGIN, changed().data)]
    assert listener.broker.counts["dropped_foreign"] == 1


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_server_of_the_cluster_that_freezes_is_noticed(cluster: RedisCluster, which: int) -> None:
    async with pair(cluster.url) as (teller, listener):
        cluster.servers[which].freeze()
        began = time.monotonic()
        await listener.ears.until_heard("unwell")
        assert time.monotonic() - began < 3.5
        cluster.servers[which].thaw()
        await listener.until_well(2)
        await teller.until_well(2)
        await all_are_heard(teller, listener, 2)


async def test_a_server_of_the_cluster_that_restarts_is_heard_again(cluster: RedisCluster) -> None:
    async with pair(cluster.url) as (teller, listener):
        await all_are_heard(teller, listener, 1)
        cluster.servers[1].kill()
        await listener.ears.until_heard("unwell")
        cluster.servers[1].start()
        await listener.until_well(2)
        await teller.until_well(2)
        cluster.heal()
        await all_are_heard(teller, listener, 2)


async def test_a_channel_that_moves_to_another_server_is_followed(cluster: RedisCluster) -> None:
    """Redis ends the subscription by itself: whatever was said in between may have been missed."""
    async with pair(cluster.url) as (teller, listener):
        home = cluster.owner(SEAL.channel(ADA))
        cluster.move(SEAL.channel(ADA), cluster.another_primary(than=home))
        await listener.ears.until_heard("unwell")
        await listener.until_well(2)
        teller.broker.tell(ADA, ORIGIN, changed(1))  # lost: it is said to the wrong server
        await teller.until_well(2)
        teller.broker.tell(ADA, ORIGIN, changed(2))
        await listener.ears.until_heard(ADA, ORIGIN, changed(2).data)
        assert listener.ears.frames == [(ADA, ORIGIN, changed(2).data)]


async def test_a_server_that_was_replaced_is_not_missed_even_if_the_url_names_it(whole_cluster: RedisCluster) -> None:
    lost, name = whole_cluster.servers[0], SEAL.channel(at_home_on(whole_cluster.servers[0], whole_cluster))
    async with pair(whole_cluster.url) as (teller, listener):
        lost.kill()
        await listener.ears.until_heard("unwell")
        await asyncio.to_thread(whole_cluster.wait_for_another, name, lost)
        await listener.until_well(2)
        await teller.until_well(2)
        await all_are_heard(teller, listener, 3)
        lost.start()
        await asyncio.to_thread(whole_cluster.heal)
        await all_are_heard(teller, listener, 4)


async def test_what_a_server_thinks_that_was_replaced_and_has_not_heard_of_it_is_not_believed(
    whole_cluster: RedisCluster,
) -> None:
    """It is cut off from the others, and not from us: it would take whatever is said to it, and nobody would hear."""
    lost, other = whole_cluster.servers[:2]
    user = at_home_on(lost, whole_cluster)
    async with pair(lost.url, other.url) as (teller, listener):
        lost.kill()
        await asyncio.to_thread(whole_cluster.wait_for_another, SEAL.channel(user), lost)
        await teller.until_well(2)
        await listener.until_well(2)
        whole_cluster.start_cut_off(lost)
        other.run("CLIENT", "KILL", "TYPE", "pubsub")
        await teller.until_well(3)
        await listener.until_well(3)
        await all_are_heard(teller, listener, 3)


async def test_a_server_that_takes_no_part_in_its_cluster_any_more_is_noticed(cluster: RedisCluster) -> None:
    async with pair(cluster.url) as (_, listener):
        alone = cluster.owner(SEAL.channel(ADA))
        for each in cluster.servers:
            if each is not alone:
                alone.run("CLUSTER", "FORGET", identity(each))
        await listener.ears.until_heard("unwell")


async def test_a_slot_that_moves_is_noticed_by_who_only_counts_in_it(cluster: RedisCluster) -> None:
    async with instance(cluster.url) as counting:
        shares, key = RedisShares(counting.broker), SEAL.limit("ada", "sends")
        assert await shares.take("ada", [WANT]) is None
        cluster.move(key, cluster.another_primary(than=cluster.owner(key)))
        with pytest.raises(Alone):
            await shares.take("ada", [WANT])
        await counting.until_well(2)
        assert await shares.take("ada", [WANT]) is None


async def test_drafts_in_a_slot_that_has_moved_are_erased_where_they_are(cluster: RedisCluster) -> None:
    async with pair(cluster.url) as (erasing, listener):
        await erasing.until_well()
        listener.broker.tell_live(ADA, SESSION, token(0, "Two "))
        while await listener.broker.draft(ADA, REPLY, 1) is None:
            await asyncio.sleep(0.01)
        name = SEAL.channel(ADA)
        cluster.move(name, cluster.another_primary(than=cluster.owner(name)))
        with pytest.raises(Unavailable):
            await erasing.broker.erase(ADA)
        await erasing.until_well(2)
        await erasing.broker.erase(ADA)
        await listener.until_well(2)
        assert await listener.broker.draft(ADA, REPLY, 1) is None


async def test_while_a_slot_is_on_its_way_what_is_said_is_heard_and_drafts_wait(cluster: RedisCluster) -> None:
    name = SEAL.channel(ADA)
    other = cluster.another_primary(than=cluster.owner(name))
    async with pair(cluster.url) as (teller, listener):
        cluster.begin_to_move(name, other)
        teller.broker.tell_live(ADA, SESSION, token(0, "Two "))
        await listener.ears.until_heard(ADA, SESSION, token(0, "Two ").data)
        assert await listener.broker.draft(ADA, REPLY, 1) is None
        assert listener.ears.health == teller.ears.health == ["well"]
        cluster.move(name, other)
        await listener.until_well(2)
        teller.broker.tell_live(ADA, SESSION, token(0, "Two "))  # lost: it is said to the wrong server
        await teller.until_well(2)
        teller.broker.tell_live(ADA, SESSION, token(0, "Two "))
        await listener.ears.until(lambda: len(listener.ears.frames) == 2)
        draft = await listener.broker.draft(ADA, REPLY, 1)
        assert draft is not None
        assert draft.text == "Two "


async def test_a_cluster_with_a_hole_is_waited_for() -> None:
    with cluster_server() as alone:
        async with instance(alone.url, well=False) as waiting:
            await waiting.ears.until_heard("unwell")
            alone.run("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            await waiting.until_well()
