"""P1, P2, P5, P6 of docs/design.md on one instance, and the sends of a crowd.

Long because it is one list, the promises of docs/design.md in their order.
"""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import LiteralString
from uuid import uuid4

import httpx2
import psycopg
import pytest

from protocol.commands import MessageDelete, MessageEdit, MessageSend, ReplyRetry, SessionDelete
from protocol.errors import Reason
from protocol.events import MessageAdded, ReplySettled
from protocol.ids import MessageId, fresh_message_id
from protocol.model import Message, Session
from tests.device import Device, RefusedError, device
from tests.hub import Hub, child, running
from tests.provider import CUT, HOLD, Refuse, provider


async def rows(url: str, query: LiteralString) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url) as conn:
        return await (await conn.execute(query)).fetchall()


async def test_nothing_is_acknowledged_while_its_commit_hangs(database_url: str) -> None:
    """P1: the acknowledgement comes after COMMIT. Here a deferred trigger makes COMMIT wait for a lock of ours."""
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
        await psycopg.AsyncConnection.connect(database_url) as ours,
    ):
        session = await phone.create()
        await ours.execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END'"
        )
        await ours.execute(
            "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON messages DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION wait()"
        )
        await ours.commit()
        await ours.execute("SELECT pg_advisory_lock(7)")
        await ours.commit()
        message = fresh_message_id()
        await phone.say(MessageSend(ref=900, session=session, message=message, content="Is it?"))
        while not (await rows(database_url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")):
            await asyncio.sleep(0.01)
        assert 900 not in phone._answers
        assert not any(isinstance(event, MessageAdded) for event in phone.events)
        await ours.execute("SELECT pg_advisory_unlock(7)")
        await phone.until(lambda: 900 in phone._answers)
        assert (await rows(database_url, "SELECT count(*) FROM messages")) == [(2,)]


async def test_what_was_acknowledged_is_there_after_the_hub_was_killed(database_url: str) -> None:
    """P1, the other way: SIGKILL right after the acknowledgement."""
    async with (
        provider(lambda _: [HOLD]) as tutor,
        child(database_url, tutor.base_url) as first,
        device(first.hub) as phone,
    ):
        session = await phone.create()
        sent = [await phone.send(session, f"message {number}") for number in range(5)]
        await first.kill()
        kept = await rows(database_url, "SELECT id FROM messages WHERE type = 'user' ORDER BY position")
        assert [row[0] for row in kept] == [one.message for one in sent]


async def test_a_send_that_is_repeated_is_answered_the_same_whatever_became_of_it(database_url: str) -> None:
    """P2."""
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada")) as rest,
    ):
        session, message = await phone.create(), fresh_message_id()
        first = await phone.send(session, "Is it?", message)
        await phone.open(session)
        await phone.settled(first.reply)

        async def repeat() -> None:
            assert await phone.send(session, "Is it?", message) == first
            answer = await rest.post(
                f"/api/sessions/{session}/messages", json={"id": str(message), "content": "Is it?"}
            )
            assert (answer.status_code, answer.json()["reply"]) == (201, str(first.reply))
            with pytest.raises(RefusedError) as refused:
                await phone.send(session, "Is it not?", message)
            assert refused.value.reason is Reason.IDEMPOTENCY_CONFLICT
            with pytest.raises(RefusedError) as refused:
                await phone.send(await phone.create(), "Is it?", message)
            assert refused.value.reason is Reason.IDEMPOTENCY_CONFLICT

        await repeat()
        await phone.ask(MessageEdit, Message, message=message, content="Is it so?")
        await repeat()
        await phone.ask(MessageDelete, Message, message=message)
        await repeat()
        await phone.ask(SessionDelete, Session, session=session)
        await repeat()
        assert (await rows(database_url, "SELECT count(*) FROM messages")) == [(2,)]


async def test_the_same_send_at_the_same_time_on_many_sockets_adds_one_message_and_burns_no_number(
    database_url: str,
) -> None:
    """P2 and P3: lock, then check, then insert."""
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada")) as rest,
    ):
        session = await phone.create()
        for _ in range(10):
            body = {"id": str(uuid4()), "content": "Is it?"}
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(rest.post(f"/api/sessions/{session}/messages", json=body)) for _ in range(8)]
            assert len({task.result().text for task in asked}) == 1
        await phone.until(lambda: sum(isinstance(event, ReplySettled) for event in phone.events) == 10)
        assert phone.timeline.seq == 1 + 10 + 10
        assert phone.gaps == 0


async def test_a_hundred_sends_at_once_each_said_three_times_are_a_hundred_messages_and_replies(
    database_url: str,
) -> None:
    async with (
        provider(lambda request: ["Re: ", request["messages"][-1]["content"][-9:]]) as tutor,
        running(database_url, tutor.base_url, turns={"pending": 100}) as hub,
        device(hub) as phone,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada"), timeout=30) as rest,
    ):
        session = await phone.create()
        bodies = [{"id": str(uuid4()), "content": f"number {number:02}"} for number in range(100)]

        async def send(body: dict[str, str]) -> str:
            while (answer := await rest.post(f"/api/sessions/{session}/messages", json=body)).status_code == 503:
                pass  # the queue for a connection is bounded; what is refused can be said again
            assert answer.status_code == 201, answer.text
            return answer.text

        async with asyncio.TaskGroup() as group:
            sends = [group.create_task(send(body)) for body in bodies * 3]
        assert len({task.result() for task in sends}) == 100
        await phone.until(lambda: sum(isinstance(event, ReplySettled) for event in phone.events) == 100)
        row = phone.timeline.sessions[session]
        assert (row.message_count, row.seq, phone.timeline.seq) == (200, 201, 201)
        held = await rows(database_url, "SELECT position, type, status, reply_to, id FROM messages ORDER BY position")
        assert [each[0] for each in held] == list(range(1, 201))
        assert [each[1] for each in held] == ["user", "assistant"] * 100
        assert all(
            reply[2] == "complete" and reply[3] == asked[4] for asked, reply in zip(held[::2], held[1::2], strict=True)
        )
        told = [event.seq for event in phone.events if isinstance(event, MessageAdded | ReplySettled)]
        assert told == list(range(2, 202))


@pytest.mark.parametrize(
    ("script", "status", "code", "content"),
    [
        (["One ", "two."], "complete", None, "One two."),
        ([Refuse(401)], "failed", "provider_auth", ""),
        (["One ", CUT], "failed", "provider_cut", "One "),
    ],
)
async def test_every_reply_ends_once_and_a_device_that_was_away_learns_it(
    database_url: str, script: list[object], status: str, code: str | None, content: str
) -> None:
    """P5."""
    async with (
        provider(lambda _: [*script]) as tutor,  # pyright: ignore[reportArgumentType]
        running(database_url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="laptop") as laptop,
    ):
        session = await phone.create()
        await laptop.until(lambda: session in laptop.timeline.sessions)
        await laptop.open(session)
        await laptop.drop()
        await phone.open(session)
        sent = await phone.send(session, "Count.")
        for each in (phone, laptop):
            if each is laptop:
                await laptop.connect()
            reply = await each.settled(sent.reply)
            assert (reply.status, reply.content) == (status, content)
            assert (reply.metadata and reply.metadata.failure and reply.metadata.failure.code) == code
        settled = Counter(row.id for event in phone.events if isinstance(event, ReplySettled) for row in event.messages)
        assert settled == {sent.reply: 1}
        assert await rows(database_url, "SELECT count(*) FROM turns") == [(0,)]


async def test_a_failure_before_the_first_token_is_tried_again_and_nobody_sees_it(database_url: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        tutor.next([Refuse(503)], [Refuse(429)])
        _, sent = await phone.begin("Is it?")
        reply = await phone.settled(sent.reply)
        assert (reply.status, reply.content, len(tutor.requests)) == ("complete", "Yes.", 3)


async def test_without_a_tutor_a_reply_fails_at_once_and_says_how_to_connect_one(database_url: str) -> None:
    async with running(database_url) as hub, device(hub) as phone:
        assert phone.welcome is not None
        assert "OPENAI_BASE_URL" in phone.welcome.tutor.note
        _, sent = await phone.begin("Is it?")
        reply = await phone.settled(sent.reply)
        assert reply.metadata is not None
        assert reply.metadata.failure is not None
        assert (reply.status, reply.content, reply.metadata.failure.code) == ("failed", "", "no_tutor")
        assert "OPENAI_BASE_URL" in reply.metadata.failure.detail


async def test_a_failed_reply_can_be_tried_again_as_a_new_reply_to_the_same_message(database_url: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        tutor.next(["Y", CUT])
        session, sent = await phone.begin("Is it?")
        assert (await phone.settled(sent.reply)).status == "failed"
        again = await phone.ask(ReplyRetry, Message, message=sent.reply)
        assert (again.reply_to, again.position, again.status) == (sent.message, 3, "pending")
        assert (await phone.settled(again.id)).content == "Yes."
        assert [row.id for row in phone.timeline.shown_messages(session)] == [sent.message, again.id]
        assert phone.timeline.sessions[session].message_count == 2


@pytest.mark.parametrize(
    ("script", "turns", "code"),
    [
        ([HOLD], {"first_token": 0.3}, "no_first_token"),
        (["One ", HOLD], {"silence": 0.3}, "silent"),
        (["One "] * 200, {"whole": 0.3}, "too_long"),
    ],
)
async def test_a_tutor_that_takes_too_long_is_cut_off(
    database_url: str, script: list[object], turns: dict[str, float], code: str
) -> None:
    async with (
        provider(lambda _: [*script], delay=0.01 if code == "too_long" else 0.0) as tutor,  # pyright: ignore[reportArgumentType]
        running(database_url, tutor.base_url, turns=turns) as hub,
        device(hub) as phone,
    ):
        _, sent = await phone.begin("Count.")
        reply = await phone.settled(sent.reply)
        assert reply.metadata is not None
        assert reply.metadata.failure is not None
        assert (reply.status, reply.metadata.failure.code) == ("failed", code)
        assert reply.content == ("" if code == "no_first_token" else "One " * (len(reply.content) // 4))
        await tutor.disconnected()


async def test_an_endless_reply_is_cut_at_a_letter_and_says_so(database_url: str) -> None:
    async with (
        provider(lambda _: ["äöü" * 100] * 10_000) as tutor,
        running(database_url, tutor.base_url, turns={"reply_bytes": 10_001}) as hub,
        device(hub) as phone,
    ):
        _, sent = await phone.begin("Count.")
        reply = await phone.settled(sent.reply)
        assert (reply.status, reply.content) == ("complete", ("äöü" * 10_000)[:5_000])
        assert reply.metadata is not None
        assert reply.metadata.truncated is True
        await tutor.disconnected()


async def test_a_reply_that_a_killed_hub_left_open_is_taken_up_by_the_next(database_url: str) -> None:
    """P5 and P6: the same message goes on, as another attempt, which begins with a snapshot without text."""
    lease = {"TUTORHUB_TURN_LEASE": "1", "TUTORHUB_TURN_DUE_EVERY": "0.2", "TUTORHUB_TURN_KEEP_EVERY": "0.1"}
    async with provider(lambda _: ["One ", HOLD, "two."]) as tutor:
        async with child(database_url, tutor.base_url, **lease) as first, device(first.hub) as phone:
            _, sent = await phone.begin("Count.")
            await phone.until(lambda: phone.text(sent.reply) == "One ")
            await first.kill()
            await phone.until(lambda: phone.closed is not None)
            async with child(database_url, tutor.base_url, **lease) as second:
                phone.hub = second.hub
                await phone.connect()
                await tutor.held(1)
                await phone.until(lambda: phone.timeline.replies[sent.reply].attempt == 2)
                tutor.release()
                reply = await phone.settled(sent.reply)
                assert (reply.content, reply.status) == ("One two.", "complete")


async def test_a_hub_that_leaves_releases_its_turns_and_says_when_to_come_back(database_url: str) -> None:
    async with provider(lambda _: ["One ", HOLD, "two."]) as tutor:
        async with child(database_url, tutor.base_url) as first, device(first.hub) as phone:
            _, sent = await phone.begin("Count.")
            await phone.until(lambda: phone.text(sent.reply) == "One ")
            assert await first.end() == 0
            await phone.until(lambda: phone.closed is not None)
            assert phone.closed == 4000
            assert await rows(database_url, "SELECT owner, text FROM turns") == [(None, "One ")]
            async with child(database_url, tutor.base_url) as second:
                phone.hub = second.hub
                await phone.connect()
                await tutor.held()
                tutor.release()
                assert (await phone.settled(sent.reply)).content == "One two."


async def test_restarts_in_good_order_do_not_use_up_a_reply(database_url: str) -> None:
    async with provider(lambda _: ["One ", HOLD, "two."]) as tutor, AsyncExitStack() as stack:
        phone = await stack.enter_async_context(Device(Hub(0), "ada"))
        sent = None
        for _ in range(5):
            async with running(database_url, tutor.base_url) as hub:
                phone.hub = hub
                await phone.connect()
                if sent is None:
                    _, sent = await phone.begin("Count.")
                await phone.until(lambda sent=sent: phone.text(sent.reply) == "One ")
        async with running(database_url, tutor.base_url) as hub:
            phone.hub = hub
            await phone.connect()
            await tutor.held()
            tutor.release()
            assert sent is not None
            assert (await phone.settled(sent.reply)).content == "One two."


async def test_a_reply_whose_owners_are_lost_again_and_again_fails_with_its_text(database_url: str) -> None:
    async with (
        provider(lambda _: ["One ", HOLD]) as tutor,
        running(database_url, tutor.base_url, turns={"keep_every": 0.1}) as hub,
        device(hub) as phone,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn,
    ):
        _, sent = await phone.begin("Count.")
        for lost in range(1, 4):
            await phone.until(lambda lost=lost: _attempt_shown(phone, sent.reply) == 2 * lost - 1)
            await phone.until(lambda: phone.text(sent.reply) == "One ")
            await conn.execute("UPDATE turns SET text = 'One ', attempt = attempt + 1, lease_until = now()")
        reply = await phone.settled(sent.reply)
        assert reply.metadata is not None
        assert reply.metadata.failure is not None
        assert (reply.status, reply.content, reply.metadata.failure.code) == ("failed", "One ", "interrupted")


async def test_an_attempt_that_was_taken_over_writes_nothing_more(database_url: str) -> None:
    """P6: what a former owner says after another has claimed the turn is refused, and it falls silent."""
    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(database_url, tutor.base_url, turns={"keep_every": 0.1}) as hub,
        device(hub) as phone,
    ):
        _, sent = await phone.begin("Count.")
        await phone.until(lambda: phone.text(sent.reply) == "One ")
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
            await conn.execute(
                "UPDATE turns SET attempt = 2, owner = 'another', lease_until = now() + interval '1 min'"
            )
        await tutor.disconnected()
        assert phone.text(sent.reply) == "One "
        assert await rows(database_url, "SELECT status, content FROM messages WHERE type = 'assistant'") == [
            ("pending", "")
        ]
        assert await rows(database_url, "SELECT attempt, owner FROM turns") == [(2, "another")]


async def test_a_settle_of_a_former_attempt_is_refused(database_url: str) -> None:
    """P6, where the former owner comes to its end before it notices."""
    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(database_url, tutor.base_url, turns={"keep_every": 60.0, "lease": 600.0}) as hub,
        device(hub) as phone,
    ):
        _, sent = await phone.begin("Count.")
        await phone.until(lambda: phone.text(sent.reply) == "One ")
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
            await conn.execute(
                "UPDATE turns SET attempt = 2, owner = 'another', lease_until = now() + interval '1 min'"
            )
        tutor.release()
        assert hub.instance is not None
        while hub.instance.turns._attempts:
            await asyncio.sleep(0.01)  # until the former owner has come to its end
        assert await rows(database_url, "SELECT status FROM messages WHERE type = 'assistant'") == [("pending",)]
        assert not any(isinstance(event, ReplySettled) for event in phone.events)


async def test_too_many_pending_replies_are_refused_until_some_have_ended(database_url: str) -> None:
    async with (
        provider(lambda _: [HOLD, "Yes."]) as tutor,
        running(database_url, tutor.base_url, turns={"pending": 2}) as hub,
        device(hub) as phone,
    ):
        session = await phone.create()
        await phone.open(session)
        first = await phone.send(session, "one")
        await phone.send(session, "two")
        with pytest.raises(RefusedError) as refused:
            await phone.send(session, "three")
        assert (refused.value.reason, refused.value.refused.retryable) == (Reason.TOO_MANY_PENDING, True)
        await tutor.held()
        tutor.release()
        await phone.settled(first.reply)
        await phone.send(session, "three")


async def test_an_edit_of_a_message_that_is_being_answered_is_refused_and_of_a_queued_one_is_used(
    database_url: str,
) -> None:
    async with (
        provider(lambda request: [request["messages"][-1]["content"], HOLD]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        session = await phone.create()
        await phone.open(session)
        first, second = await phone.send(session, "one"), await phone.send(session, "two")
        await tutor.held()
        with pytest.raises(RefusedError) as refused:
            await phone.ask(MessageEdit, Message, message=first.message, content="uno")
        assert refused.value.reason is Reason.REPLY_RUNNING
        await phone.ask(MessageEdit, Message, message=second.message, content="due")
        tutor.release()
        await tutor.until(lambda: len(tutor.requests) == 2)
        await tutor.held()
        tutor.release()
        assert (await phone.settled(second.reply)).content == "due"


async def test_deleting_a_session_ends_its_replies_and_it_can_be_restored(database_url: str) -> None:
    from protocol.commands import SessionRestore

    async with (
        provider(lambda _: ["One ", HOLD]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        session = await phone.create()
        await phone.open(session)
        first = await phone.send(session, "one")
        second = await phone.send(session, "two")
        await phone.until(lambda: phone.text(first.reply) == "One ")
        await phone.ask(SessionDelete, Session, session=session)
        await tutor.disconnected()
        assert phone.timeline.shown_sessions() == []
        assert await rows(database_url, "SELECT count(*) FROM turns") == [(0,)]
        await phone.ask(SessionRestore, Session, session=session)
        page = await phone.open(session)
        assert [(row.status, row.content) for row in page.messages if row.type == "assistant"] == [
            ("stopped", "One "),
            ("stopped", ""),
        ]
        assert {first.reply, second.reply} == {MessageId(row.id) for row in page.messages if row.status}


def _attempt_shown(device: Device, reply: MessageId) -> int:
    held = device.timeline.replies.get(reply)
    return held.attempt if held else 0
