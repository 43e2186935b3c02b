"""Histograms: exact enough, merged without loss, from the intended moment and from the actual one."""

import subprocess
import sys
from random import Random

from loadtest.run.timings import Merged, Timing, Timings

SPANS = [(0.0, 2.0), (2.0, 4.0)]


def test_what_processes_timed_is_as_if_one_had() -> None:
    chance = Random(3)
    seconds = sorted(chance.expovariate(20) for _ in range(3_000))
    merged, processes = Merged(SPANS), [Timings() for _ in range(3)]
    for number, each in enumerate(seconds):
        processes[number % 3].took(Timing.SEEN, each)
    for process in processes:
        for took in process.take(1):
            merged.add(took)
    found = merged.spread(Timing.SEEN)
    assert found is not None
    assert found.count == 3_000
    for name, part in {"p50": 0.5, "p95": 0.95, "p99": 0.99}.items():
        exact = seconds[round(part * 3_000) - 1] * 1_000
        assert abs(getattr(found, name) - exact) <= exact / 500
    assert abs(found.max - seconds[-1] * 1_000) <= seconds[-1]


def test_what_was_taken_is_not_taken_again() -> None:
    timings = Timings()
    timings.took(Timing.GAP, 0.04)
    assert len(list(timings.take(0))) == 1
    assert list(timings.take(1)) == []


def test_corrected_and_raw_are_kept_apart() -> None:
    timings, merged = Timings(), Merged(SPANS)
    timings.took(Timing.ACCEPTED, corrected=2.0, raw=0.01)
    for took in timings.take(0):
        merged.add(took)
    corrected, raw = merged.spread(Timing.ACCEPTED), merged.spread(Timing.ACCEPTED, "raw")
    assert corrected is not None
    assert raw is not None
    assert abs(corrected.max - 2_000) <= 2
    assert round(raw.max) == 10
    assert merged.spread(Timing.GAP) is None


def test_a_second_is_of_its_stage_and_is_closed_once_it_is_over() -> None:
    merged = Merged(SPANS)
    for second, took in enumerate((0.01, 0.02, 0.5)):
        timings = Timings()
        timings.took(Timing.GAP, took)
        for each in timings.take(second):
            merged.add(each)
    merged.close(2)
    assert [round(point.p99) for point in merged.points[Timing.GAP]] == [10, 20]
    assert [stage[Timing.GAP].get_total_count() for stage in merged.stages] == [2, 1]


def test_who_has_only_a_hub_is_told_what_the_load_tool_needs() -> None:
    without = "import runpy, sys; sys.modules['hdrh'] = None; runpy.run_module('loadtest', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", without], check=False, capture_output=True, text=True)
    needs = "The load tool needs more than a hub does: `make load` installs it, or pip install 'tutorhub[load]'.\n"
    assert (done.returncode, done.stderr) == (1, needs)
