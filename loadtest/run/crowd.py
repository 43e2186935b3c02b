"""The learners of one process, through all stages of a scenario, until everything is answered; then what came of it."""

import asyncio
from collections.abc import Iterable
from time import monotonic

from loadtest.run.book import Tally
from loadtest.run.learner import Learner, Place
from loadtest.run.rhythm import is_of_part
from loadtest.run.scenario import Join, Slow, Storm

LOOKS_EVERY = 0.2
CHECKED_AT_ONCE = 8


class Crowd:
    """`learners`: those of this process. `is_over`: the stages are."""

    def __init__(self, place: Place, learners: list[Learner], tally: Tally) -> None:
        self.is_over = False
        self._place = place
        self._learners = learners
        self._tally = tally

    async def live(self) -> None:
        """From the beginning to the end of the last stage, and until all is checked."""
        async with asyncio.TaskGroup() as group:
            for learner in self._learners:
                learner.live(group)
            for begins, ends, stage in self._place.scenario.spans():
                await asyncio.sleep(self._place.begins_at + begins - monotonic())
                match stage:
                    case Storm():
                        self._break(stage)
                    case Slow():
                        group.create_task(self._read_slowly(stage))
                    case Join():
                        for learner in self._of(stage):
                            group.create_task(learner.join(ends - begins))
                    case _:
                        pass
            await asyncio.sleep(self._place.begins_at + self._place.scenario.seconds - monotonic())
            self.is_over = True
            await self._come_to_rest()
            await self._check()
            raise Over

    def _of(self, stage: Slow | Join) -> Iterable[Learner]:
        return (learner for learner in self._learners if learner.devices and learner.is_of(stage))

    def _break(self, storm: Storm) -> None:
        """Those that are dropped come back evenly."""
        now = monotonic()
        dropped = [
            device
            for learner in self._learners
            for each, device in enumerate(learner.devices)
            if is_of_part(storm.part, learner.number * len(learner.devices) + each)
        ]
        for each, device in enumerate(dropped):
            device.link.drop(now + storm.back_within * each / len(dropped))

    async def _read_slowly(self, slow: Slow) -> None:
        devices = [learner.devices[-1].link for learner in self._of(slow)]
        for link in devices:
            link.read_at(slow.bytes_per_second)
        await asyncio.sleep(slow.seconds)
        for link in devices:
            link.read_at(0)

    async def _come_to_rest(self) -> None:
        for learner in self._learners:
            learner.hush()
        until = monotonic() + self._place.rests_within
        while monotonic() < until and not all(learner.is_at_rest for learner in self._learners):
            await asyncio.sleep(LOOKS_EVERY)

    async def _check(self) -> None:
        """A few at a time: to look at everything is a load of its own."""
        waiting = iter([learner for learner in self._learners if learner.devices])

        async def check_some() -> None:
            for learner in waiting:
                await learner.check()

        async with asyncio.TaskGroup() as group:
            for _ in range(CHECKED_AT_ONCE):
                group.create_task(check_some())


class Over(Exception):
    """All is checked: everybody leaves."""
