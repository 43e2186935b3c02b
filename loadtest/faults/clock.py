"""Faults of time: an instance whose wall clock is wrong. It needs libfaketime."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

from loadtest import programs
from loadtest.faults.fault import Fault, Strike
from loadtest.faults.links import named
from loadtest.world import World


def why_not() -> str:
    return "" if programs.faketime() else "libfaketime is not installed"


def skewed(seconds: int) -> Strike:
    """An instance is started again with its clock so far ahead; less than tokens bear."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        met = chance.choice(world.instances)
        await met.stop()
        await met.start(
            LD_PRELOAD=str(programs.faketime()), FAKETIME=f"{seconds:+d}s", FAKETIME_DONT_FAKE_MONOTONIC="1"
        )
        yield f"{named([met])}: {seconds:+d} s"
        await met.stop()

    return strike


FAULTS = (
    Fault("clock-ahead", "Time: clock skew on one instance", (5, 8), skewed(25), why_not=why_not),
    Fault("clock-behind", "Time: wall clock steps back", (5, 8), skewed(-25), why_not=why_not),
)
