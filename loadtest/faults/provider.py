"""Faults of the tutor's provider."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

from loadtest.faults.fault import Fault, Strike
from loadtest.mood import Mood
from loadtest.world import World


def mood(mood: Mood) -> Strike:
    """So is the fake tutor while it lasts."""

    @asynccontextmanager
    async def strike(world: World, chance: Random) -> AsyncGenerator[str]:
        with world.tutor.mood(mood):
            yield mood.value

    return strike


ROW = "LLM: "

FAULTS = (
    Fault("tutor-refuse", ROW + "connect refused", (1, 4), mood(Mood.REFUSE)),
    Fault("tutor-429", ROW + "429", (1, 4), mood(Mood.BUSY)),
    Fault("tutor-500", ROW + "500", (1, 4), mood(Mood.BROKEN)),
    Fault("tutor-503", ROW + "503", (1, 4), mood(Mood.UNAVAILABLE)),
    Fault("tutor-late", ROW + "stall before the first token", (3, 9), mood(Mood.LATE)),
    Fault("tutor-silent", ROW + "stall mid-stream", (8, 9), mood(Mood.SILENT)),
    Fault("tutor-silent-shortly", ROW + "stall mid-stream, and goes on", (2, 4), mood(Mood.SILENT)),
    Fault("tutor-cut", ROW + "cut mid-stream", (2, 4), mood(Mood.CUT)),
    Fault("tutor-malformed", ROW + "malformed SSE", (2, 4), mood(Mood.MALFORMED)),
    Fault("tutor-split", ROW + "UTF-8 split across chunks", (2, 4), mood(Mood.SPLIT)),
    Fault("tutor-huge", ROW + "1 MB in a single token", (2, 4), mood(Mood.HUGE)),
    Fault("tutor-endless", ROW + "endless output", (3, 5), mood(Mood.ENDLESS)),
    Fault("tutor-slow", ROW + "slow 1 tok/s", (3, 6), mood(Mood.SLOW)),
    Fault("tutor-empty", ROW + "empty", (1, 3), mood(Mood.EMPTY)),
)
