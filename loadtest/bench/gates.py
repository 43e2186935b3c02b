"""What the figures have to be, each a ratio of ours to another's in the same run; and the table of all of them.

Absolute figures drift with what else a machine does: only those of one run are compared, and the rounds go over all
who are measured in turn, so that a bad minute is everybody's.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from msgspec import Struct

from loadtest.bench.field import FLOOR, OURS, SCENARIOS
from loadtest.bench.measuring import Figures

MARGIN = 1.15
"""A gate fails beyond this: by so much do medians of a few short runs differ."""

Runs = Mapping[str, Mapping[str, Sequence[Figures]]]
"""By scenario, then by who was measured."""


class Gate(Struct, frozen=True):
    """Of a figure of ours in a scenario: at most so many times another's; without another, at most so much."""

    scenario: str
    figure: str
    other: str
    most: float


GATES = [
    Gate("S1", "frame", FLOOR, 1.25),
    Gate("S1", "frame", "starlette", 0.60),
    Gate("S1", "frame", "node ws", 0.85),
    Gate("S1 merged", "frame", FLOOR, 0.70),
    Gate("S2", "frame", FLOOR, 1.30),
    Gate("S2", "frame", "starlette", 0.50),
    Gate("S2", "frame", "node ws", 0.80),
    Gate("S3", "socket", "starlette", 0.50),
    Gate("S3", "accept", "starlette", 0.60),
    Gate("S4", "frame", "starlette", 0.13),
    Gate("S4", "redis", "starlette", 0.15),
    Gate("S5", "frame", "starlette", 0.70),
    Gate("S6", "late", "", 0.03),
    Gate("S6", "held", "", 256.0),
]


class Held(Struct, frozen=True):
    """A gate, and what was seen of ours, and of the floor. None: who it is held against was not there, or no floor."""

    gate: Gate
    seen: float | None
    floor: float | None

    @property
    def holds(self) -> bool:
        return self.seen is None or self.seen <= self.gate.most * MARGIN


def held(runs: Runs) -> list[Held]:
    return [Held(gate, _seen(runs, gate, OURS), _seen(runs, gate, FLOOR)) for gate in GATES if gate.scenario in runs]


def _seen(runs: Runs, gate: Gate, who: str) -> float | None:
    ours = middle(runs, gate.scenario, who, gate.figure)
    theirs = middle(runs, gate.scenario, gate.other, gate.figure) if gate.other else 1.0
    return round(ours / theirs, 3) if ours is not None and theirs else None


def middle(runs: Runs, scenario: str, who: str, figure: str) -> float | None:
    """The median of the rounds."""
    found = [getattr(each, figure) for each in runs.get(scenario, {}).get(who, ())]
    return median(found) if found and None not in found else None


def markdown(runs: Runs) -> str:
    """Everything, and the gates first."""
    lines = ["| what | figure | against | must be | seen | | the floor |", "|---|---|---|---|---|---|---|"]
    for each in held(runs):
        gate, seen = each.gate, "not here" if each.seen is None else f"{each.seen:g}"
        verdict = "" if each.seen is None else "holds" if each.holds else "**does not hold**"
        most = f"≤ {gate.most:g}{'×' if gate.other else ''}"
        floor = "" if each.floor is None or gate.other == FLOOR else f"{each.floor:g}"
        lines.append(
            f"| {gate.scenario} | {gate.figure} | {gate.other or '–'} | {most} | {seen} | {verdict} | {floor} |"
        )
    for scenario, by in runs.items():
        lines += ["", f"**{scenario}**: {SCENARIOS[scenario].about}", "", "| | " + " | ".join(COLUMNS.values()) + " |"]
        lines += ["|---" * (len(COLUMNS) + 1) + "|"]
        for who in by:
            cells = [_cell(middle(runs, scenario, who, figure)) for figure in COLUMNS]
            lines.append(f"| {who} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


COLUMNS = {
    "frame": "µs a frame",
    "redis": "µs of Redis a frame",
    "accept": "µs a socket accepted",
    "socket": "KiB a socket",
    "p50": "p50 ms",
    "p99": "p99 ms",
    "late": "late",
    "lost": "lost",
    "held": "KiB a stalled socket",
}


def _cell(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.4g}"
