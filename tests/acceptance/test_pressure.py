"""P8: a device that reads slowly, or not at all, costs the hub a bounded amount and the others nothing."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from protocol.commands import MessageSend, SessionOpen
from protocol.events import Changes, Degraded, ReplySnapshot, Snapshot, Welcome
from protocol.ids import SessionId, fresh_message_id
from server.edge import kernel
from server.edge.connection import WAITING_BYTES
from server.edge.wire import Wire
from tests.device import Device, device
from tests.hub import Hub, running
from tests.provider import HOLD, provider, said

A_SOCKET_COSTS = 256 * 1024
SLOW = 3
QUICK = 5
LONG = "x" * 6_000


@pytest.fixture(autouse=True)
def _little_is_hidden_in_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that less has to be said until a socket is full; the real size is tested in tests/edge/test_wire.py."""
    monkeypatch.setattr(kernel, "SEND_BUFFER", 16_384)


def most_waiting(hub: Hub) -> int:
    """The most that waits for any socket."""
    assert hub.door is not None
    return max((connection.waiting_bytes for connection in hub.door._inside), default=0)


class Gauge:
    """Looks in every turn of the loop that something else takes; `most` is the most that was seen."""

    def __init__(self, hub: Hub) -> None:
        self.most = 0
        self._hub = hub

    async def run(self) -> None:
        while True:
            self.most = max(self.most, most_waiting(self._hub))
            await asyncio.sleep(0)


@asynccontextmanager
async def gauge(hub: Hub) -> AsyncGenerator[Gauge]:
    made = Gauge(hub)
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(made.run())
        yield made
        looking.cancel()


@asynccontextmanager
async def devices(hub: Hub, name: str, count: int) -> AsyncGenerator[list[Device]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(device(hub, name=f"{name}-{number}")) for number in range(count)]


async def opened_by_all(session: SessionId, all_devices: list[Device]) -> None:
    for each in all_devices:
        await each.until(lambda each=each: session in each.timeline.sessions)
        await each.open(session)


async def say_much(phone: Device, session: SessionId, messages: int) -> float:
    """The longest time from a message to its settled reply, in seconds."""
    slowest = 0.0
    for number in range(messages):
        began = time.monotonic()
        sent = await phone.send(session, f"{number} {LONG}")
        await phone.settled(sent.reply)
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def pages(reader: Device, since: int) -> list[Changes]:
    return [event for event in reader.events[since:] if isinstance(event, Changes)]


async def test_slow_readers_cost_a_bounded_amount_and_end_with_the_same_text(database_url: str) -> None:
    async with (
        provider(lambda _: ["Well, ", "yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        devices(hub, "quick", QUICK) as quick,
        devices(hub, "slow", SLOW) as slow,
    ):
        session = await phone.create()
        await opened_by_all(session, [phone, *quick, *slow])
        for each in slow:
            await each.stall()
        heard = {each: len(each.events) for each in slow}
        async with gauge(hub) as seen:
            slowest = await say_much(phone, session, 120)
            for each in quick:
                await each.until(lambda each=each: each.timeline.seq == phone.timeline.seq)
            assert slowest < 2.0, "who reads is not held up"
            assert all(each.timeline.seq < phone.timeline.seq for each in slow)
            for each in slow:
                await each.go_on()
            for each in slow:
                await each.until(lambda each=each: each.timeline.seq == phone.timeline.seq)
        assert seen.most <= A_SOCKET_COSTS
        texts = [row.content for row in phone.timeline.shown_messages(session)]
        for each in [*quick, *slow]:
            assert [row.content for row in each.timeline.shown_messages(session)] == texts
            assert (each.gaps, each.closed) == (0, None)
        for each in slow:
            assert pages(each, heard[each]), "it had fallen behind, and was caught up from the database"
        assert not any(pages(each, 0)[1:] for each in quick)


async def test_a_device_that_was_behind_is_shown_the_text_so_far_and_then_every_piece(database_url: str) -> None:
    def script(request: dict[str, Any]) -> list[Any]:
        return ["so ", "far ", HOLD, "and on"] if said(request) == "Hold." else ["Yes."]

    async with (
        provider(script) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="slow") as slow,
    ):
        session, other = await phone.create(), await phone.create()
        await opened_by_all(session, [phone, slow])
        await phone.open(other)
        await slow.stall()
        heard = len(slow.events)
        await say_much(phone, other, 100)
        sent = await phone.send(session, "Hold.")
        await phone.until(lambda: phone.text(sent.reply) == "so far ")
        await slow.go_on()
        await slow.until(lambda: slow.text(sent.reply) == "so far ")
        assert pages(slow, heard)
        assert any(isinstance(event, ReplySnapshot) and event.text == "so far " for event in slow.events[heard:])
        tutor.release()
        assert (await slow.settled(sent.reply)).content == "so far and on"
        assert slow.gaps == 0


async def test_a_device_that_never_reads_is_gone_in_time_and_nobody_else(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wire, "STALL", 0.5)
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="stuck") as stuck,
    ):
        assert hub.door is not None
        session = await phone.create()
        await phone.open(session)
        await stuck.stall()
        async with asyncio.timeout(20):
            while len(hub.door._inside) > 1:
                await say_much(phone, session, 1)
        assert phone.closed is None


async def test_commands_of_a_device_that_does_not_read_wait_until_it_does(database_url: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="greedy") as greedy,
    ):
        session = await phone.create()
        await phone.open(session)
        await say_much(phone, session, 12)
        asked = 60
        answer = len((await greedy.open(session)).messages) * len(LONG)
        await greedy.stall()
        async with gauge(hub) as seen:
            for ref in range(1_000, 1_000 + asked):
                await greedy.say(SessionOpen(ref=ref, session=session))
            await say_much(phone, session, 5)
            await greedy.go_on()
            await greedy.until(lambda: 999 + asked in greedy._answers)
        assert answer > 70_000, "or nothing would be shown by this"
        assert seen.most <= A_SOCKET_COSTS + 2 * answer
        assert sorted(ref for ref in greedy._answers if ref >= 1_000) == list(range(1_000, 1_000 + asked))


async def test_a_device_that_asks_too_much_without_reading_is_asked_to_come_again(database_url: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="greedy") as greedy,
    ):
        session = await phone.create()
        await phone.open(session)
        await say_much(phone, session, 12)
        await greedy.stall()
        async with asyncio.timeout(20):
            for ref in range(1_000, 1_400):
                await greedy.say(SessionOpen(ref=ref, session=session))
                await asyncio.sleep(0.011)  # within the budget of frames
        await greedy.go_on()
        await greedy.until(lambda: greedy.closed is not None)
        assert greedy.closed in (4005, 1006)


async def test_what_a_device_says_while_nothing_can_be_carried_out_is_bounded_in_bytes(database_url: str) -> None:
    """Messages as long as they may be, each in a frame of 32 KB: fewer than there may be commands."""
    async with (
        running(database_url) as hub,
        device(hub) as phone,
        await psycopg.AsyncConnection.connect(database_url) as ours,
    ):
        session = await phone.create()
        await ours.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        assert hub.door is not None
        most = 0
        for ref in range(1_000, 1_000 + 2 * WAITING_BYTES // 32_000):
            if phone.closed is not None:
                break
            message = MessageSend(ref=ref, session=session, message=fresh_message_id(), content="🍜" * 8_000)
            with suppress(ConnectionError, ConnectionClosed):
                await phone.say(message)
            await asyncio.sleep(0.011)  # within the budget of frames
            most = max(most, hub.door.waiting_bytes)
        await phone.until(lambda: phone.closed is not None)
        await ours.rollback()
        assert phone.closed in (4005, 1006)
        assert most <= WAITING_BYTES


async def test_a_message_that_was_sent_by_a_slow_device_is_sent_once_and_answered(database_url: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="slow") as slow,
    ):
        session = await phone.create()
        await opened_by_all(session, [phone, slow])
        await slow.stall()
        await say_much(phone, session, 100)
        message = fresh_message_id()
        await slow.say(MessageSend(ref=1_000, session=session, message=message, content="I am slow."))
        await phone.until(lambda: message in phone.timeline.messages)
        await slow.go_on()
        await slow.until(lambda: 1_000 in slow._answers and slow.timeline.seq >= phone.timeline.seq)
        assert [row.id for row in slow.timeline.shown_messages(session)].count(message) == 1


async def test_who_joins_while_something_is_amiss_is_told_right_after_the_welcome(database_url: str) -> None:
    async with running(database_url, redis_url="redis://127.0.0.1:1") as hub, device(hub, "bob") as early:
        await early.until_event(Degraded)
        async with device(hub) as phone:
            assert [type(event) for event in phone.events] == [Welcome, Degraded, Snapshot]
            assert phone.timeline.degraded == ["live"]
