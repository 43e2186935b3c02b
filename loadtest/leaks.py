"""Whether an instance holds more, when all is quiet again, than it held before anybody came."""

import asyncio

from msgspec import structs

from loadtest.instance import Counts, Instance
from loadtest.world import World

SETTLES_WITHIN = 20.0
"""Seconds after the last device has left."""
STEADY_FOR = 0.7
POOLS = 24
"""Files that an instance may keep open for its pools, which grow when they are used."""


async def counted(world: World) -> dict[str, Counts]:
    """Of each instance that runs, once it has come to be what it is when nobody is there."""
    return {each.name: await _steady(each) for each in world.instances if each.process.runs}


async def _steady(instance: Instance) -> Counts:
    counts = await instance.counts()
    while True:
        await asyncio.sleep(STEADY_FOR)
        former, counts = counts, await instance.counts()
        if counts == former:
            return counts


async def leaks(world: World, before: dict[str, Counts]) -> list[str]:
    """What was not given back in time, in words."""
    found: list[str] = []
    async with asyncio.TaskGroup() as group:
        for each in world.instances:
            if each.name in before and each.process.runs:
                group.create_task(_look(each, before[each.name], found))
    return found


async def _look(instance: Instance, before: Counts, found: list[str]) -> None:
    more: list[str] = []
    try:
        async with asyncio.timeout(SETTLES_WITHIN):
            while more := _more(before, await instance.counts()):
                await asyncio.sleep(0.5)
    except TimeoutError:
        found.append(f"instance {instance.name} holds more than before anybody came: {', '.join(more)}")


def _more(before: Counts, after: Counts) -> list[str]:
    allowed = structs.asdict(structs.replace(before, fds=before.fds + POOLS))
    return [
        f"{name} {count}, not {allowed[name]}"
        for name, count in structs.asdict(after).items()
        if name != "event" and count > allowed[name]
    ]
