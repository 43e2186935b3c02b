"""The scenarios, with few devices and for a short time; that their figures hold for many is for `measure` to show."""

from pathlib import Path

import pytest
from rich.console import Console

from loadtest.measure import measured
from loadtest.scenarios import slow, storm
from loadtest.screen import Screen


@pytest.fixture
def screen() -> Screen:
    return Screen(Console(quiet=True))


async def test_all_are_back_after_a_storm(tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storm, "COUNTED_AFTER", 0.5)
    it = await measured("storm", tmp_path, screen, seed=2, sockets=20, instances=2)
    figures = {each.name: each for each in it.figures}
    assert it.findings == []
    assert figures["all sockets are back"].is_borne
    assert figures["a request meanwhile, p99"].is_borne


async def test_who_reads_slowly_comes_to_the_end(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "LASTS", 3.0)
    it = await measured("slow", tmp_path, screen, seed=2, sockets=20, instances=1)
    figures = {each.name: each.value for each in it.figures}
    assert it.findings == []
    assert figures["devices that did not come to the end"] == 0
    assert figures["the slowest was behind by"] > 0
    assert figures["waits for one socket, at most"] <= slow.COSTS
