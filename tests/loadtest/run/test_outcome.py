"""What a load came to: judged, written, drawn, compared."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import structs

from loadtest.run.command import compare_command
from loadtest.run.outcome import OutcomeWrong, read_outcome
from loadtest.run.page import page
from loadtest.run.plots import plain, steps, thinned
from loadtest.run.scenario import Borne, Counted, Thresholds
from loadtest.run.timings import Timing
from tests.loadtest.run.outcomes import SCENARIO, outcome

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

HOSTILE = '<script>alert("x")</script> & "quotes" </title>'


def borne(times: dict[Timing, Borne] | None = None, **counts: float) -> Thresholds:
    return Thresholds(times or {}, Counted(**counts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("thresholds", "passes"),
    [
        (borne(), True),
        (borne({Timing.ACCEPTED: Borne(p99=10_000)}), True),
        (borne({Timing.ACCEPTED: Borne(p99=10_000, p50=1)}), False),
        (borne(frames_per_second=25), True),
        (borne(frames_per_second=24), False),
        (borne(refused=0), True),
    ],
)
def test_a_load_passes_if_all_is_borne(thresholds: Thresholds, *, passes: bool) -> None:
    it = outcome()
    assert structs.replace(it, scenario=structs.replace(SCENARIO, thresholds=thresholds)).passed is passes


def test_what_was_never_timed_is_not_borne() -> None:
    it = structs.replace(outcome(), timed=[])
    scenario = structs.replace(SCENARIO, thresholds=borne({Timing.ACCEPTED: Borne(p99=10_000)}))
    assert not structs.replace(it, scenario=scenario).passed


@pytest.mark.parametrize(
    "changes",
    [{"broken": {"lost": 1}}, {"is_checked": False}, {"findings": ["a user was turned away"]}],
)
def test_a_load_that_lost_something_or_was_not_looked_at_does_not_pass(changes: dict[str, Any]) -> None:
    assert outcome().passed
    assert not outcome(**changes).passed


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    it = outcome()
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(it))
    assert read_outcome(tmp_path / "a.json") == it


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind":"proof"}', '{"kind":"load"}', "\x00\xff"])
def test_what_is_no_result_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    bad, good = tmp_path / "bad.json", tmp_path / "good.json"
    bad.write_text(text)
    good.write_bytes(msgspec.json.encode(outcome()))
    with pytest.raises(OutcomeWrong, match=r"bad\.json is no result of `python -m loadtest run --json`"):
        read_outcome(bad)
    run = CliRunner().invoke(compare_command, [str(good), str(bad)])
    assert run.exit_code == 1
    assert "bad.json is no result" in run.output


def test_two_results_are_held_against_each_other(tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, slower in zip(files, (1.0, 2.0), strict=True):
        file.write_bytes(msgspec.json.encode(outcome(slower=slower, cores=2 * int(slower))))
    run = CliRunner().invoke(compare_command, [str(each) for each in files], env={"COLUMNS": "200"})
    assert run.exit_code == 0
    assert run.output.count("+100%") == 3 * len(Timing)
    assert "A had 2 cores" in run.output
    assert "did not do the same" not in run.output


class Tags(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts = ""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {"src", "href", "xlink:href"} & {name for name, _ in attrs}, "nothing is fetched"

    @override
    def handle_data(self, data: str) -> None:
        self.texts += data


def test_a_report_needs_nothing_else_and_shows_what_it_is_told() -> None:
    scenario = structs.replace(SCENARIO, name=HOSTILE, about=HOSTILE)
    it = outcome(
        scenario=scenario,
        warnings=[HOSTILE],
        findings=[HOSTILE],
        examples=[HOSTILE],
        counts={HOSTILE: 3},
        broken={"lost": 1},
    )
    found = Tags()
    found.feed(page(it))
    assert "script" not in found.tags
    assert found.tags.count("svg") >= len(Timing) + 6
    assert found.texts.count('<script>alert("x")</script> & "quotes"') >= 6
    assert "not all was borne" in found.texts
    assert "url(" not in page(it)
    assert "prefers-color-scheme: dark" in page(it)


def test_a_report_of_a_run_in_which_nothing_was_timed_can_be_drawn() -> None:
    it = outcome(timed=[], seconds=[], counts={}, is_checked=False, findings=["The target was gone after 0 s."])
    assert "not all was borne" in page(it)


def test_a_long_run_is_drawn_with_no_more_than_can_be_looked_at() -> None:
    points = [(float(second), float(second % 100)) for second in range(36_000)]
    drawn = thinned(points, highest=True)
    assert len(drawn) <= 300
    assert max(y for _, y in drawn) == 99


@pytest.mark.parametrize(("most", "last"), [(7, 8), (40, 40), (0.3, 0.3), (1_234, 1_500), (0, 0)])
def test_steps_are_round_and_reach_as_far_as_they_must(most: float, last: float) -> None:
    found = list(steps(most))
    assert found[0] == 0
    assert found[-1] >= most
    assert found[-1] == pytest.approx(last, abs=1e-6) or len(found) <= 6


@pytest.mark.parametrize(("value", "said"), [(1, "1"), (0.25, "0.25"), (1_234.5, "1,234"), (54_321, "54k")])
def test_numbers_are_short(value: float, said: str) -> None:
    assert plain(value) == said
