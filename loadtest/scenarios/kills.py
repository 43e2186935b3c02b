"""Whoever writes a reply is killed, again and again: the same reply goes on elsewhere, and no turn is left over."""

import asyncio

from loadtest.evidence import Leniency, Window
from loadtest.figures import TAKEN_OVER
from loadtest.history import now
from loadtest.instance import Instance
from loadtest.measured import Figure
from loadtest.scenarios.judged import at_p95, judged
from loadtest.scenarios.scenario import Say
from loadtest.work import worked, workload
from loadtest.world import World

DEVICES_EACH = 3
KILLS = 200
BETWEEN = 2.0
"""Seconds from one to the next, at least."""
GOES_ON_WITHIN = 10.0
"""Seconds, 6 of them the lease."""
SAID_EVERY = 20
"""Kills."""


async def kill_writers(it: World, sockets: int, say: Say) -> list[Figure]:
    """SIGKILL for whoever writes the most replies just then; it is started again at once."""
    devices = workload(it, users=max(1, sockets // DEVICES_EACH), devices_each=DEVICES_EACH)
    began, killed = now(), list[float]()

    async def meanwhile() -> None:
        async with asyncio.TaskGroup() as group:
            while len(killed) < KILLS:
                met = await _writing(it)
                killed.append(now())
                await met.kill()
                group.create_task(met.start())
                await asyncio.sleep(BETWEEN)
                if len(killed) % SAID_EVERY == 0:
                    say(f"{len(killed)} kills, {devices.counts['acknowledged']:,} sends")

    await worked(it, devices, meanwhile())
    found, figures = await judged(it, Leniency(slow=[Window(began, now())], lost=killed))
    return [
        Figure("instances killed while they wrote", len(killed), "in all"),
        *figures,
        at_p95(found, TAKEN_OVER, GOES_ON_WITHIN),
    ]


async def _writing(it: World) -> Instance:
    """The instance that writes the most, once one writes."""
    while not (it.owner().process.runs and it.tutor.writing[it.owner().name]):
        await asyncio.sleep(0.05)
    return it.owner()
