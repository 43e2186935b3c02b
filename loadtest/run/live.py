"""What a person sees of a load while it runs: on a terminal a picture that changes, elsewhere a line now and then."""

import time
from collections.abc import Iterator, Sequence
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live as Picture
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtest.run.book import WRONGS
from loadtest.run.generator import Generator
from loadtest.run.outcome import Outcome, described
from loadtest.run.reports import Second
from loadtest.run.timings import TITLES, Timing

BARS = "▁▂▃▄▅▆▇█"
LONGEST_BARS, SHORTEST_BARS = 60, 18
"""Seconds that a line of bars shows, by the width of the terminal; beside the figures fewer are none."""
BESIDE_BARS = 92
LINE_EVERY = 5
"""Seconds, where there is no terminal."""
COUNTS = ("connected", "said", "accepted", "refused", "frames", "disconnected", "told to come again")


class Live:
    """A context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._start = time.monotonic()
        self._picture = Picture(console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._picture.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._picture.stop()

    def say(self, text: str) -> None:
        self.console.print(f"{time.monotonic() - self._start:7.1f} s  {text}", markup=False)

    def look(self, generator: Generator) -> None:
        """After each second."""
        if self.console.is_terminal:
            width = min(LONGEST_BARS, self.console.width - BESIDE_BARS)
            self._picture.update(_picture(generator, width))
        elif generator.seconds[-1].second % LINE_EVERY == 0:
            self.say(_line(generator))


def _line(generator: Generator) -> str:
    now = generator.seconds[-1]
    told = ", ".join(f"{now.counts.get(name, 0):,} {name}" for name in COUNTS if now.counts.get(name))
    wrong = sum(now.broken.values())
    return f"{_stage(generator)[0]}: {told}{f', {wrong} PROMISES BROKEN' if wrong else ''}"


def _stage(generator: Generator) -> tuple[str, float]:
    """What is going on, and how much of it is over."""
    second = generator.seconds[-1].second + 1
    for begins, ends, stage in generator.scenario.spans():
        if second <= ends:
            return described(stage), (second - begins) / (ends - begins)
    return "coming to rest, and looking at what is there", 1.0


def _picture(generator: Generator, width: int) -> RenderableType:
    scenario, now = generator.scenario, generator.seconds[-1]
    what, part = _stage(generator)
    title = Text.assemble((scenario.name, "bold"), f"  {now.second + 1} of {scenario.seconds:.0f} s")
    head = Table.grid(expand=True, padding=(0, 1))
    head.add_row(Text(what), ProgressBar(total=1.0, completed=min(1.0, part), width=30))
    body = Group(head, Text(), _timings(generator, width), Text(), _course(generator, width), _counts(now))
    return Panel(body, title=title)


def _timings(generator: Generator, width: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    table.add_column("milliseconds")
    for name in ("times", "p50", "p95", "p99", "longest"):
        table.add_column(name, justify="right", no_wrap=True)
    if width >= SHORTEST_BARS:
        table.add_column("p99 of each second", no_wrap=True)
    for timing in Timing:
        spread = generator.merged.spread(timing)
        if spread is not None:
            figures = (f"{value:,.1f}" for value in (spread.p50, spread.p95, spread.p99, spread.max))
            bars = [_bars(_points(generator, timing, width))] if width >= SHORTEST_BARS else []
            table.add_row(TITLES[timing], f"{spread.count:,}", *figures, *bars)
    return table


def _points(generator: Generator, timing: Timing, width: int) -> list[float | None]:
    """Of the last seconds that are closed."""
    until = generator.seconds[-1].second
    found = {point.second: point.p99 for point in generator.merged.points.get(timing, [])}
    return [found.get(second) for second in range(max(0, until - width), until)]


def _course(generator: Generator, width: int) -> Table:
    table, width = Table.grid(padding=(0, 2)), max(width, SHORTEST_BARS)
    seconds = generator.seconds
    table.add_row("frames a second", _bars(list(rates(seconds, "frames"))[-width:]))
    table.add_row("messages a second", _bars(list(rates(seconds, "said"))[-width:]))
    table.add_row("connected", _bars([float(each.counts.get("connected", 0)) for each in seconds[-width:]]))
    return table


def _counts(now: Second) -> Text:
    text = Text("\n")
    for name in COUNTS:
        text.append(f"{now.counts.get(name, 0):,} ", style="bold").append(f"{name}   ", style="dim")
    text.append("\n")
    for wrong in WRONGS:
        many = now.broken.get(wrong, 0)
        text.append(f"{many} {wrong}   ", style="bold red" if many else "green")
    text.append(f"  generator: {now.cpu:.0%} of a core, late by {now.lag * 1_000:.0f} ms", style="dim")
    return text


def rates(seconds: list[Second], name: str) -> Iterator[float]:
    """How much more it was in each second."""
    before = 0
    for each in seconds:
        many = each.counts.get(name, 0)
        yield float(max(0, many - before))
        before = many


def _bars(values: Sequence[float | None]) -> Text:
    """A gap where there was nothing."""
    most = max((value for value in values if value), default=1.0)
    bars = (" " if value is None else BARS[min(7, int(value / most * 7.999))] for value in values)
    return Text("".join(bars), style="cyan")


def told(outcome: Outcome, console: Console) -> None:
    """How it ended: what was timed, what was not borne, and why the figures may be wrong."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("milliseconds")
    for name in ("times", "p50", "p95", "p99", "longest", "p99, raw"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in outcome.timed:
        spread = each.corrected
        figures = (f"{value:,.1f}" for value in (spread.p50, spread.p95, spread.p99, spread.max))
        raw = "" if each.raw is None else f"{each.raw.p99:,.1f}"
        table.add_row(TITLES[each.timing], f"{spread.count:,}", *figures, raw)
    console.print(table)
    for figure in outcome.figures:
        console.print(f"{'  ' if figure.is_borne else '✗ '}{figure.text()}", markup=False)
    for example in outcome.examples:
        console.print(f"✗ {example}", markup=False)
    for finding in outcome.findings:
        console.print(f"✗ {finding}", markup=False)
    for warning in outcome.warnings:
        console.print(f"! {warning}", markup=False, style="yellow")
    counts = outcome.counts
    what = f"{outcome.scenario.name}: {counts.get('accepted', 0):,} messages, {counts.get('frames', 0):,} frames"
    console.print(f"{'PASS' if outcome.passed else 'FAIL'}  {what}, {outcome.took:.0f} s", markup=False)
