"""A time limit that is put off again and again, as by each piece of a reply, for no more than a comparison."""

import asyncio
from types import TracebackType
from typing import Self


class Patience:
    """For `async with`: raises TimeoutError once it is later than `until`, by the loop's clock."""

    def __init__(self, until: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = asyncio.timeout(None)
        self._until = until
        self._timer = self._loop.call_at(until, self._look)

    async def __aenter__(self) -> Self:
        await self._limit.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)

    def wait_until(self, until: float) -> None:
        """From now on this is the limit. Only a nearer one costs a new timer; a later one is seen when it is looked."""
        nearer, self._until = until < self._until, until
        if nearer:
            self._timer.cancel()
            self._look()

    def _look(self) -> None:
        if (now := self._loop.time()) < self._until:
            self._timer = self._loop.call_at(self._until, self._look)
        else:
            self._limit.reschedule(now)
