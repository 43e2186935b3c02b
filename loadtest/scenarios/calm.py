"""Nothing breaks: devices work on several instances, and what they do is as quick as it should be."""

import asyncio

from loadtest.figures import ACKNOWLEDGED, JOINED, SEEN, STOPPED
from loadtest.measured import Figure
from loadtest.scenarios.judged import at_p95, judged
from loadtest.scenarios.scenario import Say
from loadtest.work import worked, workload
from loadtest.world import World

DEVICES_EACH = 3
LASTS = 120.0
"""Seconds."""
STOPPED_WITHIN = 0.3
TOLD_WITHIN = 0.25
KNOWN_WITHIN = 0.25
"""Seconds by which the page that a joining device is shown may be behind the others."""


async def nothing_breaks(it: World, sockets: int, say: Say) -> list[Figure]:
    """Stops, joins in mid-reply and what is told, on any instance."""
    devices = workload(it, users=max(1, sockets // DEVICES_EACH), devices_each=DEVICES_EACH)

    async def meanwhile() -> None:
        await asyncio.sleep(LASTS)
        say(f"{devices.counts['acknowledged']:,} sends")

    await worked(it, devices, meanwhile())
    found, figures = await judged(it)
    return [
        *figures,
        at_p95(found, STOPPED, STOPPED_WITHIN),
        at_p95(found, ACKNOWLEDGED, TOLD_WITHIN),
        at_p95(found, SEEN, TOLD_WITHIN),
        Figure("joined in mid-reply", found.counts["joined in mid-reply"], "times"),
        at_p95(found, JOINED, KNOWN_WITHIN),
    ]
