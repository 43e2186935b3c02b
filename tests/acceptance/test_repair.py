"""What was not told here is read; an attempt past its lease is silent until it has it again."""

import asyncio

import psycopg
import pytest

from protocol.commands import MessageEdit, ReplyStop, SessionUpdate
from protocol.errors import Reason
from protocol.events import Changes
from protocol.ids import UserId
from protocol.model import Message, Session
from server.fanout import watch
from server.turns import ANSWERED_WITHIN
from tests.database_proxy import database_proxy
from tests.device import RefusedError, device
from tests.hub import running
from tests.provider import HOLD, provider


async def test_a_change_that_another_hub_made_is_read_as_soon_as_a_number_is_missing(database_url: str) -> None:
    """P3: two hubs that do not hear each other (there is no broker between them yet) on one database."""
    async with (
        running(database_url) as here,
        running(database_url) as elsewhere,
        device(here, name="phone") as phone,
        device(elsewhere, name="laptop") as laptop,
    ):
        session = await phone.create(title="A")
        await laptop.drop()
        await laptop.connect()
        await laptop.ask(SessionUpdate, Session, session=session, title="B")
        assert phone.timeline.sessions[session].title == "A"
        await phone.ask(SessionUpdate, Session, session=session, mode="learn")
        await phone.until_event(Changes, lambda event: event.seq == 3)
        assert (phone.timeline.sessions[session].title, phone.timeline.sessions[session].mode) == ("B", "learn")
        assert (phone.gaps, phone.timeline.seq) == (0, 3)


async def test_a_settle_whose_commit_was_not_answered_is_heard_all_the_same(database_url: str) -> None:
    """P5: the database ended the reply, the hub was not told so, and its devices learn it."""
    async with (
        database_proxy(database_url) as proxy,
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(proxy.url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        _, sent = await phone.begin("Count.")
        await tutor.held()
        proxy.lose_commit_after(b"DELETE FROM turns")
        tutor.release()
        await proxy.lost.wait()
        reply = await phone.settled(sent.reply)
        assert (reply.status, reply.content, phone.gaps) == ("complete", "One two.", 0)


async def test_an_edit_whose_commit_was_not_answered_is_refused_as_unsure_and_heard(database_url: str) -> None:
    """P1 and P3: it was not acknowledged, it is there, and everybody shows it; said again it is the same."""
    async with (
        database_proxy(database_url) as proxy,
        provider(lambda _: ["Yes."]) as tutor,
        running(proxy.url, tutor.base_url) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="laptop") as laptop,
    ):
        session = await phone.create()
        for each in (phone, laptop):
            await each.until(lambda each=each: session in each.timeline.sessions)
            await each.open(session)
        sent = await phone.send(session, "Is it?")
        await phone.settled(sent.reply)
        proxy.lose_commit_after(b"UPDATE messages")
        with pytest.raises(RefusedError) as refused:
            await phone.ask(MessageEdit, Message, message=sent.message, content="Is it so?")
        assert (refused.value.reason, refused.value.refused.retryable) == (Reason.UNAVAILABLE, True)
        for each in (phone, laptop):
            await each.until(lambda each=each: each.text(sent.message) == "Is it so?")
        again = await phone.ask(MessageEdit, Message, message=sent.message, content="Is it so?")
        assert again.seq == phone.timeline.seq == laptop.timeline.seq


async def test_an_attempt_that_cannot_renew_its_lease_says_nothing_more_until_it_can(database_url: str) -> None:
    """P6: past its lease the turn may be another's, so nothing is told on a guess."""
    async with (
        provider(lambda _: ["One ", HOLD, "two ", HOLD, "three."]) as tutor,
        running(database_url, tutor.base_url, turns={"lease": 0.6, "keep_every": 0.1, "due_every": 60.0}) as hub,
        device(hub) as phone,
        await psycopg.AsyncConnection.connect(database_url) as ours,
    ):
        session, sent = await phone.begin("Count.")
        await phone.until(lambda: phone.text(sent.reply) == "One ")
        await ours.execute("SELECT FROM turns FOR UPDATE")
        await asyncio.sleep(0.7)  # longer than the lease
        tutor.release()
        await tutor.until(lambda: len(tutor._gates) == 1)  # the hub has been sent "two "
        await phone.ask(SessionUpdate, Session, session=session, title="heard after it")
        assert phone.text(sent.reply) == "One "
        await ours.rollback()
        await phone.until(lambda: phone.text(sent.reply) == "One two ")
        tutor.release()
        assert (await phone.settled(sent.reply)).content == "One two three."


async def test_a_reply_that_ends_while_its_lease_cannot_be_renewed_is_settled_whole(database_url: str) -> None:
    """What was heard and could not be told any more is not lost: the settle is fenced by the attempt, not the lease."""
    async with (
        provider(lambda _: ["One ", HOLD, "two ", "three."]) as tutor,
        running(database_url, tutor.base_url, turns={"lease": 0.6, "keep_every": 0.1, "due_every": 60.0}) as hub,
        device(hub) as phone,
        await psycopg.AsyncConnection.connect(database_url) as ours,
    ):
        _, sent = await phone.begin("Count.")
        await phone.until(lambda: phone.text(sent.reply) == "One ")
        await ours.execute("SELECT FROM turns FOR UPDATE")
        await asyncio.sleep(0.7)  # longer than the lease
        tutor.release()
        await tutor.until(lambda: tutor.open == 0)
        await ours.rollback()
        reply = await phone.settled(sent.reply)
        assert (reply.status, reply.content) == ("complete", "One two three.")


async def test_while_a_reply_cannot_be_settled_its_lease_is_kept_and_nobody_else_takes_it_up(database_url: str) -> None:
    limits = {"lease": 2.5, "keep_every": 0.2, "due_every": 0.2}
    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(database_url, tutor.base_url, turns=limits) as hub,
        running(database_url, tutor.base_url, turns=limits),
        device(hub) as phone,
        await psycopg.AsyncConnection.connect(database_url) as ours,
    ):
        _, sent = await phone.begin("Count.")
        await phone.until(lambda: phone.text(sent.reply) == "One ")
        await ours.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        tutor.release()
        await tutor.until(lambda: tutor.open == 0)
        await asyncio.sleep(6.0)  # two leases and more; each try to settle holds the turn's row for a second
        await ours.rollback()
        reply = await phone.settled(sent.reply)
        assert (reply.status, reply.content) == ("complete", "One two.")
        assert len(tutor.requests) == 1


async def test_while_what_a_reply_is_written_from_cannot_be_read_its_lease_is_kept(database_url: str) -> None:
    """No owner is lost by that, so no reply fails by it."""
    limits = {"lease": 1.0, "keep_every": 0.2, "due_every": 0.2, "interruptions": 1}
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, roles="hub") as front,
        device(front) as phone,
        await psycopg.AsyncConnection.connect(database_url) as ours,
    ):
        _, sent = await phone.begin("Well?")
        await ours.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        async with running(database_url, tutor.base_url, turns=limits):
            await asyncio.sleep(4.0)  # four leases, and longer than a statement is waited for
            await ours.rollback()
            reply = await phone.settled(sent.reply)
        assert (reply.status, reply.content) == ("complete", "Yes.")


async def test_a_stop_that_another_hub_was_told_of_is_obeyed(database_url: str) -> None:
    """P7, without a broker: the owner reads it when it next keeps its turn."""
    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(database_url, tutor.base_url, turns={"keep_every": 0.1}) as here,
        device(here, name="phone") as phone,
    ):
        _, sent = await phone.begin("Count.")
        await phone.until(lambda: phone.text(sent.reply) == "One ")
        async with running(database_url, tutor.base_url) as elsewhere, device(elsewhere, name="laptop") as laptop:
            asked = await laptop.ask(ReplyStop, Message, message=sent.reply)
            assert asked.status == "stopped"
            reply = await phone.settled(sent.reply)
            assert (reply.status, reply.content) == ("stopped", "One ")
        await tutor.disconnected()


async def test_those_who_look_for_what_was_missed_go_on_after_an_error_of_any_kind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a table is away for a moment, in a restore: what another hub is told is heard, and answered here."""
    monkeypatch.setattr(watch, "EVERY", 0.1)
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url, turns={"due_every": 0.1}) as hub,
        running(database_url, roles="hub") as front,
        device(hub, name="phone") as phone,
        device(front, name="laptop") as laptop,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as ours,
    ):
        session = await phone.create()
        await phone.open(session)
        await ours.execute("ALTER TABLE turns RENAME TO elsewhere")
        await asyncio.sleep(0.5)
        await ours.execute("ALTER TABLE elsewhere RENAME TO turns")
        sent = await laptop.send(session, "Are you there?")
        reply = await phone.settled(sent.reply)
        assert (reply.status, reply.content) == ("complete", "Yes.")


async def test_a_text_that_cannot_be_kept_does_not_leave_the_reply_open(database_url: str) -> None:
    async with (
        provider(lambda _: ["Unspeakable."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as ours,
    ):
        await ours.execute("ALTER TABLE messages ADD CHECK (content NOT LIKE 'Unspeakable%')")
        _, sent = await phone.begin("Well?")
        reply = await phone.settled(sent.reply)
        assert (reply.status, reply.content) == ("failed", "")
        assert len(tutor.requests) == 1


async def test_a_claim_that_nobody_waits_for_any_more_is_given_back_and_no_owner_was_lost(database_url: str) -> None:
    async with running(database_url, roles="hub") as hub, device(hub) as phone:
        session, sent = await phone.begin("Well?")
        assert hub.instance is not None
        asked_at = asyncio.get_running_loop().time()
        assert await hub.instance.turns._claim(UserId("ada"), session, asked_at - ANSWERED_WITHIN) is None
        claimed = await hub.instance.turns._claim(UserId("ada"), session, asked_at)
        assert claimed is not None
        assert (claimed.message_id, claimed.attempt, claimed.interrupted) == (sent.reply, 2, 0)
