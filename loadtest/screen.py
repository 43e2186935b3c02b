"""What a person sees of a proof while it runs, and how it ended."""

import time

from rich.console import Console
from rich.table import Table

from loadtest.faults.fault import Fault
from loadtest.measured import Measured
from loadtest.nemesis import Injected
from loadtest.plan import Planned
from loadtest.result import Result
from loadtest.verdict import shortest

MOST = 10
"""Findings and figures of one kind that are shown; all are in the result's file."""


class Screen:
    """Lines for what happens; on a terminal, one more that changes in place."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._start = time.monotonic()
        self.status = self._console.status("Starting …")

    def say(self, text: str) -> None:
        self._console.print(f"{time.monotonic() - self._start:7.1f} s  {text}", markup=False)

    def told(self, planned: Planned, injected: Injected | None) -> None:
        """A fault begins, or it is over and recovered from."""
        names = " and ".join(planned.faults)
        if injected is None:
            self.say(f"▶ {names}, for {planned.lasts:.1f} s")
        elif injected.was_skipped:
            self.say(f"  {names} {injected.note}")
        else:
            after = injected.recovered_after
            well = "has not recovered" if after is None else f"recovered after {after:.2f} s"
            self.say(f"  {names} ({injected.note}) {well}")

    def plan(self, planned: list[Planned]) -> None:
        for each in planned:
            self._console.print(each.text, markup=False)

    def faults(self, faults: dict[str, Fault]) -> None:
        """All that there are."""
        table = Table("fault", "stands for", "seconds", box=None)
        for fault in faults.values():
            lasts = f"{fault.lasts[0]:g}–{fault.lasts[1]:g}{', in long runs' if fault.is_long else ''}"
            table.add_row(fault.name, fault.row, f"{lasts}{f' (skipped: {why})' if (why := fault.why_not()) else ''}")
        self._console.print(table, markup=False)

    def result(self, result: Result) -> None:
        """The figures, then pass or the shortest counterexample."""
        for name, spread in result.figures.items():
            self._line(
                f"{name}: p50 {spread.p50:.3f} s, p95 {spread.p95:.3f} s, max {spread.max:.3f} s ({spread.count})"
            )
        self._line(", ".join(f"{count:,} {name}" for name, count in result.counts.items()))
        for finding in result.findings[:MOST]:
            self._line(f"✗ {finding}")
        if (example := shortest(result.violations)) is not None:
            kinds = sorted({each.promise for each in result.violations})
            self._line(f"✗ {len(result.violations)} violations of {', '.join(kinds)}. The shortest counterexample:")
            self._line(example.text())
        met = sum(not each.was_skipped for each in result.met)
        what = f"seed {result.seed}: {met} faults of {len(result.kinds())} kinds in {result.took:.0f} s"
        self._line(f"PASS  {what}, no promise broken" if result.passed else f"FAIL  {what}")

    def measured(self, measured: Measured) -> None:
        """The figures, then pass or fail."""
        for figure in measured.figures:
            self._line(f"{'  ' if figure.is_borne else '✗ '}{figure.text()}")
        for finding in measured.findings[:MOST]:
            self._line(f"✗ {finding}")
        what = f"{measured.scenario}: {measured.about}, {measured.sockets:,} sockets, {measured.took:.0f} s"
        self._line(f"{'PASS' if measured.passed else 'FAIL'}  {what}")

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False)
