"""Devices at work while something happens to the world, until all is at rest; then the verdict."""

import asyncio
from collections.abc import Awaitable

from loadtest.checker import check
from loadtest.devices import Workload
from loadtest.dump import dump
from loadtest.evidence import Leniency
from loadtest.verdict import Verdict
from loadtest.world import World

RESTS_WITHIN = 120.0
"""Seconds after the last thing that happened until every device is in step and every reply has ended."""
HISTORIES = "histories"
"""The folder in a world's, where the devices write."""


def workload(it: World, *, users: int, devices_each: int, pause: float = 1.2, deletes: bool = True) -> Workload:
    """Its devices reach every instance of the world. `pause` and `deletes` are as in Workload."""
    return Workload(
        [each.url for each in it.instances],
        it.secret,
        it.folder / HISTORIES,
        it.seed,
        users=users,
        devices_each=devices_each,
        pause=pause,
        deletes=deletes,
    )


async def worked(it: World, devices: Workload, meanwhile: Awaitable[None]) -> None:
    """They work until what happens meanwhile is over, and come to rest. That they don't, or that an instance died, is a
    finding of the world.
    """
    async with asyncio.TaskGroup() as group:
        group.create_task(devices.run())
        await meanwhile
        if not await devices.finish(RESTS_WITHIN):
            it.findings.append(f"not at rest {RESTS_WITHIN:.0f} s after the last fault")
    it.look_for_deaths()


async def verdict(it: World, leniency: Leniency | None = None) -> Verdict:
    """Decided from what the devices wrote down and what the database holds."""
    rows = await dump(it.database.url)
    return await asyncio.to_thread(check, it.folder / HISTORIES, rows, it.tutor.whole, leniency)
