"""What an instance is told of changes that its database does not know: it is read, dropped, and harms nothing."""

import asyncio

import psycopg
import pytest
from msgspec import structs

from protocol.commands import SessionUpdate
from protocol.errors import CloseCode
from protocol.events import ReplySnapshot, SessionChanged, TokenAdded
from protocol.ids import SessionId, UserId
from protocol.model import Session
from server.fanout.frames import frame
from server.store.turns import Turn
from tests.device import Device, device
from tests.hub import Hub, running
from tests.provider import HOLD, provider


def forged(row: Session, seq: int) -> SessionChanged:
    return SessionChanged(seq=seq, sessions=[structs.replace(row, title="Forged", seq=seq)])


async def told(hub: Hub, phone: Device, origin: str | None, ahead: int) -> None:
    """A change that was never made is heard of, as from another instance; `origin` None: of this database."""
    instance = hub.instance
    assert instance is not None
    row = next(iter(phone.timeline.sessions.values()))
    event = forged(row, phone.timeline.seq + ahead)
    instance.hub.hear(UserId("ada"), origin or instance.database.origin, frame(event))


async def renamed(phone: Device, session: SessionId) -> None:
    """What is changed now is heard, as the next number."""
    before = phone.timeline.seq
    await phone.ask(SessionUpdate, Session, session=session, title="Bun")
    await phone.until(lambda: phone.timeline.seq == before + 1)
    assert (phone.timeline.sessions[session].title, phone.closed, phone.gaps) == ("Bun", None, 0)


@pytest.mark.parametrize("ahead", [1, 2, 1_000_000])
async def test_a_change_of_another_database_is_not_told(database_url: str, ahead: int) -> None:
    async with running(database_url) as hub, device(hub) as phone:
        session = await phone.create(title="Pho")
        await told(hub, phone, "7:00000001", ahead)
        await asyncio.sleep(0.5)  # longer than a room waits before it reads
        await renamed(phone, session)


@pytest.mark.parametrize("ahead", [2, 1_000_000])
async def test_a_number_that_was_never_given_is_forgotten_after_one_read(database_url: str, ahead: int) -> None:
    async with running(database_url) as hub, device(hub) as phone:
        session = await phone.create(title="Pho")
        await told(hub, phone, None, ahead)
        assert hub.instance is not None
        [room] = hub.instance.hub.rooms
        assert room.gap
        async with asyncio.timeout(2):
            while room.gap or room.repairing:
                await asyncio.sleep(0.01)
        await renamed(phone, session)


async def test_a_database_that_was_brought_back_to_an_earlier_state_is_noticed(database_url: str) -> None:
    """A snapshot of its disk was restored: its numbers are given again, under the same epoch."""
    async with (
        running(database_url) as hub,
        device(hub) as phone,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as ours,
    ):
        session = await phone.create(title="Pho")
        await renamed(phone, session)
        await ours.execute("UPDATE users SET seq = seq - 1")
        await phone.until(lambda: phone.closed is not None)
        assert phone.closed == CloseCode.RESYNC


async def test_text_of_an_attempt_that_there_is_not_is_let_go_after_one_read(database_url: str) -> None:
    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        session, sent = await phone.begin("Count.")
        await phone.until(lambda: phone.text(sent.reply) == "One ")
        assert hub.instance is not None
        forged = TokenAdded(message=sent.reply, attempt=1_000_000, chunk=5, next=6, text="Forged")
        hub.instance.hub.hear_live(UserId("ada"), session, frame(forged))
        [room] = hub.instance.hub.rooms
        assert room.replies.missing
        async with asyncio.timeout(1):
            while room.replies.missing:
                await asyncio.sleep(0.01)
        tutor.release()
        assert (await phone.settled(sent.reply)).content == "One two."


async def test_of_what_was_told_here_and_what_was_saved_the_longer_is_what_is_written(database_url: str) -> None:
    async with (
        provider(lambda _: [HOLD]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        session, sent = await phone.begin("Count.")
        await tutor.until(lambda: tutor.open == 1)
        assert hub.instance is not None
        told = ReplySnapshot(message=sent.reply, attempt=1, next=10, text="a" * 10)
        hub.instance.hub.hear_live(UserId("ada"), session, frame(told))
        row = Turn(UserId("ada"), sent.reply, session, 1, 0, "us", stop=False, text="a" * 30, chunks=30)
        for turn, text in ((row, 30), (structs.replace(row, text="a", chunks=1), 10)):
            written = hub.instance.turns.so_far(turn)
            assert written is not None
            assert len(written.text) == text
