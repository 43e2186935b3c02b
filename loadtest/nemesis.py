"""Injects one planned fault after the other, and waits, within bounds, until the world has recovered from it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from random import Random

from msgspec import Struct

from loadtest.faults import FAULTS
from loadtest.plan import Planned
from loadtest.world import World

GIVES_UP = 45.0
"""Seconds after the end of a fault in which nothing has recovered."""


class Injected(Struct, frozen=True, kw_only=True):
    """What was done. Times by `time.monotonic`, as in the histories. `note`: whom it met, or why it was skipped.

    `recovered_after`: seconds from its end until all instances were ready and saved something.
    """

    planned: Planned
    note: str
    began: float
    ended: float
    was_skipped: bool = False
    recovered_after: float | None = None

    @property
    def loses(self) -> bool:
        return not self.was_skipped and any(FAULTS[name].loses for name in self.planned.faults)

    @property
    def slows(self) -> bool:
        return not self.was_skipped and any(FAULTS[name].slows for name in self.planned.faults)


class Nemesis:
    """`acknowledged` says how many sends have been, so far; `told` is called with each fault as it begins and ends."""

    def __init__(
        self, world: World, acknowledged: Callable[[], int], told: Callable[[Planned, Injected | None], None]
    ) -> None:
        self.injected: list[Injected] = []
        self._world = world
        self._acknowledged = acknowledged
        self._told = told

    async def run(self, planned: list[Planned]) -> None:
        """All of them, each at its time, or as soon after it as the one before is over."""
        start = time.monotonic()
        for each in planned:
            await asyncio.sleep(max(0.0, start + each.at - time.monotonic()))
            self._told(each, None)
            injected = await self._inject(each)
            self.injected.append(injected)
            self._told(each, injected)

    async def _inject(self, planned: Planned) -> Injected:
        began = time.monotonic()
        if reasons := [why for name in planned.faults if (why := FAULTS[name].why_not())]:
            note = f"skipped: {', '.join(reasons)}"
            return Injected(planned=planned, note=note, began=began, ended=began, was_skipped=True)
        notes: list[str] = []
        async with AsyncExitStack() as stack:
            for index, name in enumerate(planned.faults):
                strike = FAULTS[name].strike(self._world, Random(f"{planned.seed} {index}"))
                notes.append(await stack.enter_async_context(strike))
            await asyncio.sleep(planned.lasts)
        await self._world.start_missing()
        ended = time.monotonic()
        recovered = await self._recovered(planned)
        note = "; ".join(notes)
        return Injected(planned=planned, note=note, began=began, ended=ended, recovered_after=recovered)

    async def _recovered(self, planned: Planned) -> float | None:
        """Seconds until every instance was ready and saved something; None: that took for ever. Then some device's send
        is waited for, which may take longer: devices come back when they have waited long enough.
        """
        done, names = self._acknowledged(), " and ".join(planned.faults)
        seconds = await self._world.recovered(GIVES_UP)
        if seconds is None:
            self._world.findings.append(f"nothing was saved {GIVES_UP:.0f} s after {names}")
            return None
        within = max(FAULTS[name].recovers_within for name in planned.faults)
        if seconds > within:
            self._world.findings.append(f"it took {seconds:.1f} s to recover from {names}, at most {within:g} is borne")
        try:
            async with asyncio.timeout(GIVES_UP):
                while self._acknowledged() <= done:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            self._world.findings.append(f"nothing was acknowledged {GIVES_UP:.0f} s after {names}")
        return seconds
