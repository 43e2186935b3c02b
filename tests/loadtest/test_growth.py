"""The same operations on two sets of data are timed side by side, through real hubs."""

from collections.abc import Generator
from pathlib import Path

import pytest

from loadtest.growth import OPERATIONS, _figures, _mistyped, growth
from loadtest.process import WorldFailed
from loadtest.world import HUB
from tests.conftest import _database
from tests.device import device
from tests.hub import running

USER = "fill-0000001"


@pytest.fixture
def another_database_url(cluster: str, migrated: str) -> Generator[str]:
    with _database(cluster, template=migrated) as url:
        yield url


async def fill(url: str) -> None:
    async with running(url, encryption_keys=None) as hub, device(hub, USER) as phone:
        session = await phone.create(title="Photosynthesis of trees")
        await phone.send(session, "What is photosynthesis?")


async def test_what_is_done_on_much_data_is_held_against_the_same_on_little(
    database_url: str, another_database_url: str, tmp_path: Path
) -> None:
    for url in (database_url, another_database_url):
        await fill(url)
    said: list[str] = []
    measured = await growth((database_url, another_database_url), [USER], 2, tmp_path, hub=HUB, say=said.append)
    names = [figure.name for figure in measured.figures if figure.at_most is not None]
    assert names[: len(OPERATIONS)] == [f"{name}, p95 on much against little" for name in OPERATIONS]
    assert all("executed against psql" in name for name in names[len(OPERATIONS) :])
    assert len(names) == len(OPERATIONS) + 4
    assert all(figure.value for figure in measured.figures)
    assert measured.findings == []


async def test_data_that_was_not_filled_is_said(database_url: str, another_database_url: str, tmp_path: Path) -> None:
    await fill(database_url)
    with pytest.raises(WorldFailed, match="no session with a title on the large data: fill it first"):
        await growth((database_url, another_database_url), [USER], 1, tmp_path, hub=HUB, say=lambda _: None)


async def test_a_database_that_is_not_there_is_said(database_url: str, tmp_path: Path) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    with pytest.raises(WorldFailed, match=r"The hub on the large data does not start: .*cannot be reached"):
        await growth((database_url, nowhere), [USER], 1, tmp_path, hub=HUB, say=lambda _: None)


def test_what_takes_longer_on_much_data_is_not_borne() -> None:
    *_, borne = _figures("search", [0.010] * 100, [0.012] * 100)
    *_, not_borne = _figures("search", [0.010] * 100, [0.014] * 100)
    assert (borne.value, borne.is_borne) == (1.2, True)
    assert (not_borne.value, not_borne.is_borne) == (1.4, False)


def test_a_mistyped_word_is_another() -> None:
    assert _mistyped("photosynthesis") == "phtoosynthesiss"
