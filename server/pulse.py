"""Whether this process was paused: stopped by a signal, starved, or blocked. Others may have gone on without it."""

import asyncio

BEAT = 0.2
PAUSE = 1.0
"""Seconds without a beat that count as a pause; a lease is longer by far."""


class Pulse:
    """Beats in `run`; also a pause that has just ended, before the next beat, is seen."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._paused_at = self._last

    async def run(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            if self._late():
                self._paused_at = self._loop.time()
            self._last = self._loop.time()

    def paused_since(self, moment: float) -> bool:
        """Whether the process was paused after this moment of the loop's clock."""
        return self._paused_at > moment or self._late()

    def _late(self) -> bool:
        return self._loop.time() - self._last > BEAT + PAUSE
