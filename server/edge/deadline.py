"""A limit of time for a peer, in which the time is not counted that this process was late itself.

A loop that was held up finds both at once: what a peer has said meanwhile, and that its time is over. Which of them
comes first is chance. So at the limit a peer has once more as long as we were late, and the loop a turn to read.
"""

import asyncio
from collections.abc import Callable

A_TURN = 0.05
"""Seconds in which a loop that is not late has read what the system holds. Not 0: uvloop would not read."""


class Deadline:
    """Calls at a moment of the loop's clock, or a little later. Once `cancel` was called it does not."""

    __slots__ = ("_at", "_call", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, at: float, call: Callable[[], object]) -> None:
        self._loop = loop
        self._at = at
        self._call = call
        self._timer = loop.call_at(at, self._look)

    def cancel(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        late = self._loop.time() - self._at
        self._timer = self._loop.call_later(max(late, A_TURN), self._call)


def within(seconds: float, call: Callable[[], object]) -> Deadline:
    """As `Deadline`, so many seconds from now."""
    loop = asyncio.get_running_loop()
    return Deadline(loop, loop.time() + seconds, call)
