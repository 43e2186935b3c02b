"""What a person sees while a load runs, on a terminal and elsewhere."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from loadtest.run.generator import Generator
from loadtest.run.live import Live, told
from loadtest.run.reports import Second
from loadtest.run.timings import TITLES, Timing, Timings
from tests.loadtest.run.outcomes import SCENARIO, outcome


@pytest.fixture
def generator(tmp_path: Path) -> Generator:
    """In its 21st second; nothing of it runs."""
    it = Generator(SCENARIO, tmp_path, processes=1, hubs=[], look=lambda _: None)
    for second in range(21):
        timings = Timings()
        timings.took(Timing.ACCEPTED, 0.012)
        if second < 5:
            timings.took(Timing.CONNECT, 0.003)
        for took in timings.take(second):
            it.merged.add(took)
        counts = {"connected": 10 * second, "said": 2 * second, "accepted": 2 * second, "frames": 50 * second}
        it.seconds.append(Second(second, counts, {"lost": 3} if second > 19 else {}, 0.004, 0.2))
    it.merged.close(21)
    return it


@pytest.mark.parametrize("width", [80, 160])
def test_on_a_terminal_it_is_a_picture_that_fits(generator: Generator, width: int) -> None:
    seen = io.StringIO()
    with Live(Console(file=seen, width=width, force_terminal=True, legacy_windows=False)) as live:
        live.look(generator)
    lines = seen.getvalue()
    for told_so in ("made-up", "21 of 60 s", "all goes on", TITLES[Timing.ACCEPTED], "200 ", "3 lost", "0 doubled"):
        assert told_so in lines


def test_elsewhere_it_is_a_line_now_and_then(generator: Generator) -> None:
    seen = io.StringIO()
    with Live(Console(file=seen, width=200)) as live:
        live.look(generator)
        generator.seconds.append(Second(21, {}, {}, 0.0, 0.0))
        live.look(generator)
    [line] = [each for each in seen.getvalue().splitlines() if each.strip()]
    assert line.endswith("all goes on: 200 connected, 40 said, 40 accepted, 1,000 frames, 3 PROMISES BROKEN")


def test_in_the_end_it_is_what_was_not_borne_and_why() -> None:
    seen = io.StringIO()
    found = outcome(broken={"lost": 1}, examples=["lost: ada"], findings=["gone"], warnings=["late"])
    told(found, Console(file=seen, width=200))
    said = seen.getvalue()
    for each in ("✗ lost: 1 times, at most 0", "✗ lost: ada", "✗ gone", "! late", "FAIL  made-up"):
        assert each in said
