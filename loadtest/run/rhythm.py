"""When who comes and speaks: known beforehand, so that a slow hub slows nobody down. Pure."""

from collections.abc import Iterator
from random import Random

from loadtest.run.scenario import Crowd, Ramp, Scenario, Spike, Stage

Span = tuple[float, float, Stage]


def comes_at(scenario: Scenario, number: int) -> float | None:
    """Seconds after the beginning at which this user (0, 1, 2 …) comes; None: never. Without a ramp, all at once."""
    there = 0
    ramps = [(begins, stage) for begins, _, stage in scenario.spans() if isinstance(stage, Ramp)]
    for begins, ramp in ramps:
        wanted = min(ramp.users or scenario.crowd.users, scenario.crowd.users)
        if there <= number < wanted:
            return begins + ramp.seconds * (number - there) / (wanted - there)
        there = max(there, wanted)
    return None if ramps else 0.0


def speaks_at(scenario: Scenario, since: float, chance: Random) -> Iterator[float]:
    """Seconds after the beginning at which a user who came then speaks; in a spike so many times as often."""
    crowd = scenario.crowd
    waits = _wait(crowd, chance) * (chance.random() if crowd.even else 1.0)
    for begins, ends, stage in scenario.spans():
        times = stage.times if isinstance(stage, Spike) else 1.0
        at = max(since, begins)
        while at < ends and at + waits / times < ends:
            at += waits / times
            yield at
            waits = _wait(crowd, chance)
        waits -= max(0.0, ends - at) * times


def is_of_part(part: float, number: int) -> bool:
    """Whether this one (0, 1, 2 …) is among them: of any so many, the part."""
    return int((number + 1) * part + 1e-9) > int(number * part + 1e-9)


def _wait(crowd: Crowd, chance: Random) -> float:
    return crowd.says_every if crowd.even else chance.expovariate(1 / crowd.says_every)
