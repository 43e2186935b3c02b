"""The workload: learners with several devices each, who work all the time and write down what they are told.

workload = Workload(["http://127.0.0.1:8001", "http://127.0.0.1:8002"], secret, folder, seed=7)
async with asyncio.TaskGroup() as group:
    running = group.create_task(workload.run())
    ...                                  # things break
    at_rest = await workload.finish(60)  # `run` has returned then
"""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random

from loadtest.actor import Actor, Learner, Place
from loadtest.tokens import token

LEAVES_WITHIN = 5.0


class Workload:
    """`hubs`: where the instances are; `secret`: what their tokens are signed with; `folder`: where the histories go,
    one file per device; `pause`: seconds between two acts of a device, on average. If nobody `deletes`, no send has
    a reason to be refused for good.
    """

    def __init__(
        self,
        hubs: list[str],
        secret: str,
        folder: Path,
        seed: int,
        *,
        users: int = 8,
        devices_each: int = 3,
        pause: float = 1.2,
        deletes: bool = True,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._ended = asyncio.Event()
        self._learners = [Learner(f"learner-{number}") for number in range(1, users + 1)]
        for learner in self._learners:
            place = Place(hubs, token(secret, learner.name), folder, pause, deletes)
            for number in range(1, devices_each + 1):
                chance = Random(f"{seed} {learner.name} {number}")
                learner.actors.append(Actor(learner, f"device-{number}", place, chance))

    @property
    def counts(self) -> Counter[str]:
        """Over all devices so far: events, and sends by what became of them."""
        return sum((actor.counts for actor in self._actors), Counter[str]())

    async def run(self) -> None:
        """Until `finish` is done, or it is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for actor in self._actors:
                    group.create_task(actor.live())
        finally:
            self._ended.set()

    async def finish(self, within: float) -> bool:
        """Say nothing new, and wait until each device is in step and each reply it knows has ended; then leave.

        False: that was not so within so many seconds. What each device shows is written down in any case.
        """
        for actor in self._actors:
            actor.finishing.set()
        at_rest = await _all_set([actor.rested for actor in self._actors], within)
        for actor in self._actors:
            actor.left.set()
        await _all_set([self._ended], LEAVES_WITHIN)
        return at_rest

    @property
    def _actors(self) -> list[Actor]:
        return [actor for learner in self._learners for actor in learner.actors]


async def _all_set(events: list[asyncio.Event], within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            for event in events:
                await event.wait()
    except TimeoutError:
        return False
    return True
