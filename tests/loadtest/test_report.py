from pathlib import Path

import msgspec
from click.testing import CliRunner
from msgspec import structs

from loadtest.measured import Figure
from loadtest.report import report, report_command
from loadtest.result import Met, Result
from loadtest.verdict import Spread, Violation
from tests.loadtest.measurings import measured


def met(*faults: str, **changes: object) -> Met:
    usual = Met(
        faults=faults,
        rows=tuple(f"Row of {fault}" for fault in faults),
        planned_at=3,
        began=3,
        ended=8,
        note="instance 2",
        was_skipped=False,
        recovered_after=0.25,
    )
    return structs.replace(usual, **changes)


RESULT = Result(
    seed=7,
    minutes=10,
    only=None,
    instances=3,
    hub="unchanged",
    version="0.1.0",
    python="3.11.2",
    cores=2,
    began="2026-11-23T12:00:00+00:00",
    took=630,
    met=[
        met("redis-freeze"),
        met("redis-freeze", "hub-kill", recovered_after=2.5),
        met("clock-skew", was_skipped=True, note="skipped: no libfaketime"),
    ],
    counts={"acknowledged": 1_234, "records": 56_789},
    figures={"send → acknowledged": Spread(1_234, 0.012, 0.08, 2.1)},
    violations=[],
    findings=[],
)


def test_a_run_is_told_with_its_seed_its_faults_and_its_figures() -> None:
    text = report([RESULT])
    assert "### Seed 7, 10 minutes" in text
    assert "| redis-freeze | Row of redis-freeze | 2 | 2.5 s |" in text
    assert "| clock-skew | Row of clock-skew | skipped: no libfaketime |  |" in text
    assert "| send → acknowledged | 1,234 | 12 ms | 80 ms | 2.1 s |" in text
    assert (
        "1 run, 2 injected faults of 2 kinds, 1,234 acknowledged sends, 56,789 records: every promise was kept." in text
    )


def test_what_was_broken_is_told_once_for_each_promise() -> None:
    violation = Violation("P3", "learner-1", "learner-1-device-2", 4.0, "number 4 | twice", ["a", "b"])
    text = report([structs.replace(RESULT, violations=[violation, violation], findings=["a leak"])])
    assert "**Not every promise was kept.**" in text
    assert text.count("- P3, learner-1: number 4 \\| twice") == 1
    assert "- a leak" in text
    assert "every promise was kept." not in text.split("## The runs")[1].splitlines()[2]


def test_the_command_reads_results_and_says_what_is_none(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(msgspec.json.encode(RESULT))
    bad.write_text("{}")
    assert CliRunner().invoke(report_command, [str(good)]).output == report([RESULT])
    refused = CliRunner().invoke(report_command, [str(good), str(bad)])
    assert refused.exit_code == 1
    assert "That is no result" in refused.output


def test_a_scenario_is_told_with_its_limits() -> None:
    borne = Figure("all are back", 1.5, "s", 30)
    run = measured(borne)
    text = report([run])
    assert "### Storm: all sockets are dropped" in text
    assert "| all are back | 1.5 s | 30 |" in text
    assert "**Not every figure" not in text
    over = structs.replace(run, figures=[structs.replace(borne, value=31)])
    assert not over.passed
    assert "**Not every figure" in report([over])
