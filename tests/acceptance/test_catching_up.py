"""A device that was long away gets everything, page by page. Who reads slowly: see test_pressure.py."""

from protocol.commands import MessageSend
from protocol.events import Changes, ReplySettled, Snapshot
from protocol.ids import fresh_message_id
from server.store.timeline import CHANGES_PAGE
from tests.device import device
from tests.hub import running
from tests.provider import provider

LONG = "x" * 8_000


async def test_a_device_that_was_long_away_gets_page_after_page_and_then_what_is_live(database_url: str) -> None:
    async with (
        provider(lambda _: [LONG] * 6) as tutor,
        running(database_url, tutor.base_url, turns={"pending": 100}) as hub,
        device(hub, name="phone") as phone,
        device(hub, name="laptop") as laptop,
    ):
        session = await phone.create()
        await laptop.until(lambda: session in laptop.timeline.sessions)
        await laptop.open(session)
        await laptop.drop()
        many = CHANGES_PAGE
        for number in range(many):
            await phone.say(
                MessageSend(
                    ref=1_000 + number, session=session, message=fresh_message_id(), content=f"{number} {LONG[:7_000]}"
                )
            )
            if number % 50 == 49:
                await phone.until(lambda number=number: 1_000 + number in phone._answers)
        await phone.until(lambda: sum(isinstance(event, ReplySettled) for event in phone.events) >= many)
        before = len(laptop.events)
        await laptop.connect()
        pages = [event for event in laptop.events[before:] if isinstance(event, Changes)]
        assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]
        assert len(pages) > 1
        assert laptop.timeline.seq == phone.timeline.seq
        assert len(laptop.timeline.shown_messages(session)) == 2 * many
        await phone.send(session, "and on")
        await laptop.until(lambda: laptop.timeline.seq > phone.timeline.seq - 1 and laptop.gaps == 0)


async def test_a_cursor_of_another_epoch_or_above_the_head_gets_a_snapshot(database_url: str) -> None:
    async with running(database_url) as hub, device(hub) as phone:
        await phone.create(title="Algebra")
        for epoch, seq in (("1:00000001:elsewhere", 1), (phone.timeline.epoch, 99)):
            await phone.drop()
            phone.timeline.epoch, phone.timeline.seq = epoch, seq
            before = len(phone.events)
            await phone.connect()
            assert any(isinstance(event, Snapshot) for event in phone.events[before:])
            assert [row.title for row in phone.timeline.shown_sessions()] == ["Algebra"]
            assert phone.timeline.seq == 1
