"""The product over real sockets: one learner, some devices, a tutor that is a real HTTP server."""

import asyncio

import pytest

from protocol.commands import MessageDelete, MessageEdit, ReplyStop
from protocol.events import MessageChanged, MessageRemoved, ReplySnapshot, TypingChanged
from protocol.ids import SessionId, UserId
from protocol.model import Message
from server.store import pages
from server.store.pages import Page, Span
from server.store.pool import Connection
from tests.device import device
from tests.hub import running
from tests.provider import HOLD, provider


async def test_a_question_is_answered_on_both_devices_piece_by_piece(database_url: str) -> None:
    async with (
        provider(lambda _: ["Two ", HOLD, "plus two ", "is four."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="laptop") as laptop,
    ):
        session = await phone.create()
        await phone.open(session)
        await laptop.open(session)
        sent = await phone.send(session, "How much is 2+2?")
        await tutor.held()
        for each in (phone, laptop):
            await each.until(lambda each=each: each.text(sent.reply) == "Two ")
            await each.until_event(TypingChanged, lambda event: event.who == "tutor" and event.active)
        tutor.release()
        for each in (phone, laptop):
            settled = await each.settled(sent.reply)
            assert (settled.content, settled.status) == ("Two plus two is four.", "complete")
        assert phone.timeline.shown_messages(session) == laptop.timeline.shown_messages(session)
        assert phone.timeline.shown_sessions() == laptop.timeline.shown_sessions()
        assert phone.timeline.shown_sessions()[0].title == "How much is 2+2?"


async def test_a_second_device_that_opens_in_mid_reply_has_the_whole_text_at_once_and_then_the_rest(
    database_url: str,
) -> None:
    async with (
        provider(lambda _: ["One ", "two ", HOLD, "three."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
    ):
        session, sent = await phone.begin("Count.")
        await phone.until(lambda: phone.text(sent.reply) == "One two ")
        async with device(hub, name="laptop") as laptop:
            page = await laptop.open(session)
            assert [reply.text for reply in page.replies] == ["One two "]
            tutor.release()
            assert (await laptop.settled(sent.reply)).content == "One two three."


async def test_a_device_that_opens_while_a_reply_begins_is_given_its_text(database_url: str) -> None:
    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
    ):
        for pause in range(24):
            session = await phone.create()
            async with device(hub, name="laptop") as laptop, asyncio.TaskGroup() as group:
                sending = group.create_task(phone.send(session, "Count."))
                await asyncio.sleep(pause / 2_000)  # the page is read somewhere between the send and the first piece
                await laptop.open(session)
                reply = (await sending).reply
                await tutor.held()
                await laptop.until(lambda reply=reply, laptop=laptop: laptop.text(reply) == "One ")
                tutor.release()
                await laptop.settled(reply)


async def test_a_page_that_was_read_before_the_send_joins_the_live_text_without_a_seam(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, with the page's read held up until the reply has begun: its message is not in the page at all."""
    was_read, go_on, read = asyncio.Event(), asyncio.Event(), pages.page

    async def held_up(conn: Connection, user: UserId, session: SessionId, span: Span) -> Page:
        found = await read(conn, user, session, span)
        was_read.set()
        await go_on.wait()
        return found

    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="laptop") as laptop,
        asyncio.TaskGroup() as group,
    ):
        session = await phone.create()
        monkeypatch.setattr(pages, "page", held_up)
        opening = group.create_task(laptop.open(session))
        await was_read.wait()
        sent = await phone.send(session, "Count.")
        await tutor.held()
        go_on.set()
        assert (await opening).messages == []
        assert laptop.text(sent.reply) == "One "
        tutor.release()
        assert (await laptop.settled(sent.reply)).content == "One two."


async def test_a_device_that_lost_its_socket_in_mid_reply_resumes_with_equal_text(database_url: str) -> None:
    async with (
        provider(lambda _: ["One ", "two ", HOLD, "three ", HOLD, "four."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="laptop") as laptop,
    ):
        session = await phone.create()
        await phone.open(session)
        await laptop.open(session)
        sent = await phone.send(session, "Count.")
        await laptop.until(lambda: laptop.text(sent.reply) == "One two ")
        await laptop.drop()
        tutor.release()
        await phone.until(lambda: phone.text(sent.reply) == "One two three ")
        await laptop.connect()
        assert laptop.text(sent.reply) == "One two three "
        tutor.release()
        assert (await laptop.settled(sent.reply)).content == "One two three four."


async def test_a_reply_goes_on_when_nobody_is_connected_any_more(database_url: str) -> None:
    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        session = await phone.create()
        sent = await phone.send(session, "Count.")
        await tutor.held()
        await phone.drop()
        tutor.release()
        await tutor.until(lambda: tutor.open == 0)
        await phone.connect()
        await phone.open(session)
        assert (await phone.settled(sent.reply)).content == "One two."


async def test_a_stop_from_the_other_device_in_mid_reply_keeps_what_was_shown(database_url: str) -> None:
    async with (
        provider(lambda _: ["One ", "two ", HOLD, "three."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="laptop") as laptop,
    ):
        session = await phone.create()
        await phone.open(session)
        await laptop.open(session)
        sent = await phone.send(session, "Count.")
        await laptop.until(lambda: laptop.text(sent.reply) == "One two ")
        stopped = await laptop.ask(ReplyStop, Message, message=sent.reply, seen=2)
        assert (stopped.status, stopped.content) == ("stopped", "One two ")
        await tutor.disconnected()
        assert (await phone.settled(sent.reply)).content == "One two "
        again = await phone.ask(ReplyStop, Message, message=sent.reply)
        assert again == stopped


async def test_a_stop_before_the_first_token_leaves_an_empty_reply(database_url: str) -> None:
    async with (
        provider(lambda _: [HOLD, "too late"]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        _, sent = await phone.begin("Count.")
        await tutor.held()
        stopped = await phone.ask(ReplyStop, Message, message=sent.reply)
        assert (stopped.status, stopped.content) == ("stopped", "")
        await tutor.disconnected()


async def test_a_queued_reply_that_nobody_writes_yet_can_be_stopped_and_the_others_are_written_in_order(
    database_url: str,
) -> None:
    async with (
        provider(lambda request: [request["messages"][-1]["content"].upper(), HOLD]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        session = await phone.create()
        await phone.open(session)
        first, second, third = [await phone.send(session, text) for text in ("one", "two", "three")]
        await tutor.held()
        assert (await phone.ask(ReplyStop, Message, message=second.reply)).status == "stopped"
        tutor.release()
        await tutor.until(lambda: len(tutor.requests) == 2)
        await tutor.held()
        tutor.release()
        assert (await phone.settled(first.reply)).content == "ONE"
        await phone.settled(third.reply)
        assert [said["content"] for said in tutor.requests[1]["messages"][1:]] == ["one", "ONE", "two\n\nthree"]


async def test_edits_and_deletions_are_heard_on_the_other_device(database_url: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="laptop") as laptop,
    ):
        session = await phone.create()
        await phone.open(session)
        await laptop.open(session)
        sent = await phone.send(session, "Is it?")
        await phone.settled(sent.reply)
        await phone.ask(MessageEdit, Message, message=sent.message, content="Is it so?")
        await laptop.until_event(MessageChanged)
        assert laptop.text(sent.message) == "Is it so?"
        await laptop.ask(MessageDelete, Message, message=sent.message)
        await phone.until_event(MessageRemoved)
        assert [row.id for row in phone.timeline.shown_messages(session)] == [sent.reply]
        assert phone.timeline.sessions[session].message_count == 1


async def test_every_attempt_begins_with_a_snapshot(database_url: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        _, sent = await phone.begin("Is it?")
        await phone.settled(sent.reply)
        begun = await phone.until_event(ReplySnapshot)
        assert (begun.message, begun.attempt, begun.next, begun.text) == (sent.reply, 1, 0, "")
