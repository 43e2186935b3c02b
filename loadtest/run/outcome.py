"""What a load came to, as it is written to a file, drawn into a page and compared with another. Milliseconds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from loadtest.measured import Figure
from loadtest.run.book import WRONGS
from loadtest.run.reports import Second
from loadtest.run.scenario import Borne, Hold, Join, Ramp, Scenario, Slow, Spike, Stage, Storm
from loadtest.run.timings import TITLES, Point, Spread, Timing

PERCENTILE_TITLES = {"p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99", "p999": "p99.9", "max": "longest"}


class Timed(Struct, frozen=True, kw_only=True):
    """One thing that was timed. `raw`: from when it was begun, where that may be later than it was meant to.

    `encoded`: the whole histogram, as HdrHistogram writes it; `stages`: of each stage; `points`: of each second.
    """

    timing: Timing
    corrected: Spread
    raw: Spread | None
    encoded: str
    stages: list[Spread | None]
    points: list[Point]


class Outcome(Struct, frozen=True, kw_only=True, tag_field="kind", tag="load"):
    """`is_checked`: all came to rest in the end, and was looked at. `was_cut_short`: the target was
    gone. `findings`: what went wrong that no figure tells;
    `warnings`: why the figures may not be the hub's.
    """

    scenario: Scenario
    target: Literal["a world of its own", "a deployment"]
    version: str
    python: str
    cores: int
    processes: int
    began: str
    took: float
    timed: list[Timed]
    seconds: list[Second]
    counts: dict[str, int]
    broken: dict[str, int]
    examples: list[str]
    frames_per_second: float
    is_checked: bool
    was_cut_short: bool
    warnings: list[str]
    findings: list[str]

    @property
    def figures(self) -> list[Figure]:
        """Each with what is borne of it; first of all that nothing is lost."""
        found = {each.timing: each.corrected for each in self.timed}
        return [
            *(Figure(wrong, self.broken.get(wrong, 0), "times", 0) for wrong in WRONGS),
            *_counted(self),
            *(
                figure
                for timing, borne in self.scenario.thresholds.times.items()
                for figure in _borne(timing, borne, found.get(timing))
            ),
        ]

    @property
    def passed(self) -> bool:
        return self.is_checked and not self.findings and all(figure.is_borne for figure in self.figures)


def _counted(outcome: Outcome) -> Iterator[Figure]:
    borne = outcome.scenario.thresholds.counts
    for name, most in (
        ("refused", borne.refused),
        ("disconnected", borne.disconnected),
        ("told to come again", borne.told_to_come_again),
    ):
        if most is not None:
            yield Figure(name, outcome.counts.get(name, 0), "times", most)
    if borne.frames_per_second is not None:
        yield Figure(
            "frames of a reply on a socket, the most", outcome.frames_per_second, "a second", borne.frames_per_second
        )


def _borne(timing: Timing, borne: Borne, spread: Spread | None) -> Iterator[Figure]:
    for name, title in PERCENTILE_TITLES.items():
        most: float | None = getattr(borne, name)
        if most is not None:
            value: float | None = None if spread is None else getattr(spread, name)
            yield Figure(f"{TITLES[timing]}, {title}", value, "ms", most)


class OutcomeWrong(Exception):
    """A file that is no result of a load."""


def read_outcome(path: Path) -> Outcome:
    """What `run --json` wrote. Raises OutcomeWrong."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Outcome)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise OutcomeWrong(f"{path} is no result of `python -m loadtest run --json`: {error}") from error


def described(stage: Stage) -> str:
    """In a few words."""
    match stage:
        case Ramp():
            return f"{stage.users or 'all':} users come"
        case Hold():
            return "all goes on"
        case Spike():
            return f"everybody speaks {stage.times:g} times as often"
        case Storm():
            return f"{stage.part:.0%} of all sockets break at once"
        case Slow():
            return f"{stage.part:.0%} of the users have a device that reads {stage.bytes_per_second:,} bytes a second"
        case Join():
            return f"{stage.part:.0%} of the users take up another device in mid-reply"
