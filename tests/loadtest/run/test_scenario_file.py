"""Scenario files: those that are shipped can be read, and what is wrong with one is all told, with its line."""

from pathlib import Path

import pytest

from loadtest.run.scenario import Hold, Storm
from loadtest.run.scenario_file import STAGES, ScenarioWrong, read_scenario, scenario_in, shipped, with_thresholds
from loadtest.run.timings import Timing

HERE = Path("mine.toml")
WRONG = """\
about = 7
sede = 3
[crowd]
users = 0
devcies = 2
says_every = "often"

[[stages]]
kind = "ramp"
seconds = 10

[[stages]]
kind = "strom"
seconds = 10

[[stages]]
kind = "hold"

[[stages]]
kind = "slow"
seconds = 10
part = 1.5

[thresholds]
accepted = { p99 = "fast", p98 = 3 }
x = 3
seen.p50 = -1

[tutor]
"""
TOLD = """\
mine.toml, line 1: `about`: expected `str`, got `int`
mine.toml, line 2: `sede` is not known here; did you mean `seed`?
mine.toml, line 4: `users`: expected `int` >= 1
mine.toml, line 5: `devcies` is not known here; did you mean `devices`?
mine.toml, line 6: `says_every`: expected `float`, got `str`
mine.toml, line 13: the kind of a stage is one of ramp, hold, spike, storm, slow, join
mine.toml, line 16: `seconds` is missing
mine.toml, line 22: `part`: expected `float` <= 1.0
mine.toml, line 25: `p98` is not known here; did you mean `p99`?
mine.toml, line 25: `p99`: expected `float | null`, got `str`
mine.toml, line 26: `x` is not known here; \
there are connect, hello, accepted, first_token, gap, token, first_piece, seen, resume, join, \
refused, disconnected, told_to_come_again, frames_per_second
mine.toml, line 27: `p50`: expected `float` >= 0.0
mine.toml, line 29: `tutor` is not known here; there are about, seed, corpus, crowd, world, stages, thresholds"""


@pytest.mark.parametrize("name", shipped())
def test_what_is_shipped_can_be_read_and_says_what_it_is(name: str) -> None:
    it = read_scenario(name)
    assert it.about
    assert it.thresholds.times
    assert 20 <= it.seconds <= 300


def test_the_example_of_the_documentation_has_everything_and_can_be_read() -> None:
    text = Path("docs/load.md").read_text().partition("```toml\n")[2].partition("```")[0]
    it = scenario_in(text, HERE)
    assert {type(stage) for stage in it.stages} == set(STAGES.values())
    assert it.thresholds.counts.frames_per_second == 25


def test_every_mistake_is_told_with_its_line() -> None:
    with pytest.raises(ScenarioWrong) as wrong:
        scenario_in(WRONG, HERE)
    assert str(wrong.value) == TOLD


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[stages]\nkind = 1", "mine.toml is no TOML"),
        ("", "mine.toml, line 1: a scenario needs stages"),
        ("stages = 3", "mine.toml, line 1: a scenario needs stages"),
        ("crowd = 3\n[[stages]]\nkind = 'hold'\nseconds = 1", "line 1: a table is expected here"),
        ("stages = [3]", "the kind of a stage is one of"),
    ],
)
def test_what_is_no_scenario_is_said_to_be_none(text: str, told: str) -> None:
    with pytest.raises(ScenarioWrong, match=told.replace("[", r"\[")):
        scenario_in(text, HERE)


def test_a_scenario_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ScenarioWrong, match="Shipped are: smoke, "):
        read_scenario("smoek")
    with pytest.raises(ScenarioWrong, match="cannot be read"):
        read_scenario(str(_latin(tmp_path)))


def _latin(folder: Path) -> Path:
    path = folder / "latin.toml"
    path.write_bytes('about = "Größe"'.encode("latin-1"))
    return path


def test_a_corpus_is_beside_its_scenario(tmp_path: Path) -> None:
    stages = "[[stages]]\nkind = 'storm'\nseconds = 3\npart = 0.5\n[[stages]]\nkind = 'hold'\nseconds = 2"
    it = scenario_in(f"corpus = 'words.jsonl'\n{stages}", tmp_path / "mine.toml")
    assert it.corpus == str(tmp_path / "words.jsonl")
    assert it.stages == [Storm(seconds=3, part=0.5), Hold(seconds=2)]
    assert [span[:2] for span in it.spans()] == [(0, 3), (3, 5)]


def test_thresholds_that_are_given_are_taken_beside_those_of_the_file() -> None:
    it = with_thresholds(read_scenario("smoke"), ["accepted.p99=250", "gap.p50=40", "refused=0"])
    assert it.thresholds.times[Timing.ACCEPTED].p95 == 2_000
    assert it.thresholds.times[Timing.ACCEPTED].p99 == 250
    assert it.thresholds.times[Timing.GAP].p50 == 40
    assert it.thresholds.counts.refused == 0


@pytest.mark.parametrize("given", ["accepted", "accepted.p98=3", "acepted.p99=3", "refused=-1"])
def test_a_threshold_that_is_none_is_told(given: str) -> None:
    with pytest.raises(ScenarioWrong, match="--threshold"):
        with_thresholds(read_scenario("smoke"), [given])
