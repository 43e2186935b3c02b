"""When something is due, and how that is written into it. A moment that is said is the one at which it was due, not the
one at which somebody got round to it: whoever falls behind shows that as latency.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

TICK = 0.005
"""Seconds between two looks at what is due."""
MARK = "@"
TS_BASE = 10**15
"""So that every moment, in microseconds of the monotonic clock, has 16 digits."""


def now() -> int:
    """In microseconds."""
    return TS_BASE + time.monotonic_ns() // 1_000


def stamp(moment: float) -> str:
    """A moment of the monotonic clock, as it is said."""
    return str(TS_BASE + int(moment * 1e6))


def token(moment: float) -> str:
    """What a tutor says that was due then."""
    return f"{MARK}{stamp(moment)} some token"


async def ticks(goes_on: Callable[[], bool]) -> AsyncGenerator[tuple[int, float]]:
    """The number of each tick, and the moment at which it was due; those that are late come at once."""
    start, number = time.monotonic() + TICK, 0
    while goes_on():
        due = start + number * TICK
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        yield number, due
        number += 1


def every(rate: float) -> int:
    """How many ticks pass between two things, of so many a second."""
    return max(1, round(1 / rate / TICK))
