"""Statements are timed beside the same by psql, and the store's functions that execute them, on a real database."""

from loadtest.statements import Asker, Took, figures, held_against_psql
from protocol.ids import UserId
from protocol.model import Cursor
from tests.device import device
from tests.hub import running

READS = ["session list", "last page", "changes since", "search"]


async def test_each_read_is_timed_by_us_and_by_psql(database_url: str) -> None:
    async with running(database_url, encryption_keys=None) as hub, device(hub) as phone:
        session = await phone.create(title="Photosynthesis of trees")
        await phone.send(session, "What is photosynthesis?")
        assert phone.timeline.epoch is not None
        asker = Asker(UserId("ada"), session, "photosynthesis", Cursor(epoch=phone.timeline.epoch, seq=0))
        found = await held_against_psql(database_url, [asker], 3)
    assert [each.name for each in found if each.at_most] == [
        f"statement of {name}, p50 executed against psql" for name in READS
    ]
    assert all(each.value for each in found)


def test_what_takes_us_much_longer_than_psql_is_not_borne() -> None:
    *_, borne = figures("search", Took([0.0012] * 10, [0.001] * 10, [0.002] * 10))
    *_, not_borne = figures("search", Took([0.0014] * 10, [0.001] * 10, [0.002] * 10))
    assert (borne.is_borne, not_borne.is_borne) == (True, False)
