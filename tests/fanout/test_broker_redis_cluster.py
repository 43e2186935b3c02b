"""A cluster of three: each user's channel and drafts are on one server, and an instance talks to all of them."""

import time
from collections.abc import Generator
from typing import cast

import pytest

from protocol.ids import UserId
from server.fanout.redis_wire import slot
from tests.fanout.instances import ADA, ORIGIN, REPLY, SEAL, SESSION, Instance, changed, instance, pair, token
from tests.redis_server import RedisServer, cluster_server, is_complete, meet, redis_cluster, wait_until

USERS = [UserId(f"user {number}") for number in range(12)]
"""On all three servers."""


@pytest.fixture
def servers() -> Generator[list[RedisServer]]:
    with redis_cluster() as running:
        yield running


async def all_are_heard(teller: Instance, listener: Instance, seq: int) -> None:
    for user in USERS:
        await listener.broker.listen(user)
        teller.broker.tell(user, ORIGIN, changed(seq, user))
    for user in USERS:
        await listener.ears.until_heard(user, ORIGIN, changed(seq, user).data)


def owner(servers: list[RedisServer], name: bytes) -> RedisServer:
    return servers[slot(name) * 3 // 16_384]


def identity(server: RedisServer) -> str:
    return cast("bytes", server.run("CLUSTER", "MYID")).decode()


def test_a_users_channel_and_drafts_are_on_one_server_and_users_on_different_ones(servers: list[RedisServer]) -> None:
    for user in USERS:
        assert slot(SEAL.channel(user)) == slot(SEAL.draft(user, REPLY, 1))
    assert {owner(servers, SEAL.channel(user)).port for user in USERS} == {server.port for server in servers}


async def test_users_of_all_servers_are_heard_and_any_server_leads_to_them(servers: list[RedisServer]) -> None:
    async with pair(servers[0].url, servers[2].url) as (teller, listener):
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


async def test_each_is_told_only_where_it_belongs(servers: list[RedisServer]) -> None:
    async with pair(servers[0].url):
        home = owner(servers, SEAL.channel(ADA))
        for server in servers:
            heard = server.run("PUBSUB", "SHARDNUMSUB", SEAL.channel(ADA))
            assert heard == [SEAL.channel(ADA), 1 if server is home else 0]


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_server_of_the_cluster_that_freezes_is_noticed(servers: list[RedisServer], which: int) -> None:
    async with pair(servers[0].url) as (teller, listener):
        servers[which].freeze()
        began = time.monotonic()
        await listener.ears.until_heard("unwell")
        assert time.monotonic() - began < 3.5
        servers[which].thaw()
        await listener.until_well(2)
        await teller.until_well(2)
        await all_are_heard(teller, listener, 2)


async def test_a_server_of_the_cluster_that_restarts_is_heard_again(servers: list[RedisServer]) -> None:
    async with pair(servers[0].url) as (teller, listener):
        await all_are_heard(teller, listener, 1)
        servers[1].kill()
        await listener.ears.until_heard("unwell")
        servers[1].start()
        await listener.until_well(2)
        await teller.until_well(2)
        wait_until(lambda: all(is_complete(each) for each in servers))
        await all_are_heard(teller, listener, 2)


async def test_a_channel_that_moves_to_another_server_is_followed(servers: list[RedisServer]) -> None:
    """Redis ends the subscription by itself: whatever was said in between may have been missed."""
    async with pair(servers[0].url) as (teller, listener):
        home = owner(servers, SEAL.channel(ADA))
        other = servers[(servers.index(home) + 1) % 3]
        for server in (other, home, *servers):
            server.run("CLUSTER", "SETSLOT", str(slot(SEAL.channel(ADA))), "NODE", identity(other))
        await listener.ears.until_heard("unwell")
        await listener.until_well(2)
        teller.broker.tell(ADA, ORIGIN, changed(1))  # lost: it is said to the wrong server
        await teller.until_well(2)
        teller.broker.tell(ADA, ORIGIN, changed(2))
        await listener.ears.until_heard(ADA, ORIGIN, changed(2).data)
        assert listener.ears.frames == [(ADA, ORIGIN, changed(2).data)]


async def test_a_server_that_was_replaced_is_not_missed_even_if_the_url_names_it(servers: list[RedisServer]) -> None:
    with cluster_server() as replica:
        meet(servers[0], replica)
        wait_until(lambda: identity(servers[0]) in str(replica.run("CLUSTER", "NODES")))
        replica.run("CLUSTER", "REPLICATE", identity(servers[0]))
        wait_until(lambda: identity(replica) in str(servers[1].run("CLUSTER", "SLOTS")))
        async with pair(servers[0].url) as (teller, listener):
            servers[0].kill()
            await listener.ears.until_heard("unwell")
            replica.run("CLUSTER", "FAILOVER", "TAKEOVER")
            await listener.until_well(2)
            await teller.until_well(2)
            await all_are_heard(teller, listener, 3)


async def test_a_cluster_with_a_hole_is_waited_for() -> None:
    with cluster_server() as alone:
        async with instance(alone.url, well=False) as waiting:
            await waiting.ears.until_heard("unwell")
            alone.run("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            await waiting.until_well()
