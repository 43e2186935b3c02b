"""What a fault is: something that is done to the world, for a while, and undone."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from random import Random

from msgspec import Struct

from loadtest.world import World

Strike = Callable[[World, Random], AbstractAsyncContextManager[str]]
"""Entered, it injects the fault and says whom it met; left, it heals. `Random` is for its choices.

Instances that do not run then are started by whoever injects, once all is healed that they may need.
"""


QUICK = ("redis", "cluster", "tutor")
"""The families whose faults may not make anybody wait: what is acknowledged and told is as quick as ever, or is
repaired within the usual limits.
"""


AT_ONCE = 2.0
IN_THE_END = 30.0
"""Seconds that recovery may take: of instances that only have to connect again, and of any that has to start."""


def always() -> str:
    """No reason to skip."""
    return ""


class Fault(Struct, frozen=True):
    """`row`: what it stands for in the table of faults. `lasts`: seconds, at least and at most. `loses`: an instance is
    lost with the tail of what it was writing. `why_not`: the reason why it cannot be had on this machine, empty if it
    can. `is_long`: only for long runs. `deafens`: seconds from its beginning until all that is told on one instance has
    to be heard on the others again, where Redis is a cluster.
    """

    name: str
    row: str
    lasts: tuple[float, float]
    strike: Strike
    loses: bool = False
    why_not: Callable[[], str] = always
    is_long: bool = False
    deafens: float | None = None

    @property
    def family(self) -> str:
        """What it happens to: two faults at once are of two families."""
        return self.name.partition("-")[0]

    @property
    def recovers_within(self) -> float:
        """Seconds from its end until all instances are ready and save something, at most."""
        return AT_ONCE if self.family == "pg" else IN_THE_END

    @property
    def slows(self) -> bool:
        """Whether times mean nothing while it lasts."""
        return self.family not in QUICK
