"""How often something begins that is done for all who wait for it: the more they are, the less it costs for each."""

import asyncio

APART = 0.01
"""Seconds between two beginnings."""


class Pace:
    """Who comes by itself begins at once; of a crowd, each begins APART from the one before. A late loop may begin two
    of them together.
    """

    def __init__(self) -> None:
        self._next_at = 0.0

    def begins_at(self, now: float) -> float:
        """The moment for who asks now, by the clock of `now`, in seconds."""
        at = max(now, self._next_at)
        self._next_at = at + APART
        return at

    async def begin(self) -> None:
        """Until it may."""
        now = asyncio.get_running_loop().time()
        if (wait := self.begins_at(now) - now) > 0:
            await asyncio.sleep(wait)
