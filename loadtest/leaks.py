"""Whether an instance holds more, when all is quiet again, than it held before anybody came."""

import asyncio

from msgspec import structs

from loadtest.instance import Counts, Instance
from loadtest.world import World

SETTLES_WITHIN = 20.0
"""Seconds after the last device has left."""
POOLS = 24
"""Files that an instance may keep open for its pools, which grow when they are used."""


async def counted(world: World) -> dict[str, Counts]:
    """Of each instance that runs."""
    return {each.name: await each.counts() for each in world.instances if each.process.runs}


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
