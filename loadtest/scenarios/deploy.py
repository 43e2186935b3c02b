"""All instances are restarted one by one while devices send: no send fails, and devices move a few at a time."""

import asyncio

from loadtest.evidence import Leniency, Window
from loadtest.history import now
from loadtest.measured import Figure
from loadtest.process import WorldFailed
from loadtest.scenarios.judged import judged
from loadtest.scenarios.scenario import Say
from loadtest.work import worked, workload
from loadtest.world import World

DEVICES_EACH = 3
PAUSE = 8.0
"""Seconds between two acts of a device, on average."""
BEFORE = 10.0
"""Seconds of fair weather before the first is restarted, and between two."""
SAMPLED_EVERY = 0.1
MOVE_AT_ONCE = 300
"""Connections that may be made within a second: devices are sent away at 200 a second, and some are lost anyhow."""


async def replace_instances(it: World, sockets: int, say: Say) -> list[Figure]:
    """Each leaves as a deploy has it leave, and is started again before the next one leaves."""
    devices = workload(it, users=max(1, sockets // DEVICES_EACH), devices_each=DEVICES_EACH, pause=PAUSE, deletes=False)
    came: list[int] = []
    began = now()

    async def meanwhile() -> None:
        await asyncio.sleep(BEFORE)
        async with asyncio.TaskGroup() as group:
            sampling = group.create_task(_sample(it, came))
            for each in it.instances:
                await each.stop()
                await each.start()
                if await it.recovered() is None:
                    raise WorldFailed(f"instance {each.name} was not ready after its restart")
                say(f"instance {each.name} was replaced, {devices.counts['acknowledged']:,} sends so far")
                await asyncio.sleep(BEFORE)
            sampling.cancel()

    await worked(it, devices, meanwhile())
    _, figures = await judged(it, Leniency(slow=[Window(began, now())]))
    return [
        *figures,
        Figure("sends that failed", devices.counts["refused"] + devices.counts["unknown"], "in all", 0),
        Figure("connections made within one second, at most", _most(came), "of all devices", MOVE_AT_ONCE),
    ]


async def _sample(it: World, came: list[int]) -> None:
    """For ever: how many connections devices have made so far."""
    while True:
        came.append(sum(each.door.connections for each in it.instances))
        await asyncio.sleep(SAMPLED_EVERY)


def _most(came: list[int]) -> int:
    second = round(1 / SAMPLED_EVERY)
    return max((after - before for before, after in zip(came, came[second:], strict=False)), default=0)
