"""Instances hear of each other through a real Redis."""

import asyncio
import random
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.ids import UserId
from server.fanout import redis_publisher
from server.fanout.broker import Broker
from server.fanout.broker_redis import RedisBroker
from server.fanout.frames import frame
from server.fanout.redis_envelope import LARGEST
from tests.fanout.instances import ADA, BOB, DEPLOYMENT, ORIGIN, REPLY, SEAL, SESSION, changed, instance, pair, token
from tests.redis_server import RedisServer, redis_server


def test_it_is_a_broker() -> None:
    broker: Broker = RedisBroker("redis://127.0.0.1", "a", DEPLOYMENT)
    assert not broker.well


async def test_what_one_instance_tells_the_others_hear_byte_for_byte_and_itself_not(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        await teller.broker.listen(ADA)
        told = [changed(1), frame(changed(2).event), token(0, "é" * 300)]
        teller.broker.tell(ADA, ORIGIN, told[0])
        teller.broker.tell(ADA, ORIGIN, told[1])
        teller.broker.tell_live(ADA, SESSION, told[2])
        listener.broker.tell(ADA, ORIGIN, changed(3))
        await listener.ears.until_heard(ADA, SESSION, told[2].data)
        await teller.ears.until_heard(ADA, ORIGIN, changed(3).data)
    assert listener.ears.frames == [
        (ADA, ORIGIN, told[0].data),
        (ADA, ORIGIN, told[1].data),
        (ADA, SESSION, told[2].data),
    ]
    assert teller.ears.frames == [(ADA, ORIGIN, changed(3).data)]
    assert (teller.broker.counts["published"], teller.broker.counts["own"]) == (3, 1), "as one message"


async def test_what_is_told_of_many_users_in_one_turn_comes_in_order_in_one_message(server: RedisServer) -> None:
    users = [UserId(f"user {number}") for number in range(50)]
    async with instance(server.url, "a") as teller, instance(server.url, "b") as listener:
        await teller.broker.listen(ADA)
        for user in users:
            await listener.broker.listen(user)
        for chunk in range(3):
            for user in users:
                teller.broker.tell_live(user, SESSION, token(chunk, user))
        await listener.ears.until(lambda: len(listener.ears.frames) == 150)
        listener.broker.tell(ADA, ORIGIN, changed())
        await teller.ears.until_heard(ADA, ORIGIN, changed().data)
    assert listener.ears.frames == [(user, SESSION, token(chunk, user).data) for chunk in range(3) for user in users]
    assert (teller.broker.counts["published"], teller.broker.counts["own"]) == (150, 1)


async def test_what_is_too_much_for_one_message_comes_in_several(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        told = [token(chunk, "x" * 300_000) for chunk in range(9)]
        for each in told:
            teller.broker.tell_live(ADA, SESSION, each)
        await listener.ears.until_heard(ADA, SESSION, told[-1].data)
    assert listener.ears.frames == [(ADA, SESSION, each.data) for each in told]


async def test_only_who_listens_hears_and_only_while_it_does(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        teller.broker.tell(BOB, ORIGIN, changed(1, BOB))
        teller.broker.tell(ADA, ORIGIN, changed(2))
        await listener.ears.until_heard(ADA, ORIGIN, changed(2).data)
        listener.broker.leave(ADA)
        await listener.broker.listen(BOB)
        teller.broker.tell(ADA, ORIGIN, changed(3))
        teller.broker.tell(BOB, ORIGIN, changed(4, BOB))
        await listener.ears.until_heard(BOB, ORIGIN, changed(4, BOB).data)
    assert listener.ears.frames == [(ADA, ORIGIN, changed(2).data), (BOB, ORIGIN, changed(4, BOB).data)]
    assert listener.broker.subscriptions == 1


async def test_a_bell_is_heard_by_the_others(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        await teller.broker.listen(ADA)
        teller.broker.stop(ADA, REPLY)
        teller.broker.wake(UserId("a b{é"), SESSION)
        await listener.ears.until_heard("wake", "a b{é", SESSION)
        await listener.ears.until_heard("stop", ADA, REPLY)
        listener.broker.wake(ADA, SESSION)
        await teller.ears.until_heard("wake", ADA, SESSION)
    assert teller.ears.calls == [("well",), ("wake", ADA, SESSION), ("unwell",)]


async def test_a_user_may_have_any_id(server: RedisServer) -> None:
    ids = [UserId(text) for text in ("{ada}", "a b", "ada\nbob", "ada}x", "%7Bada%7D", "naïve 🎓", "*", "a" * 200)]
    async with instance(server.url, "a") as teller, instance(server.url, "b") as listener:
        for number, user in enumerate(ids):
            await listener.broker.listen(user)
            teller.broker.tell(user, ORIGIN, changed(number, user))
            await listener.ears.until_heard(user, ORIGIN, changed(number, user).data)
    assert len(listener.ears.frames) == len(ids)


async def test_from_the_moment_that_listen_returns_everything_is_heard(server: RedisServer) -> None:
    async with instance(server.url, "a") as teller, instance(server.url, "b") as listener:

        async def listens(user: UserId) -> None:
            await listener.broker.listen(user)
            teller.broker.tell(user, ORIGIN, changed(user=user))

        users = [UserId(f"user {number}") for number in range(300)]
        async with asyncio.TaskGroup() as group:
            for user in users:
                group.create_task(listens(user))
        await listener.ears.until(lambda: len(listener.ears.frames) == len(users))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.booleans(), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_listening_and_leaving_in_quick_succession_is_exact(server: RedisServer, steps: list[bool], seed: int) -> None:
    """Each `listen` returns on its own confirmation, never on that of an earlier one: then Redis knows of it."""
    turns = random.Random(seed)

    async def play() -> None:
        async with pair(server.url) as (teller, listener), asyncio.TaskGroup() as group:

            async def listens() -> None:
                await listener.broker.listen(BOB)

            for listen in steps:
                if listen:
                    group.create_task(listens())
                else:
                    listener.broker.leave(BOB)
                if turns.random() < 0.3:
                    await asyncio.sleep(0)
            listener.broker.leave(BOB)
            await listener.broker.listen(BOB)
            assert server.run("PUBSUB", "NUMSUB", SEAL.everybody.decode()) == [SEAL.everybody, 1]
            teller.broker.tell(BOB, ORIGIN, changed(user=BOB))
            await listener.ears.until_heard(BOB, ORIGIN, changed(user=BOB).data)
            listener.broker.leave(BOB)
            assert listener.ears.health == ["well"]

    asyncio.run(play())


# Bounds.


async def test_a_full_queue_drops_what_comes_and_counts_it(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        for seq in range(redis_publisher.LONGEST_QUEUE + 50):
            teller.broker.tell(ADA, ORIGIN, changed(seq))
        last = changed(redis_publisher.LONGEST_QUEUE - 2)
        await listener.ears.until_heard(ADA, ORIGIN, last.data)
        assert 50 <= teller.broker.counts["dropped_full"] <= 51  # a pulse may be waiting
        teller.broker.tell(ADA, ORIGIN, changed(0))
        await listener.ears.until(lambda: len(listener.ears.frames) >= redis_publisher.LONGEST_QUEUE)


async def test_a_queue_is_bounded_in_bytes_too(server: RedisServer) -> None:
    async with instance(server.url) as teller:
        for _ in range(20):
            teller.broker.tell_live(ADA, SESSION, token(0, "x" * 500_000))
        assert teller.broker.counts["dropped_full"] == 4, "each is in the queue twice: for the draft and for the others"


async def test_what_is_too_large_is_not_told(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        teller.broker.tell_live(ADA, SESSION, token(0, "x" * LARGEST))
        teller.broker.tell(ADA, ORIGIN, changed())
        await listener.ears.until_heard(ADA, ORIGIN, changed().data)
        assert await listener.broker.draft(ADA, REPLY, 1) is None
    assert teller.broker.counts["dropped_large"] == 1
    assert len(listener.ears.frames) == 1


async def test_without_a_redis_nothing_is_kept_and_nobody_waits() -> None:
    with redis_server() as gone:
        pass
    async with instance(gone.url, well=False) as alone:
        await alone.ears.until_heard("unwell")
        began = time.monotonic()
        for seq in range(1_000):
            alone.broker.tell(ADA, ORIGIN, changed(seq))
        await alone.broker.listen(ADA)
        assert await alone.broker.draft(ADA, REPLY, 1) is None
        assert time.monotonic() - began < 0.2
    assert alone.broker.counts["dropped_down"] == 1_000
    assert alone.ears.calls == [("unwell",)]
