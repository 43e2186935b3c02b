"""What the checker has decided of a scenario, as figures."""

from loadtest.evidence import Leniency
from loadtest.measured import Figure
from loadtest.verdict import Verdict
from loadtest.work import verdict
from loadtest.world import World

TOLD = 5
"""Broken promises that are told in full."""


async def judged(it: World, leniency: Leniency | None = None) -> tuple[Verdict, list[Figure]]:
    """The verdict, and what everybody wants to know of it. A broken promise is a finding of the world."""
    found = await verdict(it, leniency)
    it.findings += [each.text() for each in found.violations[:TOLD]]
    return found, [
        Figure("acknowledged sends", found.counts["acknowledged"], "in all"),
        Figure("frames that were written down and judged", found.counts["records"], "in all"),
        Figure("promises broken", len(found.violations), "times", 0),
    ]


def at_p95(found: Verdict, name: str, at_most: float) -> Figure:
    """A figure of the verdict. One that was never measured is not borne."""
    spread = found.figures.get(name)
    if spread is None:
        return Figure(name, None, at_most=at_most)
    return Figure(f"{name}, p95 of {spread.count:,}", spread.p95, at_most=at_most)
