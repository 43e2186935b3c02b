"""What an instance is told of changes that its database does not know: it is read, dropped, and harms nothing."""

import asyncio

import psycopg
import pytest
from msgspec import structs

from protocol.commands import SessionUpdate
from protocol.errors import CloseCode
from protocol.events import SessionChanged
from protocol.ids import SessionId, UserId
from protocol.model import Session
from server.fanout.frames import frame
from tests.device import Device, device
from tests.hub import Hub, running


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
