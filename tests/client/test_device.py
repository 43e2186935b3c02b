"""Tests of what the name says. Long because the client's behaviours share one stage and are read as one list."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import psycopg
import pytest

from client.device import Device, connect
from client.errors import CommandRefused, ConnectionLost, GaveUp
from client.outbox import Outbox, State
from client.watchers import Away, Happening, Happenings, InStep
from protocol import model
from protocol.errors import CloseCode, Reason
from protocol.events import Changes, Draining, MessageAdded, Snapshot, TokenAdded
from protocol.ids import MessageId, fresh_message_id, fresh_session_id
from protocol.timeline import Timeline
from tests.client.stage import LASTS, stage
from tests.hub import child
from tests.provider import HOLD


def shows(device: Device, reply: MessageId) -> str:
    message = device.timeline.messages.get(reply)
    return device.timeline.text_of(message) if message else ""


def status(device: Device, reply: MessageId) -> str | None:
    message = device.timeline.messages.get(reply)
    return message.status if message else None


async def until_away(events: Happenings) -> AsyncGenerator[Happening]:
    """What comes, with the first loss."""
    async for event in events:
        yield event
        if isinstance(event, Away):
            return


async def first_away(events: Happenings) -> Away:
    *_, away = [event async for event in until_away(events)]
    assert isinstance(away, Away)
    return away


def aways(events: Happenings) -> list[Away]:
    """The losses so far."""
    return [event for event in events.heard() if isinstance(event, Away)]


def source_of(answers: deque[Any]) -> Callable[[], Awaitable[str]]:
    """Gives one after the other; an error is raised."""

    async def source() -> str:
        answer = answers.popleft()
        if isinstance(answer, OSError):
            raise answer
        return answer

    return source


async def settled(device: Device, reply: MessageId) -> str:
    await device.until(lambda _: status(device, reply) not in (None, "pending"))
    return shows(device, reply)


async def same(one: Device, other: Device) -> None:
    """Both have come to the same number, and show the same."""
    await other.until(lambda timeline: timeline.seq >= one.timeline.seq)
    assert one.timeline.shown_sessions() == other.timeline.shown_sessions()
    assert one.timeline.messages == other.timeline.messages


async def test_what_was_acknowledged_is_in_the_timeline_and_is_answered(database_url: str) -> None:
    async with stage(database_url) as on, on.device() as device:
        session = await device.create_session(title="Numbers")
        await device.open(session.id)
        sent = await device.send(session.id, "two")
        assert device.timeline.seq >= sent.seq
        assert device.timeline.messages[sent.message].content == "two"
        assert await settled(device, sent.reply) == "You said: two"


async def test_two_devices_show_the_same(database_url: str) -> None:
    async with stage(database_url) as on, on.device("phone") as phone, on.device("laptop") as laptop:
        session = await phone.create_session(title="Ours")
        await laptop.until(lambda timeline: session.id in timeline.sessions)
        await phone.open(session.id)
        await laptop.open(session.id)
        sent = await phone.send(session.id, "hello")
        assert await settled(laptop, sent.reply) == "You said: hello"
        await laptop.update_session(session.id, title="Renamed", mode="learn")
        await laptop.edit(sent.message, "hello again")
        await phone.until(lambda timeline: timeline.messages[sent.message].content == "hello again")
        assert phone.timeline.sessions[session.id].title == "Renamed"
        await same(phone, laptop)


async def test_every_command_is_answered(database_url: str) -> None:
    async with stage(database_url) as on, on.device() as device:
        session = await device.create_session(title="All of it")
        await device.open(session.id)
        sent = await device.send(session.id, "apples and pears")
        await settled(device, sent.reply)
        assert [hit.session.id for hit in (await device.search("apples pea")).hits] == [session.id]
        assert [row.id for row in (await device.list()).sessions] == [session.id]
        again = await device.retry(sent.reply)
        assert await settled(device, again.id) == "You said: apples and pears"
        assert (await device.mark_read(session.id, sent.seq)).read_seq == sent.seq
        await device.delete(sent.message)
        await device.until(lambda timeline: timeline.messages[sent.message].deleted_at is not None)
        await device.delete_session(session.id)
        assert device.timeline.shown_sessions() == []
        assert (await device.restore_session(session.id)).title == "All of it"
        assert [row.id for row in device.timeline.shown_sessions()] == [session.id]
        await device.close(session.id)
        assert device.timeline.messages == {}


async def test_older_pages_are_read_down_to_the_first(database_url: str) -> None:
    async with stage(database_url) as on, on.device() as device:
        session = await device.create_session(title="Long")
        for number in range(3):
            await device.send(session.id, f"message {number}")
        page = await device.open(session.id, limit=2)
        assert [row.position for row in page.messages] == [5, 6]
        while await device.open_older(session.id):
            pass
        assert [row.position for row in device.timeline.shown_messages(session.id)] == [1, 2, 3, 4, 5, 6]
        assert not await device.list_older()


async def test_a_refusal_says_why_and_keeps_the_text(database_url: str) -> None:
    async with stage(database_url) as on, on.device() as device:
        session = fresh_session_id()
        with pytest.raises(CommandRefused) as refused:
            await device.send(session, "to nowhere")
        assert refused.value.problem.code is Reason.NOT_FOUND
        [item] = device.outbox.failed()
        assert item.command.content == "to nowhere"  # type: ignore[union-attr]
        await device.create_session(session=session)
        await device.send(session, "to nowhere", message=item.command.message)  # type: ignore[union-attr]
        assert device.outbox.failed() == []


async def test_a_send_that_the_hub_cannot_do_now_is_done_when_it_can(database_url: str) -> None:
    async with (
        stage(database_url) as on,
        on.device() as device,
        await psycopg.AsyncConnection.connect(database_url) as ours,
        asyncio.TaskGroup() as group,
    ):
        session = await device.create_session(title="Locked")
        await ours.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        sends = [group.create_task(device.send(session.id, f"message {number}")) for number in range(2)]
        while max(item.times for item in device.outbox) < 2:
            await asyncio.sleep(0.05)
        assert (len(device.outbox.unsettled()), device.outbox.failed()) == (2, [])
        await ours.rollback()
        assert sorted([(await send).position for send in sends]) == [1, 3]


async def test_a_send_whose_answer_was_lost_is_said_again_and_adds_nothing(database_url: str) -> None:
    async with (
        stage(database_url) as on,
        on.device("phone", url=on.network.url) as phone,
        on.device("laptop") as laptop,
    ):
        session = await phone.create_session(title="Tunnel")
        await laptop.open(session.id)
        on.network.swallow()
        async with asyncio.TaskGroup() as group:
            sends = [group.create_task(phone.send(session.id, f"message {number}")) for number in range(5)]
            await laptop.until(lambda timeline: len(timeline.shown_messages(session.id)) == 10)
            assert not any(send.done() for send in sends)
            on.network.cut()
        await phone.open(session.id)
        shown = phone.timeline.shown_messages(session.id)
        assert [row.content for row in shown if row.type == "user"] == [f"message {number}" for number in range(5)]
        assert [send.result().message for send in sends] == [row.id for row in shown if row.type == "user"]
        await same(phone, laptop)


async def test_what_is_said_without_a_network_is_said_in_order_when_it_is_back(database_url: str) -> None:
    async with stage(database_url) as on, on.device(url=on.network.url) as device:
        session = await device.create_session(title="Cellar")
        on.network.unplug()
        await device.until(lambda _: not device.is_in_step)
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(device.send(session.id, f"message {number}"))
            group.create_task(asyncio.to_thread(on.network.plug))
        page = await device.open(session.id)
        assert [row.content for row in page.messages if row.type == "user"] == [f"message {n}" for n in range(12)]


async def test_a_reply_that_goes_on_while_the_device_is_away_is_whole_afterwards(database_url: str) -> None:
    async with stage(database_url) as on:
        on.tutor.next(["one ", HOLD, "two ", HOLD, "three ", HOLD, "four"])
        async with on.device("phone", url=on.network.url) as phone, on.device("laptop") as laptop:
            session = await phone.create_session()
            await phone.open(session.id)
            await laptop.open(session.id)
            sent = await phone.send(session.id, "count")
            await phone.until(lambda _: shows(phone, sent.reply) == "one ")
            on.network.unplug()
            await on.tutor.held()
            on.tutor.release()
            await laptop.until(lambda _: shows(laptop, sent.reply) == "one two ")
            on.network.plug()
            await phone.until(lambda _: shows(phone, sent.reply) == "one two ")
            for text in ("one two three ", "one two three four"):
                await on.tutor.held()
                on.tutor.release()
                await phone.until(lambda _, text=text: shows(phone, sent.reply) == text)
            assert await settled(phone, sent.reply) == await settled(laptop, sent.reply) == "one two three four"
            await same(phone, laptop)


async def test_another_device_stops_a_reply(database_url: str) -> None:
    async with stage(database_url) as on:
        on.tutor.next(["so far ", HOLD, "never said"])
        async with on.device("phone") as phone, on.device("laptop") as laptop:
            session = await phone.create_session()
            await phone.open(session.id)
            await laptop.open(session.id)
            sent = await phone.send(session.id, "talk")
            await laptop.until(lambda _: shows(laptop, sent.reply) == "so far ")
            stopped = await laptop.stop(sent.reply)
            assert (stopped.status, stopped.content) == ("stopped", "so far ")
            assert await settled(phone, sent.reply) == "so far "


async def test_another_device_sees_who_is_typing(database_url: str) -> None:
    async with stage(database_url) as on:
        on.tutor.next([HOLD, "yes"])
        async with on.device("phone") as phone, on.device("laptop") as laptop:
            session = await phone.create_session()
            await phone.open(session.id)
            await laptop.open(session.id)
            phone.typing(session.id, active=True)
            await laptop.until(lambda timeline: "phone" in [typist.name for typist in timeline.typists.values()])
            phone.typing(session.id, active=False)
            await laptop.until(lambda timeline: not timeline.typists)
            await phone.send(session.id, "are you typing?")
            await laptop.until(lambda timeline: any(who == "tutor" for _, who in timeline.typists))
            await on.tutor.held()
            on.tutor.release()
            await laptop.until(lambda timeline: not timeline.typists)


async def test_what_comes_is_told_after_it_was_applied(database_url: str) -> None:
    async with stage(database_url) as on, on.device(url=on.network.url) as device:
        events = device.events()
        session = await device.create_session()
        await device.open(session.id)
        sent = await device.send(session.id, "hello")
        await settled(device, sent.reply)
        on.network.cut()
        heard: list[type[Happening]] = []
        async for event in events:
            heard.append(type(event))
            if isinstance(event, InStep) and Away in heard:
                break
        assert heard.index(InStep) < heard.index(MessageAdded) < heard.index(TokenAdded) < heard.index(Away)
        assert heard.count(Snapshot) <= 1
        assert heard.index(Away) < heard.index(Changes), "it resumed where it had been"


async def test_a_retry_in_flight_is_not_said_again(database_url: str) -> None:
    async with (
        stage(database_url) as on,
        on.device("phone", url=on.network.url) as phone,
        on.device("laptop") as laptop,
    ):
        session = await phone.create_session()
        await phone.open(session.id)
        await laptop.open(session.id)
        sent = await phone.send(session.id, "again?")
        await settled(phone, sent.reply)
        on.network.swallow()
        async with asyncio.TaskGroup() as group:
            retry = group.create_task(_failing_retry(phone, sent.reply))
            await laptop.until(lambda timeline: timeline.messages[sent.reply].deleted_at is not None)
            on.network.cut()
            await retry
        await phone.until(lambda timeline: timeline.messages[sent.reply].deleted_at is not None)
        assert len(phone.timeline.shown_messages(session.id)) == 2


async def _failing_retry(device: Device, reply: MessageId) -> None:
    with pytest.raises(ConnectionLost):
        await device.retry(reply)


async def test_a_deletion_whose_answer_was_lost_is_done(database_url: str) -> None:
    async with (
        stage(database_url) as on,
        on.device("phone", url=on.network.url) as phone,
        on.device("laptop") as laptop,
    ):
        session = await phone.create_session(title="Gone")
        await laptop.until(lambda timeline: session.id in timeline.sessions)
        on.network.swallow()
        async with asyncio.TaskGroup() as group:
            group.create_task(phone.delete_session(session.id))
            await laptop.until(lambda timeline: not timeline.shown_sessions())
            on.network.cut()
        assert phone.timeline.shown_sessions() == []


async def test_a_wrong_token_is_given_up_with_the_reason(database_url: str) -> None:
    async with stage(database_url) as on, on.device(token="x.y.z") as device:
        with pytest.raises(GaveUp) as gave_up:
            await device.in_step()
        assert gave_up.value.code == CloseCode.UNAUTHENTICATED
        assert gave_up.value.problem is not None
        assert gave_up.value.problem.code is Reason.UNAUTHENTICATED
        with pytest.raises(GaveUp):
            await device.create_session()
        with pytest.raises(GaveUp):
            await anext(aiter(device.events()))


async def test_a_token_is_renewed_before_it_expires(database_url: str) -> None:
    async with stage(database_url) as on:
        tokens = deque([on.hub.token("ada", lifetime=2), on.hub.token("ada")])

        async def source() -> str:
            return tokens.popleft()

        async with on.device(token=source) as device:
            events = device.events()
            await device.until(lambda _: not tokens)
            await asyncio.sleep(2.5)  # past the end of the first one
            await device.create_session()
            assert not aways(events)


async def test_an_expired_token_is_replaced_by_a_fresh_one(database_url: str) -> None:
    async with stage(database_url) as on:
        answers = deque([on.hub.token("ada", lifetime=1), OSError("no network"), on.hub.token("ada")])
        async with on.device(token=source_of(answers)) as device:
            events = device.events()
            await device.in_step()
            await device.until(lambda _: not answers and device.is_in_step)
            assert [away.code for away in aways(events)] == [CloseCode.TOKEN_EXPIRED]


async def test_a_fresh_token_that_is_refused_is_given_up(database_url: str) -> None:
    async with stage(database_url) as on:
        tokens = deque([on.hub.token("ada", lifetime=-60), on.hub.token("ada")])

        async def source() -> str:
            return tokens.popleft()

        async with on.device(token=source) as device:
            with pytest.raises(GaveUp):
                await device.in_step()
        assert len(tokens) == 1


async def test_a_token_that_expired_without_a_network_is_replaced(database_url: str) -> None:
    async with stage(database_url) as on:
        answers = deque([on.hub.token("ada", lifetime=1), OSError("no network"), on.hub.token("ada")])
        async with on.device(token=source_of(answers), url=on.network.url) as device:
            await device.in_step()
            on.network.unplug()
            await asyncio.sleep(1.5)  # past the end of the first one
            on.network.plug()
            await device.in_step()
            assert not answers


async def test_a_hub_of_another_epoch_is_told_again_what_it_acknowledged(database_url: str) -> None:
    async with stage(database_url) as on:
        outbox, timeline = Outbox(), Timeline()
        async with on.device(outbox=outbox, timeline=timeline, user="ada") as device:
            session = await device.create_session(title="Kept")
            await device.open(session.id)
            sent = await device.send(session.id, "remember me")
            await settled(device, sent.reply)
        timeline.epoch = "another"  # as if all of this had been said to a hub that has forgotten it since
        async with on.device(outbox=outbox, timeline=timeline, user="lin") as device:
            await device.until(lambda _: all(item.state is State.ACKED for item in outbox))
            page = await device.open(session.id)
            assert (page.messages[0].id, page.messages[0].content) == (sent.message, "remember me")


async def test_what_was_open_is_open_again_at_a_hub_that_has_forgotten_it(database_url: str) -> None:
    async with stage(database_url) as on:
        asked = "remember me"
        outbox, timeline = Outbox(), Timeline()
        async with on.device(outbox=outbox, timeline=timeline, user="ada") as device:
            session = await device.create_session(title="Kept")
            await device.open(session.id)
            sent = await device.send(session.id, asked)
            await settled(device, sent.reply)
        timeline.epoch = "another"  # as if all of this had been said to a hub that has forgotten it since
        async with on.device(outbox=outbox, timeline=timeline, user="lin") as device:
            await device.until(lambda _: timeline.epoch != "another")
            await device.until(lambda _: [row.content for row in timeline.shown_messages(session.id)][:1] == [asked])


async def test_a_number_that_is_missing_makes_the_device_come_back(database_url: str) -> None:
    async with stage(database_url) as on, on.device("phone") as phone, on.device("laptop") as laptop:
        await phone.in_step()
        events = phone.events()
        session = await laptop.create_session(title="first")
        await phone.until(lambda timeline: session.id in timeline.sessions)
        phone.timeline.seq -= 1  # as if it had missed the last one
        del phone.timeline.sessions[session.id]
        await laptop.create_session(title="second")
        assert (await first_away(events)).code == CloseCode.RESYNC
        await phone.until(lambda timeline: len(timeline.shown_sessions()) == 2)
        await same(phone, laptop)


async def test_a_hub_that_leaves_says_when_to_come_back(database_url: str) -> None:
    async with asyncio.timeout(LASTS), child(database_url) as leaving:
        who = model.Device(id="phone", name="phone")
        async with connect(leaving.hub.url, leaving.hub.token("ada"), who) as device:
            await device.in_step()
            events = device.events()
            leaving.process.terminate()
            *_, invited, away = [event async for event in until_away(events) if isinstance(event, Draining | Away)]
            assert isinstance(invited, Draining)
            assert isinstance(away, Away)
            assert away.back_in == invited.reconnect_in_ms / 1_000


async def test_an_error_in_the_block_comes_out_as_it_is(database_url: str) -> None:
    async with stage(database_url) as on:
        with pytest.raises(LookupError):
            async with on.device():
                raise LookupError


async def test_who_waits_when_the_device_is_closed_is_told(database_url: str) -> None:
    async with stage(database_url) as on:
        on.network.unplug()
        async with asyncio.TaskGroup() as group:
            async with on.device(url=on.network.url) as device:
                waiting = group.create_task(_failing_send(device))
                await asyncio.sleep(0)
            await waiting
        assert [item.content for item in device.outbox.unsettled()] == ["unheard"]


async def _failing_send(device: Device) -> None:
    with pytest.raises(ConnectionLost):
        await device.send(fresh_session_id(), "unheard", message=fresh_message_id())


async def test_more_commands_at_once_than_the_hub_takes_are_all_done(database_url: str) -> None:
    async with stage(database_url) as on, on.device() as device, asyncio.TaskGroup() as group:
        await device.in_step()
        events = device.events()
        sessions = [group.create_task(device.create_session(title=str(number))) for number in range(260)]
        await asyncio.wait(sessions)
        assert not aways(events)
        assert sorted(task.result().title for task in sessions) == sorted(map(str, range(260)))
