"""Two results of loads, side by side: how much longer everything took in the second."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.run.book import WRONGS
from loadtest.run.outcome import Outcome
from loadtest.run.timings import TITLES

NOTABLE = 0.1
"""A difference of one tenth; less is chance."""
SHOWN = ("p50", "p95", "p99")
COUNTED = ("said", "accepted", "refused", "disconnected", "frames", *WRONGS)


def compared(before: Outcome, after: Outcome, console: Console) -> None:
    """Prints it."""
    for warning in differences(before, after):
        console.print(f"! {warning}", markup=False, style="yellow")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("milliseconds")
    for name in SHOWN:
        table.add_column(f"{name} of A", justify="right")
        table.add_column("of B", justify="right")
        table.add_column("", justify="right")
    then = {each.timing: each.corrected for each in before.timed}
    for each in after.timed:
        if (former := then.get(each.timing)) is not None:
            pairs = ((getattr(former, name), getattr(each.corrected, name)) for name in SHOWN)
            cells = (cell for one, other in pairs for cell in (f"{one:,.1f}", f"{other:,.1f}", change(one, other)))
            table.add_row(TITLES[each.timing], *cells)
    console.print(table)
    counts = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("how often", "A", "B"):
        counts.add_column(name, justify="left" if name == "how often" else "right")
    for name in COUNTED:
        one, other = ({**each.counts, **each.broken}.get(name, 0) for each in (before, after))
        counts.add_row(name, f"{one:,}", f"{other:,}")
    console.print(counts)


def change(before: float, after: float) -> Text:
    """Longer is worse."""
    if not before:
        return Text("")
    part = after / before - 1
    style = "dim" if abs(part) < NOTABLE else "red" if part > 0 else "green"
    return Text(f"{part:+.0%}", style=style)


def differences(before: Outcome, after: Outcome) -> Iterator[str]:
    """Why they may not be comparable."""
    if before.scenario.stages != after.scenario.stages or before.scenario.crowd != after.scenario.crowd:
        yield f"A is a run of {before.scenario.name}, B of {after.scenario.name}: they did not do the same."
    if (before.cores, before.target) != (after.cores, after.target):
        yield f"A had {before.cores} cores and {before.target}, B {after.cores} and {after.target}."
    for name, each in (("A", before), ("B", after)):
        yield from (f"{name}: {warning}" for warning in each.warnings)
