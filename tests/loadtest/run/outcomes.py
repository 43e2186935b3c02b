"""What loads came to, made up for tests that draw, compare or judge it."""

from functools import cache
from random import Random
from typing import Any

from msgspec import structs

from loadtest.run.outcome import Outcome, Timed
from loadtest.run.reports import Second
from loadtest.run.scenario import Crowd, Hold, Ramp, Scenario, Storm
from loadtest.run.timings import Merged, Timing, Timings, encoded, spread

SCENARIO = Scenario(
    name="made-up",
    about="nothing of it has happened",
    stages=[Ramp(seconds=10), Hold(seconds=40), Storm(seconds=10)],
    crowd=Crowd(users=100, devices=2),
)


def outcome(*, slower: float = 1.0, **changes: Any) -> Outcome:
    """One in which all went well, unless it is changed."""
    return structs.replace(_usual(slower), **changes)


@cache
def _usual(slower: float) -> Outcome:
    merged, chance = Merged([span[:2] for span in SCENARIO.spans()]), Random(7)
    for second in range(60):
        timings = Timings()
        for timing in Timing:
            for _ in range(5):
                seconds = chance.lognormvariate(-3, 0.7) * slower
                timings.took(timing, seconds, seconds / 2 if timing is Timing.ACCEPTED else None)
        for took in timings.take(second):
            merged.add(took)
    merged.close(60)
    return Outcome(
        scenario=SCENARIO,
        target="a world of its own",
        version="0.1.0",
        python="3.11.2",
        cores=2,
        processes=1,
        began="2026-11-26T12:00:00+00:00",
        took=75.0,
        timed=[_timed(merged, timing) for timing in Timing],
        seconds=[
            Second(each, {"connected": 200, "frames": 900 * each, "said": each}, {}, 0.01, 0.3, 0.6, 0.4)
            for each in range(60)
        ],
        counts={"said": 1_200, "accepted": 1_200, "frames": 54_000},
        broken={},
        examples=[],
        frames_per_second=24.9,
        is_checked=True,
        was_cut_short=False,
        warnings=[],
        findings=[],
    )


def _timed(merged: Merged, timing: Timing) -> Timed:
    corrected = merged.spread(timing)
    assert corrected is not None
    return Timed(
        timing=timing,
        corrected=corrected,
        raw=merged.spread(timing, "raw"),
        encoded=encoded(merged.whole[timing, "corrected"]),
        stages=[spread(stage[timing]) for stage in merged.stages],
        points=merged.points[timing],
    )
