"""Several instances over one PostgreSQL and one Redis are one hub: whoever is where, all hear the same.

Long because each way in which an instance may be lost is told from its beginning to its end.
"""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest

from protocol.commands import ReplyStop, TypingSet
from protocol.events import Degraded, ReplySnapshot, TypingChanged
from protocol.ids import MessageId, UserId
from protocol.model import Message
from server.fanout.broker_redis import RedisBroker
from tests.device import device
from tests.hub import Child, Hub, child, running
from tests.provider import HOLD, Provider, Step, provider
from tests.redis_server import RedisServer, redis_server

WORDS = [f"word{n} " for n in range(40)]
WHOLE = "".join(WORDS)
QUICK = {"lease": 1.0, "keep_every": 0.2, "due_every": 0.2}
"""Turns whose owner is missed within a second."""


@pytest.fixture
def redis() -> Generator[RedisServer]:
    with redis_server() as server:
        yield server


@asynccontextmanager
async def two(
    database_url: str, tutor: Provider, redis: RedisServer, **changes: Any
) -> AsyncGenerator[tuple[Hub, Hub]]:
    changes = {"redis_url": redis.url, "openai_prefill": True, **changes}
    async with (
        running(database_url, tutor.base_url, **changes) as here,
        running(database_url, tutor.base_url, **changes) as there,
    ):
        yield here, there


@asynccontextmanager
async def owner(database_url: str, tutor: Provider, redis: RedisServer, **environ: str) -> AsyncGenerator[Child]:
    """An instance that writes replies, as a process of its own."""
    quick = {f"TUTORHUB_TURN_{name.upper()}": str(value) for name, value in QUICK.items()}
    environ = {"TUTORHUB_REDIS_URL": redis.url, "TUTORHUB_OPENAI_PREFILL": "1", **quick, **environ}
    async with child(database_url, tutor.base_url, **environ) as made:
        yield made


def goes_on(request: dict[str, Any]) -> list[str | Step]:
    """A tutor that goes on from where the answer it is given ends, and waits after half of it."""
    last = request["messages"][-1]
    begun = last["content"] if last["role"] == "assistant" else ""
    rest = WORDS[len(begun.split()) :]
    return [*rest[:20], HOLD, *rest[20:]] if not begun else list(rest)


@contextmanager
def took_at_most(seconds: float) -> Generator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun <= seconds


def half(device_text: Callable[[MessageId], str], reply: MessageId) -> Callable[[], bool]:
    return lambda: device_text(reply) == "".join(WORDS[:20])


async def test_a_device_elsewhere_hears_a_reply_word_by_word_and_ends_with_the_same(
    database_url: str, redis: RedisServer
) -> None:
    async with (
        provider(goes_on) as tutor,
        two(database_url, tutor, redis) as (here, there),
        device(here, name="phone") as phone,
        device(there, name="laptop") as laptop,
    ):
        session = await phone.create()
        await laptop.until(lambda: session in laptop.timeline.sessions)
        await laptop.open(session)
        await phone.open(session)
        sent = await phone.send(session, "Count.")
        await laptop.until(half(laptop.text, sent.reply))
        tutor.release()
        assert (await laptop.settled(sent.reply)).content == WHOLE
        await phone.settled(sent.reply)
        assert phone.timeline.messages == laptop.timeline.messages


async def test_who_opens_elsewhere_in_the_midst_of_a_reply_misses_nothing_of_it(
    database_url: str, redis: RedisServer
) -> None:
    """The text so far is read from the draft of the attempt; what is saved of it in the database is older."""
    turns = {"keep_every": 60.0, "keep_bytes": 1_000_000, "lease": 120.0}
    async with (
        provider(goes_on) as tutor,
        two(database_url, tutor, redis, turns=turns) as (here, there),
        device(here, name="phone") as phone,
    ):
        session, sent = await phone.begin("Count.")
        await phone.until(half(phone.text, sent.reply))
        async with device(there, name="laptop") as laptop:
            page = await laptop.open(session)
            assert [reply.text for reply in page.replies] == ["".join(WORDS[:20])]
            tutor.release()
            assert (await laptop.settled(sent.reply)).content == WHOLE


async def test_typing_is_seen_elsewhere(database_url: str, redis: RedisServer) -> None:
    async with (
        provider(goes_on) as tutor,
        two(database_url, tutor, redis) as (here, there),
        device(here, name="phone") as phone,
        device(there, name="laptop") as laptop,
    ):
        session = await phone.create()
        await laptop.until(lambda: session in laptop.timeline.sessions)
        await phone.open(session)
        await phone.say(TypingSet(ref=900, session=session, active=True))
        await laptop.until_event(TypingChanged, lambda event: event.name == phone.named.name and event.active)


async def test_a_stop_from_elsewhere_ends_the_reply_at_once_with_what_is_written(
    database_url: str, redis: RedisServer
) -> None:
    """P7. Its owner looks into the database when the bell rings, long before it would have by itself."""
    turns = {"keep_every": 60.0, "lease": 120.0}
    async with (
        provider(goes_on) as tutor,
        two(database_url, tutor, redis, turns=turns) as (here, there),
        device(here, name="phone") as phone,
        device(there, name="laptop") as laptop,
    ):
        _, sent = await phone.begin("Count.")
        await phone.until(half(phone.text, sent.reply))
        with took_at_most(2.0):
            stopped = await laptop.ask(ReplyStop, Message, message=sent.reply)
        assert (stopped.status, stopped.content) == ("stopped", "".join(WORDS[:20]))
        assert (await phone.settled(sent.reply)).content == stopped.content
        await tutor.disconnected()


async def test_a_stop_is_obeyed_also_when_its_owner_does_not_answer(database_url: str, redis: RedisServer) -> None:
    """P7. The owner is frozen within its lease: the reply is settled in its place, with its draft."""
    async with (
        provider(goes_on) as tutor,
        owner(database_url, tutor, redis, TUTORHUB_TURN_LEASE="60", TUTORHUB_TURN_KEEP_EVERY="20") as frozen,
        running(database_url, tutor.base_url, redis_url=redis.url) as there,
        device(there, name="laptop") as laptop,
    ):
        async with device(frozen.hub, name="phone") as phone:
            session, sent = await phone.begin("Count.")
            await laptop.until(lambda: session in laptop.timeline.sessions)
            await laptop.open(session)
            await laptop.until(half(laptop.text, sent.reply))  # so it is in Redis, too
            frozen.process.send_signal(signal.SIGSTOP)
            with took_at_most(5.0):
                stopped = await laptop.ask(ReplyStop, Message, message=sent.reply)
            assert (stopped.status, stopped.content) == ("stopped", "".join(WORDS[:20]))
            frozen.process.send_signal(signal.SIGCONT)
            assert (await phone.settled(sent.reply)).content == stopped.content


async def test_a_reply_whose_instance_is_killed_goes_on_elsewhere_from_its_last_word(
    database_url: str, redis: RedisServer
) -> None:
    """P5 and P6. The tutor is asked to continue what the draft has, and the device sees one text grow."""
    late = {"TUTORHUB_TURN_LEASE": "2", "TUTORHUB_TURN_KEEP_EVERY": "1", "TUTORHUB_TURN_KEEP_BYTES": "65536"}
    async with (
        provider(goes_on) as tutor,
        owner(database_url, tutor, redis, **late) as first,
        running(database_url, tutor.base_url, redis_url=redis.url, openai_prefill=True, turns=QUICK) as second,
        device(second, name="laptop") as laptop,
    ):
        session = await laptop.create()
        await laptop.open(session)
        await asyncio.wait_for(_written_by(first, laptop, session, tutor), 20)


async def _written_by(first: Child, laptop: Any, session: Any, tutor: Provider) -> None:
    async with device(first.hub, name="phone") as phone:
        sent = await phone.send(session, "Count.")
        await laptop.until(half(laptop.text, sent.reply))
    await first.kill()
    reply = await laptop.settled(sent.reply)
    assert (reply.status, reply.content) == ("complete", WHOLE)
    assert [request["messages"][-1]["role"] for request in tutor.requests] == ["user", "assistant"]
    begun = [event.text for event in laptop.events if isinstance(event, ReplySnapshot) and event.attempt == 2]
    assert begun == ["".join(WORDS[:20])]


async def test_without_a_tutor_that_continues_a_reply_begins_again_in_everybodys_sight(
    database_url: str, redis: RedisServer
) -> None:
    async with (
        provider(goes_on) as tutor,
        owner(database_url, tutor, redis, TUTORHUB_OPENAI_PREFILL="0") as first,
        running(database_url, tutor.base_url, redis_url=redis.url, turns=QUICK) as second,
        device(second, name="laptop") as laptop,
    ):
        session = await laptop.create()
        await laptop.open(session)
        async with device(first.hub, name="phone") as phone:
            sent = await phone.send(session, "Count.")
            await laptop.until(half(laptop.text, sent.reply))
        await first.kill()
        await laptop.until_event(ReplySnapshot, lambda event: event.attempt == 2 and not event.text)
        await tutor.held()
        tutor.release()
        assert (await laptop.settled(sent.reply)).content == WHOLE


async def test_an_owner_that_was_paused_writes_nothing_and_tells_nothing_any_more(
    database_url: str, redis: RedisServer
) -> None:
    """P6. It wakes up past its lease, and another attempt has the reply."""
    async with (
        provider(goes_on) as tutor,
        owner(database_url, tutor, redis) as first,
        running(database_url, tutor.base_url, redis_url=redis.url, openai_prefill=True, turns=QUICK) as second,
        device(second, name="laptop") as laptop,
    ):
        session = await laptop.create()
        await laptop.open(session)
        async with device(first.hub, name="phone") as phone:
            await phone.open(session)
            sent = await phone.send(session, "Count.")
            await laptop.until(half(laptop.text, sent.reply))
            first.process.send_signal(signal.SIGSTOP)
            settled = await laptop.settled(sent.reply)
            heard = len(laptop.events)
            first.process.send_signal(signal.SIGCONT)
            tutor.release()  # the paused one's stream goes on, into nothing
            assert await phone.settled(sent.reply) == settled
            assert (await phone.open(session)).messages[-1] == settled
        assert settled.content == WHOLE
        assert all(getattr(event, "attempt", 2) == 2 for event in laptop.events[heard:])


async def test_hubs_and_tutors_may_be_processes_of_their_own(database_url: str, redis: RedisServer) -> None:
    turns = {"due_every": 60.0}
    async with (
        provider(goes_on) as tutor,
        running(database_url, tutor.base_url, redis_url=redis.url, roles="tutor", turns=turns) as writer,
        running(database_url, None, redis_url=redis.url, roles="hub", turns=turns) as hub,
        device(hub) as phone,
    ):
        assert writer.instance is not None
        await phone.until(lambda: writer.instance is not None and writer.instance.broker.well)
        _, sent = await phone.begin("Count.")
        await phone.until(half(phone.text, sent.reply))
        tutor.release()
        assert (await phone.settled(sent.reply)).content == WHOLE


async def test_while_redis_is_away_devices_are_told_and_what_they_miss_is_read(
    database_url: str, redis: RedisServer
) -> None:
    async with (
        provider(goes_on) as tutor,
        two(database_url, tutor, redis) as (here, there),
        device(here, name="phone") as phone,
        device(there, name="laptop") as laptop,
    ):
        session = await phone.create()
        await phone.open(session)
        await laptop.until(lambda: session in laptop.timeline.sessions)
        await laptop.open(session)
        redis.kill()
        await laptop.until_event(Degraded, lambda event: event.what == ["live"])
        sent = await phone.send(session, "Count.")
        await laptop.until(half(laptop.text, sent.reply))
        tutor.release()
        assert (await laptop.settled(sent.reply)).content == WHOLE
        redis.start()
        await laptop.until_event(Degraded, lambda event: event.what == [])
        again = await phone.send(session, "Once more.")
        await laptop.until(half(laptop.text, again.reply))
        tutor.release()
        assert (await laptop.settled(again.reply)).content == WHOLE


async def test_with_a_redis_that_is_not_there_yet_it_serves_and_connects_when_it_comes(
    database_url: str, redis: RedisServer
) -> None:
    redis.kill()
    async with (
        provider(goes_on) as tutor,
        two(database_url, tutor, redis) as (here, _),
        device(here, name="phone") as phone,
    ):
        await phone.until_event(Degraded, lambda event: event.what == ["live"])
        _, sent = await phone.begin("Count.")
        await phone.until(half(phone.text, sent.reply))
        redis.start()
        await phone.until_event(Degraded, lambda event: event.what == [])
        tutor.release()
        await phone.settled(sent.reply)


@pytest.mark.parametrize(("forged", "by_ours"), [("Z" * 200_000, True), ("\0", True), ("one two three" * 99, False)])
async def test_a_draft_that_nobody_has_written_is_no_text_of_the_reply(
    database_url: str, redis: RedisServer, forged: str, by_ours: bool
) -> None:
    """Somebody has put it into Redis, or a fault of ours has: the reply goes on from what was saved."""
    async with (
        provider(goes_on) as tutor,
        owner(database_url, tutor, redis) as first,
        running(database_url, tutor.base_url, redis_url=redis.url, openai_prefill=True, turns=QUICK) as second,
        device(second, name="laptop") as laptop,
    ):
        session = await laptop.create()
        await laptop.open(session)
        async with device(first.hub, name="phone") as phone:
            sent = await phone.send(session, "Count.")
            await laptop.until(half(laptop.text, sent.reply))
            await _saved(database_url, "".join(WORDS[:20]))
        assert second.instance is not None
        broker = second.instance.broker
        assert isinstance(broker, RedisBroker)
        key = broker.seal.draft(UserId("ada"), sent.reply, 1)
        assert redis.run("DEL", key) == 1
        data = f"0 1 {forged}".encode()
        redis.run("RPUSH", key, broker.seal.seal(key, data) if by_ours else data)
        await first.kill()
        reply = await laptop.settled(sent.reply)
        assert (reply.status, reply.content) == ("complete", WHOLE)


async def _saved(database_url: str, text: str) -> None:
    """Returns once this much of the open reply is saved."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        while await (await conn.execute("SELECT text FROM turns")).fetchone() != (text,):
            await asyncio.sleep(0.02)
