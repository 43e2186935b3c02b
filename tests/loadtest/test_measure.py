"""The scenarios, with few devices and for a short time; that their figures hold for many is for `measure` to show."""

from pathlib import Path

import pytest
from rich.console import Console

from loadtest.measure import measured
from loadtest.measured import Measured
from loadtest.scenarios import calm, cuts, deploy, kills, sealing, slow, storm
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
    monkeypatch.setattr(slow, "LASTS", 4.0)
    monkeypatch.setattr(slow, "CATCHES_UP", 1.0)
    monkeypatch.setattr(slow, "ROUNDS", 1)
    it = await measured("slow", tmp_path, screen, seed=2, sockets=20, instances=1)
    figures = _values(it)
    assert figures["devices that did not come to the end"] == 0
    assert figures["the slowest was behind by"] > 0
    assert figures["waits for one socket, at most"] <= slow.COSTS


def _values(it: Measured) -> dict[str, float]:
    """Of a run in which nothing was found."""
    assert it.findings == []
    return {each.name: each.value for each in it.figures if each.value is not None}


async def test_what_is_said_is_quickly_there(tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calm, "LASTS", 8.0)
    found = _values(await measured("calm", tmp_path, screen, seed=2, sockets=12, instances=2))
    assert found["acknowledged sends"] > 10
    assert found["promises broken"] == 0


async def test_every_message_is_there_once_however_often_it_was_said(tmp_path: Path, screen: Screen) -> None:
    it = await measured("repeats", tmp_path, screen, seed=2, sockets=20, instances=2)
    assert _values(it)["messages"] == 20
    assert it.passed


async def test_who_is_cut_off_all_the_time_misses_nothing(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuts, "CUTS", 40)
    monkeypatch.setattr(cuts, "PAUSE", 1.0)
    monkeypatch.setattr(cuts, "SAID_EVERY", 0.5)
    it = await measured("cuts", tmp_path, screen, seed=2, sockets=10, instances=2)
    assert _values(it)["connections cut"] >= 40
    assert it.passed


async def test_a_reply_whose_owner_is_killed_goes_on(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kills, "KILLS", 3)
    monkeypatch.setattr(kills, "GOES_ON_WITHIN", 30.0)  # of a machine that runs other tests too
    it = await measured("kills", tmp_path, screen, seed=2, sockets=36, instances=3)
    found = _values(it)  # of so many learners, one at least has a device elsewhere that sees the reply go on
    assert found["instances killed while they wrote"] == 3
    assert it.passed


async def test_no_send_fails_while_instances_are_replaced(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "BEFORE", 2.0)
    monkeypatch.setattr(deploy, "PAUSE", 1.0)
    it = await measured("deploy", tmp_path, screen, seed=2, sockets=12, instances=2)
    assert _values(it)["sends that failed"] == 0
    assert it.passed


async def test_what_sealing_costs_is_told_of_two_hubs_side_by_side(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "ROUNDS", 1)
    monkeypatch.setattr(sealing, "LASTS", 1.0)
    it = await measured("sealing", tmp_path, screen, seed=2, sockets=10, instances=1)
    found = _values(it)
    assert min(found["sends"], found["sends, sealed"]) > 10
    assert found["fewer because of sealing"] < 100
