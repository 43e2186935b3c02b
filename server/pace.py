"""How often something begins that is done for all who wait for it: the more they are, the less it costs for each."""

import asyncio


class Pace:
    """Turns that begin so many seconds apart at least. Who comes by itself has its turn at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._next_at = 0.0

    async def turn(self) -> None:
        """Until it may begin."""
        now = self._loop.time()
        at = max(now, self._next_at)
        self._next_at = at + self._seconds
        if at > now:
            await asyncio.sleep(at - now)
