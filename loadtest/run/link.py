"""Keeps a device connected: when to come, how long to stay away, when to give up. Moves frames, never reads them."""

import asyncio
from collections.abc import Callable
from random import Random
from time import monotonic

from loadtest.run.book import Tally
from loadtest.run.timings import Timing
from loadtest.run.wire import OTHER_LANGUAGE, Address, Ended, Refusal, Wire, opened
from protocol.errors import comes_back

FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""Seconds at most until the next attempt: twice as long after each that failed, at random."""
WELCOME_WITHIN = 30.0


class Link:
    """`where`: addresses of hubs, any of them for each connection. `begin` is told of each connection, `hear` is given
    each frame. For one that is `narrow` the kernel keeps little.

    `comes_at`: when it is meant to come, by the monotonic clock; `began`, `connected`: when it tried to, and when it
    was there.
    """

    def __init__(
        self,
        where: list[Address],
        chance: Random,
        tally: Tally,
        *,
        comes_at: float,
        narrow: bool,
        begin: Callable[[], None],
        hear: Callable[[bytes, float], None],
    ) -> None:
        self.comes_at = comes_at
        self.began = self.connected = 0.0
        self.rate = 0
        """So many bytes a second are read; 0: as fast as can be."""
        self.welcome = asyncio.Event()
        """Set by the device, once it is in step; cleared when the connection is lost."""
        self._where = where
        self._chance = chance
        self._tally = tally
        self._narrow = narrow
        self._begin = begin
        self._hear = hear
        self._wire: Wire | None = None
        self._failures = 0
        self._away_for: float | None = None

    async def stay(self) -> Ended:
        """For ever, or until the hub has it never come back."""
        await asyncio.sleep(self.comes_at - monotonic())
        while True:
            ended = await self._once()
            if ended is not None and not comes_back(ended.code):
                return ended
            await self._be_away()

    def say(self, data: bytes) -> None:
        """Nothing if there is no connection."""
        if self._wire is not None:
            self._wire.say(data)

    def drop(self, back_at: float) -> None:
        """The network is gone, until then."""
        if self._wire is not None:
            self.comes_at = back_at
            self.stay_away(back_at - monotonic())
            self._tally.counts["dropped"] += 1
            self._wire.cut()

    def stay_away(self, seconds: float) -> None:
        """After this connection."""
        self._away_for = seconds

    def read_at(self, rate: int) -> None:
        """From now on, in each connection."""
        self.rate = rate
        if self._wire is not None:
            self._wire.rate = rate

    async def _once(self) -> Ended | None:
        """One attempt, and how its connection ended; None: there was none."""
        self.began = monotonic()
        try:
            wire = await opened(self._chance.choice(self._where), self._hear, narrow=self._narrow)
        except Refusal as refusal:
            return self._refused(refusal)
        except (OSError, TimeoutError) as error:
            self._failed(str(error) or "no answer in time")
            return None
        self._wire, self.connected = wire, monotonic()
        self._tally.timings.took(Timing.CONNECT, self.connected - self.comes_at, self.connected - self.began)
        self._tally.counts["connections"] += 1
        self._tally.counts["connected"] += 1
        wire.rate = self.rate
        self._begin()
        return await self._until_it_ends(wire)

    async def _until_it_ends(self, wire: Wire) -> Ended:
        late = asyncio.get_running_loop().call_later(WELCOME_WITHIN, self._give_up, wire)
        try:
            ended = await wire.ended
        finally:
            late.cancel()
            self._failures = 0 if self.welcome.is_set() else self._failures + 1
            self.welcome.clear()
            self._wire = None
            self._tally.counts["read bytes"] += wire.read_bytes
            self._tally.counts["connected"] -= 1
            wire.cut()
        if self._away_for is None:
            self._tally.counts["disconnected"] += 1
            self._tally.counts[f"disconnected: {ended.code} {ended.reason}".strip()] += 1
        return ended

    def _give_up(self, wire: Wire) -> None:
        if not self.welcome.is_set():
            self._tally.counts["not welcomed in time"] += 1
            wire.cut()

    def _refused(self, refusal: Refusal) -> Ended | None:
        if refusal.status == OTHER_LANGUAGE:
            return Ended(OTHER_LANGUAGE, str(refusal))
        if refusal.retry_after is None:
            self._failed(str(refusal))
        else:
            self._tally.counts["told to come again"] += 1
            self._away_for = refusal.retry_after * self._chance.uniform(0.5, 1)
        return None

    def _failed(self, why: str) -> None:
        self._failures += 1
        self._tally.counts["failed connections"] += 1
        self._tally.counts[f"no connection: {why[:100]}"] += 1

    async def _be_away(self) -> None:
        """As long as was said, or as the client would be."""
        seconds, self._away_for = self._away_for, None
        if seconds is None:
            seconds = self._chance.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._failures, 10)))
            self.comes_at = monotonic() + seconds
        await asyncio.sleep(seconds)
