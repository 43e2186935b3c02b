"""Connections of devices are cut at random bytes, thousands of times, in a handshake, a frame or a page."""

import asyncio
from contextlib import ExitStack

from loadtest.evidence import Leniency, Window
from loadtest.history import now
from loadtest.measured import Figure
from loadtest.scenarios.judged import judged
from loadtest.scenarios.scenario import Say
from loadtest.work import worked, workload
from loadtest.world import World

DEVICES_EACH = 5
PAUSE = 5.0
"""Seconds between two acts of a device, on average."""
CUTS = 10_000
LATEST = 65_536
"""Bytes after which a connection is cut, at most."""
SAID_EVERY = 10.0


async def cut_connections(it: World, sockets: int, say: Say) -> list[Figure]:
    """Until there were so many of them; then everybody comes to rest, and the text is equal."""
    devices = workload(it, users=max(1, sockets // DEVICES_EACH), devices_each=DEVICES_EACH, pause=PAUSE)
    began = now()

    async def meanwhile() -> None:
        with ExitStack() as stack:
            for each in it.instances:
                stack.enter_context(each.door.weather(breaks=LATEST))
            while (made := _cut(it)) < CUTS:
                say(f"{made:,} cuts, {devices.counts['acknowledged']:,} sends")
                await asyncio.sleep(SAID_EVERY)

    await worked(it, devices, meanwhile())
    found, figures = await judged(it, Leniency(slow=[Window(began, now())]))
    return [
        Figure("connections cut", _cut(it), "in all"),
        Figure("connections that had said hello", found.counts["connections"], "in all"),
        *figures,
    ]


def _cut(it: World) -> int:
    return sum(each.door.broken for each in it.instances)
