"""What will be injected and when: a function of the seed alone, made before anything starts."""

from collections.abc import Iterable, Iterator
from itertools import count
from random import Random

from msgspec import Struct

from loadtest.faults.fault import Fault

WARM_UP = 3.0
"""Seconds of fair weather before the first fault."""
BETWEEN = (2.0, 3.5)
"""Seconds of fair weather between two faults."""
PAIR_CHANCE = 0.15
"""Of two faults at once, after every kind was met alone."""
STARTING = ("hub", "clock")
"""The families whose faults may start instances themselves."""
LONG_RUN = 1_500.0
"""Seconds from which on the long kinds are met among others."""


class Planned(Struct, frozen=True):
    """One fault, or two at once. `at`: seconds after the start; `lasts`: seconds; `seed`: of its own choices."""

    at: float
    faults: tuple[str, ...]
    lasts: float
    seed: str

    @property
    def text(self) -> str:
        return f"{self.at:7.1f} s  {' and '.join(self.faults)}, for {self.lasts:.1f} s"


def plan(seed: int, seconds: float, faults: Iterable[Fault]) -> list[Planned]:
    """Every kind once, in the order of the seed, before any is met again, alone or with another.

    Long kinds are met in long runs, and where there are no others.
    """
    chance = Random(f"plan {seed}")
    at = WARM_UP
    planned: list[Planned] = []
    given = list(faults)
    kinds = [fault for fault in given if not fault.is_long or seconds >= LONG_RUN] or given
    for number, (fault, other) in enumerate(_order(chance, kinds)):
        lasts = round(chance.uniform(*fault.lasts), 1)
        if at + lasts > seconds:
            break
        names = _names(fault, other)
        planned.append(Planned(round(at, 1), names, lasts, f"{seed} {number}"))
        at += lasts + chance.uniform(*BETWEEN)
    return planned


def _names(fault: Fault, other: Fault | None) -> tuple[str, ...]:
    """Instances first: one that is started again must find what it needs."""
    both = [fault] if other is None else sorted([fault, other], key=lambda each: each.family not in STARTING)
    return tuple(each.name for each in both)


def _order(chance: Random, kinds: list[Fault]) -> Iterator[tuple[Fault, Fault | None]]:
    """For ever, unless there are none."""
    for met in count() if kinds else ():
        chance.shuffle(kinds)
        for fault in kinds:
            others = [each for each in kinds if each.family != fault.family and not each.is_long]
            pairs = met > 0 and others and chance.random() < PAIR_CHANCE
            yield fault, chance.choice(others) if pairs else None
