"""Whether this process was paused: stopped by a signal, starved, or blocked. Others may have gone on without it. And
how late it is with everything: who has too much to do does it in larger pieces.
"""

import asyncio

BEAT = 0.2
PAUSE = 1.0
"""Seconds without a beat that count as a pause; a lease is longer by far."""
LATEST = 0.3
"""The part that the last beat has in what counts as usual."""
STRETCH = 3.0
LONGEST = 0.12
"""Seconds to which what may wait is stretched; a reader does not see them."""


class Pulse:
    """Beats in `run`; also a pause that has just ended, before the next beat, is seen."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._paused_at = self._last
        self._lateness = 0.0

    async def run(self) -> None:
        self._last = self._loop.time()
        while True:
            await asyncio.sleep(BEAT)
            if self._late():
                self._paused_at = self._loop.time()
            late = self._loop.time() - self._last - BEAT
            self._lateness += LATEST * (late - self._lateness)
            self._last = self._loop.time()

    def stretched(self, seconds: float) -> float:
        """Of what may wait for so long: for how long it does now. The later everything is, the longer, so that the rest
        has its share; what may not wait does not.
        """
        return max(seconds, min(LONGEST, round(STRETCH * self._lateness, 3))) if seconds else 0.0

    def paused_since(self, moment: float) -> bool:
        """Whether the process was paused after this moment of the loop's clock."""
        return self._paused_at > moment or self._late()

    def _late(self) -> bool:
        return self._loop.time() - self._last > BEAT + PAUSE
