"""Loads of real hubs: what is measured, what makes a run fail, and what it is like when the hub fails."""

import asyncio
import io
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from rich.console import Console

from loadtest.run import generator
from loadtest.run.live import Live, told
from loadtest.run.outcome import Outcome, read_outcome
from loadtest.run.running import Options, loaded
from loadtest.run.scenario import Borne, Crowd, Hold, Join, OwnWorld, Ramp, Scenario, Slow, Spike, Storm, Thresholds
from loadtest.run.target import Target
from loadtest.run.timings import Timing
from loadtest.run.tutor_process import synthetic_tutor
from tests.hub import SECRET, child
from tests.redis_server import redis_server

SHORT = Scenario(
    name="short",
    about="a few learners for a few seconds",
    stages=[Ramp(seconds=1), Hold(seconds=5)],
    crowd=Crowd(users=6, devices=2, says_every=1.5),
    world=OwnWorld(answer_tokens=40, tokens_per_second=60),
)
EVERYTHING = [
    Ramp(seconds=1.5),
    Hold(seconds=1.5),
    Spike(seconds=1.5, times=3),
    Join(seconds=2, part=0.5),
    Storm(seconds=2, back_within=0.5),
    Slow(seconds=2, part=0.5, bytes_per_second=512),
]


@pytest.fixture
def live() -> Live:
    return Live(Console(file=io.StringIO(), width=120))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is lost is not waited for."""
    monkeypatch.setattr(generator, "RESTS_WITHIN", 3.0)


async def load(url: str, scenario: Scenario, folder: Path, live: Live, **options: Any) -> Outcome:
    """Of a hub that is a child of ours."""
    return await loaded(Options(scenario=scenario, target=Target([url], SECRET), **options), folder, live)


async def test_in_a_world_of_its_own_everything_that_can_happen_is_measured_and_nothing_is_wrong(
    tmp_path: Path, live: Live
) -> None:
    scenario = structs.replace(SHORT, stages=EVERYTHING, world=structs.replace(SHORT.world, instances=2))
    it = await loaded(Options(scenario=scenario, target=None, processes=2), tmp_path, live)
    assert it.passed, (it.findings, it.examples)
    assert it.target == "a world of its own"
    assert it.processes == 2
    assert {each.timing for each in it.timed} == set(Timing)
    assert it.counts["said"] == it.counts["accepted"] > 20
    assert it.counts["dropped"] >= 12
    by_name = {each.timing: each.corrected.count for each in it.timed}
    assert by_name[Timing.ACCEPTED] == it.counts["accepted"]
    assert by_name[Timing.HELLO] == 12 + by_name[Timing.JOIN]
    assert len(it.seconds) >= it.scenario.seconds - 1
    assert msgspec.json.decode(msgspec.json.encode(it), type=Outcome) == it
    told(it, live.console)
    said = live.console.file.getvalue()  # type: ignore[attr-defined]
    assert "PASS  short" in said


@pytest.mark.usefixtures("impatient")
async def test_an_answer_that_is_begun_late_has_its_own_time_to_end(tmp_path: Path, live: Live) -> None:
    world = OwnWorld(answer_tokens=300, tokens_per_second=60)
    crowd = Crowd(users=2, devices=2, says_every=1.5, even=True)
    scenario = structs.replace(SHORT, stages=[Hold(seconds=1.5)], world=world, crowd=crowd)
    assert world.answer_seconds > scenario.seconds + generator.RESTS_WITHIN
    it = await loaded(Options(scenario=scenario, target=None), tmp_path, live)
    assert it.passed, (it.findings, it.examples)


async def test_a_running_hub_is_loaded_by_command_and_a_threshold_makes_it_fail(
    database_url: str, tmp_path: Path
) -> None:
    """The users that it made are erased."""
    scenario, result, page = tmp_path / "mine.toml", tmp_path / "result.json", tmp_path / "report.html"
    scenario.write_text(
        "about = 'mine'\n[crowd]\nusers = 3\nsays_every = 1.0\n[[stages]]\nkind = 'ramp'\nseconds = 1\n"
        "[[stages]]\nkind = 'hold'\nseconds = 3\n"
    )
    async with synthetic_tutor(SHORT, tmp_path) as tutor, child(database_url, tutor.url) as it:
        given = [str(scenario), "--url", it.hub.url, "--json", str(result), "--html", str(page)]
        assert await command(*given, TUTORHUB_JWT_SECRET=SECRET) == (0, True)
        assert await command(*given, "--threshold", "accepted.p50=0", TUTORHUB_JWT_SECRET=SECRET) == (99, False)
    found = read_outcome(result)
    assert found.target == "a deployment"
    assert found.counts["accepted"] > 3
    assert [figure.name for figure in found.figures if not figure.is_borne] == ["send → accepted, p50"]
    assert "not all was borne" in page.read_text()


async def command(*given: str, **environ: str) -> tuple[int, bool]:
    """The exit code, and whether it said that it passed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadtest",
        "run",
        *given,
        env=os.environ | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    sys.stdout.write(said.decode())
    assert process.returncode is not None
    return process.returncode, b"PASS" in said


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("bug", "wrong"),
    [
        ("drop-a-publish", "lost"),
        ("deliver-twice", "doubled"),
        ("swap-two", "lost"),  # a device is never told a lower number after a higher one
        ("skip-a-number", "lost"),
        ("acknowledge-before-commit", "lost"),
    ],
)
async def test_a_planted_bug_makes_a_load_fail(
    bug: str, wrong: str, database_url: str, tmp_path: Path, live: Live
) -> None:
    scenario = structs.replace(SHORT, crowd=structs.replace(SHORT.crowd, says_every=0.7))
    async with (
        synthetic_tutor(scenario, tmp_path) as tutor,
        child(database_url, tutor.url, None, ("-m", "tests.planted", bug, "serve")) as it,
    ):
        found = await load(it.hub.url, scenario, tmp_path, live)
    never_ended = any("had not come to their end" in finding for finding in found.findings)  # the end was lost
    assert found.broken.get(wrong) or (wrong == "lost" and never_ended), (found.broken, found.examples, found.findings)
    assert never_ended or any(example.startswith(wrong) for example in found.examples)
    assert not found.passed


async def test_what_the_tutor_did_not_say_is_unequal(
    tmp_path: Path, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers as in another scenario."""

    def another(scenario: Scenario, folder: Path) -> Any:
        return synthetic_tutor(structs.replace(scenario, seed=2), folder)

    monkeypatch.setattr("loadtest.run.running.synthetic_tutor", another)
    it = await loaded(Options(scenario=SHORT, target=None), tmp_path, live)
    assert set(it.broken) == {"unequal"}
    assert it.broken["unequal"] == it.counts["accepted"]


async def test_a_hub_that_stops_in_the_middle_ends_the_load_and_what_was_measured_stays(
    database_url: str, tmp_path: Path, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "GONE_AFTER", 1.5)
    scenario = structs.replace(SHORT, stages=[Hold(seconds=60)])
    async with synthetic_tutor(scenario, tmp_path) as tutor, child(database_url, tutor.url) as it:
        async with asyncio.TaskGroup() as group:
            loading = group.create_task(load(it.hub.url, scenario, tmp_path, live, keep_users=True))
            await asyncio.sleep(6.0)
            await it.kill()
    found = loading.result()
    assert found.was_cut_short
    assert not found.is_checked
    assert not found.passed
    assert found.findings[0].startswith("The target was gone after ")
    assert found.took < 30
    assert found.counts["accepted"] > 0


@pytest.mark.usefixtures("impatient")
async def test_who_is_turned_away_is_a_finding(database_url: str, tmp_path: Path, live: Live) -> None:
    async with (
        synthetic_tutor(SHORT, tmp_path) as tutor,
        child(database_url, tutor.url, TUTORHUB_LIMIT_CONNECTIONS="1") as it,
    ):
        found = await load(it.hub.url, SHORT, tmp_path, live)
    assert found.counts["turned away"] == 6
    assert any("turned away for good: 4505" in finding for finding in found.findings)
    assert not found.passed


async def test_what_was_never_timed_fails_its_threshold(tmp_path: Path, live: Live, database_url: str) -> None:
    thresholds = Thresholds({Timing.JOIN: Borne(p99=10_000)})
    async with synthetic_tutor(SHORT, tmp_path) as tutor, child(database_url, tutor.url) as it:
        found = await load(it.hub.url, structs.replace(SHORT, thresholds=thresholds), tmp_path, live)
    assert found.broken == {}
    assert not found.passed


async def test_a_generator_that_is_slow_says_so(
    database_url: str, tmp_path: Path, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "LATE", 0.0)
    monkeypatch.setattr(generator, "FULL", 0.0)
    monkeypatch.setattr(generator, "CROWDED", 0.0)
    async with synthetic_tutor(SHORT, tmp_path) as tutor, child(database_url, tutor.url) as it:
        found = await load(it.hub.url, SHORT, tmp_path, live)
    told = ("The generator was the limit", "This machine had no processor time left", "The generator was late")
    assert len(found.warnings) == len(told)
    assert all(what in warning for what, warning in zip(told, found.warnings, strict=True))


async def test_two_instances_of_a_deployment_are_loaded_together(database_url: str, tmp_path: Path, live: Live) -> None:
    with redis_server() as redis:
        environ = {"TUTORHUB_REDIS_URL": redis.url}
        async with (
            synthetic_tutor(SHORT, tmp_path) as tutor,
            child(database_url, tutor.url, **environ) as one,
            child(database_url, tutor.url, **environ) as other,
        ):
            options = Options(scenario=SHORT, target=Target([one.hub.url, other.hub.url], SECRET))
            found = await loaded(options, tmp_path, live)
    assert found.passed, (found.findings, found.examples)
