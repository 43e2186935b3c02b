"""P10: Redis gone, back, frozen, flushed or out of reach: it is noticed, said, and mended by itself."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from server.fanout import redis_publisher
from tests.fanout.instances import ADA, BOB, ORIGIN, REPLY, SEAL, SESSION, Instance, changed, instance, pair, token
from tests.redis_server import RedisServer, redis_server
from tests.relay import Relay, relay

NOTICED_WITHIN = 3.5


@asynccontextmanager
async def pair_over(network: Relay, server: RedisServer) -> AsyncGenerator[tuple[Instance, Instance]]:
    """The second is connected through a relay."""
    async with pair(server.url, network.url.replace("http", "redis")) as both:
        yield both


async def told_again(teller: Instance, listener: Instance, seq: int = 9) -> None:
    """What is told now is heard."""
    teller.broker.tell(ADA, ORIGIN, changed(seq))
    await listener.ears.until_heard(ADA, ORIGIN, changed(seq).data)


async def test_a_redis_that_comes_late_is_found_and_everything_is_subscribed_to() -> None:
    with redis_server() as server:
        server.stop()
        async with instance(server.url, "b", well=False) as listener, instance(server.url, "a", well=False) as teller:
            await listener.ears.until_heard("unwell")
            await listener.broker.listen(ADA)
            server.start()
            await listener.until_well()
            await teller.until_well()
            assert listener.broker.well
            assert server.run("PUBSUB", "NUMSUB", SEAL.everybody) == [SEAL.everybody, 1]
            await told_again(teller, listener)


async def test_a_redis_that_dies_and_returns_empty_is_heard_again(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        teller.broker.tell_live(ADA, SESSION, token(0, "a"))
        await listener.ears.until_heard(ADA, SESSION, token(0, "a").data)
        server.kill()
        await listener.ears.until_heard("unwell")
        assert not listener.broker.well
        await listener.broker.listen(BOB)
        server.start()
        await listener.until_well(2)
        await teller.until_well(2)
        assert await listener.broker.draft(ADA, REPLY, 1) is None
        assert server.run("PUBSUB", "NUMSUB", SEAL.everybody) == [SEAL.everybody, 1]
        await told_again(teller, listener)
        assert listener.ears.health == ["well", "unwell", "well"]
        assert listener.broker.counts["rebuilt"] == 1


async def test_a_flush_loses_the_drafts_and_nothing_else(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        teller.broker.tell_live(ADA, SESSION, token(0, "a"))
        await listener.ears.until_heard(ADA, SESSION, token(0, "a").data)
        server.run("FLUSHALL")
        assert await listener.broker.draft(ADA, REPLY, 1) is None
        await told_again(teller, listener)
        assert listener.ears.health == ["well"]


async def test_a_frozen_redis_is_noticed_costs_nobody_more_than_a_second_and_is_heard_when_it_thaws(
    server: RedisServer,
) -> None:
    async with pair(server.url) as (teller, listener):
        server.freeze()
        began = time.monotonic()
        assert await listener.broker.draft(ADA, REPLY, 1) is None
        assert time.monotonic() - began < 0.4
        await listener.broker.listen(BOB)
        assert time.monotonic() - began < 1.6
        for seq in range(100):
            teller.broker.tell(ADA, ORIGIN, changed(seq))
        await listener.ears.until_heard("unwell")
        assert time.monotonic() - began < NOTICED_WITHIN
        await teller.ears.until_heard("unwell")
        server.thaw()
        await listener.until_well(2)
        await teller.until_well(2)
        await told_again(teller, listener, 999)
        assert teller.broker.counts["failed_batches"] >= 1


async def test_a_black_hole_is_noticed(server: RedisServer) -> None:
    """What Redis says is lost, what is said to it arrives, and no connection breaks."""
    async with relay(server.port) as network, pair_over(network, server) as (teller, listener):
        network.swallow()
        began = time.monotonic()
        await listener.ears.until_heard("unwell")
        assert 1.5 < time.monotonic() - began < NOTICED_WITHIN
        await listener.until_well(2)
        await told_again(teller, listener)


async def test_one_instance_that_is_cut_off_comes_back_and_the_others_notice_nothing(server: RedisServer) -> None:
    async with relay(server.port) as network, pair_over(network, server) as (teller, listener):
        network.unplug()
        await listener.ears.until_heard("unwell")
        teller.broker.tell(ADA, ORIGIN, changed(1))
        network.plug()
        await listener.until_well(2)
        await told_again(teller, listener)
        assert teller.ears.health == ["well"]
        assert listener.ears.frames == [(ADA, ORIGIN, changed(9).data)]


async def test_a_subscriber_that_is_killed_is_back_within_a_second(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        began = time.monotonic()
        server.run("CLIENT", "KILL", "TYPE", "pubsub")
        await listener.until_well(2)
        await teller.until_well(2)
        assert time.monotonic() - began < 1
        await told_again(teller, listener)


async def test_a_publisher_that_is_killed_says_the_next_thing_over_a_new_connection(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        assert teller.broker._primaries is not None
        wire = teller.broker._primaries.of(SEAL.channel(ADA)).publisher._wire
        assert wire is not None
        server.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await wire.ended.wait()
        await told_again(teller, listener)
        assert teller.ears.health == listener.ears.health == ["well"]


async def test_a_redis_that_halts_for_a_moment_costs_a_batch_and_no_more(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        server.run("CLIENT", "PAUSE", "400", "WRITE")
        teller.broker.tell(ADA, ORIGIN, changed(1))
        while not teller.broker.counts["failed_batches"]:
            await asyncio.sleep(0.01)
        server.run("CLIENT", "UNPAUSE")
        await told_again(teller, listener)
        assert teller.ears.health == listener.ears.health == ["well"]
        assert teller.broker.counts["dropped_down"] >= 1


async def test_who_reads_too_slowly_is_kicked_out_and_says_that_it_may_have_missed_something(
    server: RedisServer,
) -> None:
    server.run("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 512kb 5")
    async with relay(server.port) as network, pair_over(network, server) as (teller, listener):
        network.pause()
        while len(_subscribers(server)) == 2:
            for seq in range(10):
                teller.broker.tell_live(ADA, SESSION, token(seq, "x" * 200_000))
            await asyncio.sleep(0.01)
        network.resume()
        await listener.ears.until_heard("unwell")
        await listener.until_well(2)
        await told_again(teller, listener)
        assert teller.ears.health == ["well"]


@pytest.mark.parametrize("asking", [False, True], ids=["nothing asked", "something else asked"])
@pytest.mark.parametrize("word", [b"subscribe", b"unsubscribe"])
async def test_a_confirmation_that_nobody_asked_for_means_that_anything_may_have_been_missed(
    server: RedisServer, word: bytes, asking: bool
) -> None:
    async with pair(server.url) as (teller, listener), asyncio.TaskGroup() as group:
        primaries = listener.broker._primaries
        assert primaries is not None
        wire = primaries.of(SEAL.channel(ADA)).subscriber._wire
        assert wire is not None
        if asking:
            group.create_task(listener.broker.listen(BOB))
            await asyncio.sleep(0)
        wire.data_received(
            b">3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n:1\r\n" % (len(word), word, len(SEAL.channel(ADA)), SEAL.channel(ADA))
        )
        assert wire._reason == f"not asked for: {word.decode()}"
        await listener.until_well(2)
        await told_again(teller, listener)
        assert listener.ears.health == ["well", "unwell", "well"]


async def test_who_was_not_confirmed_within_a_second_is_told_later_that_it_may_have_missed_something(
    server: RedisServer,
) -> None:
    async with relay(server.port) as network, pair_over(network, server) as (_, listener):
        listener.broker.leave(ADA)
        network.pause()
        began = time.monotonic()
        await listener.broker.listen(BOB)
        assert 0.9 < time.monotonic() - began < 1.5
        assert listener.ears.health == ["well"]
        network.resume()
        await listener.until_well(2)
        assert listener.ears.health == ["well", "well"]


async def test_what_waits_is_dropped_once_nobody_is_there(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue of a dead Redis does not grow."""
    monkeypatch.setattr(redis_publisher, "LONGEST_BATCH", 10)
    async with instance(server.url) as teller:
        primaries = teller.broker._primaries
        assert primaries is not None
        publisher = primaries.of(b"").publisher
        server.freeze()
        for seq in range(5_000):
            teller.broker.tell(ADA, ORIGIN, changed(seq))
        await teller.ears.until_heard("unwell")
        assert teller.broker.counts["dropped_down"] == 5_000
        assert not publisher._queue
        server.thaw()


async def test_what_redis_refuses_is_counted_and_the_rest_is_heard(server: RedisServer) -> None:
    """A Redis without memory takes no drafts, and still tells the others."""
    async with pair(server.url) as (teller, listener):
        server.run("CONFIG", "SET", "maxmemory", "1")
        teller.broker.tell_live(ADA, SESSION, token(0, "a"))
        await listener.ears.until_heard(ADA, SESSION, token(0, "a").data)
        assert await listener.broker.draft(ADA, REPLY, 1) is None
        assert teller.broker.counts["refused"] >= 1
        assert teller.ears.health == ["well"]


async def test_afterwards_nothing_is_left(server: RedisServer) -> None:
    async with relay(server.port) as network:
        for _ in range(3):
            async with pair_over(network, server) as (teller, listener):
                network.cut()
                await listener.until_well(2)
                await told_again(teller, listener)
                listener.broker.leave(ADA)
                assert listener.broker.subscriptions == 0
        while "connected_clients:1\r" not in _clients(server):
            await asyncio.sleep(0.01)
        assert server.run("PUBSUB", "CHANNELS") == []
        assert len(asyncio.all_tasks()) == 1


def _subscribers(server: RedisServer) -> list[bytes]:
    return cast("bytes", server.run("CLIENT", "LIST", "TYPE", "pubsub")).splitlines()


def _clients(server: RedisServer) -> str:
    """How many there are, and how many were kicked out."""
    found = cast("dict[str, object]", server.run("INFO"))
    return "".join(f"{name}:{value}\r\n" for name, value in found.items())
