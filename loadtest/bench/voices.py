"""The tutors of a benchmark. What they say is the moment at which it was due, not the one at which somebody got round
to it: a hub that falls behind shows that as latency.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from protocol.model import TutorName
from server.lesson import Lesson
from server.tutor.tutor import Piece

TICK = 0.005
"""Seconds between two looks at who is to say something."""
MARK = "@"
TS_BASE = 10**15
"""So that every moment, in microseconds of the monotonic clock, has 16 digits."""
NAME = TutorName(name="bench", local=False, note="")


def stamp(moment: float) -> str:
    """A moment of the monotonic clock, as it is said."""
    return str(TS_BASE + int(moment * 1e6))


async def ticks(goes_on: Callable[[], bool]) -> AsyncGenerator[tuple[int, float]]:
    """The number of each tick, and the moment at which it was due; those that are late come at once."""
    start, number = time.monotonic() + TICK, 0
    while goes_on():
        due = start + number * TICK
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        yield number, due
        number += 1


def every(rate: float) -> int:
    """How many ticks pass between two tokens, of so many a second."""
    return max(1, round(1 / rate / TICK))


class _Voice:
    """One reply: what is to be said next, and who waits for it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.waiting: asyncio.Future[None] | None = None

    def say(self, text: str) -> None:
        self.said.append(text)
        if self.waiting is not None:
            self.waiting.set_result(None)
            self.waiting = None


class Voices:
    """A Tutor whose replies do not end. While they `speak`, each says so many tokens a second."""

    name = NAME
    continues = False

    def __init__(self) -> None:
        self._voices: list[_Voice] = []

    @property
    def count(self) -> int:
        """How many replies are being written."""
        return len(self._voices)

    async def reply(self, lesson: Lesson) -> AsyncGenerator[Piece]:
        voice, loop = _Voice(), asyncio.get_running_loop()
        self._voices.append(voice)
        while True:
            while voice.said:
                yield Piece(voice.said.pop(0))
            voice.waiting = loop.create_future()
            await voice.waiting

    async def speak(self, rate: float, goes_on: Callable[[], bool]) -> int:
        """As long as it goes on, spread evenly over the ticks. How many tokens were said."""
        emitted, groups = 0, every(rate)
        async for tick, due in ticks(goes_on):
            text = f"{MARK}{stamp(due)} some token"
            for voice in self._voices[tick % groups :: groups]:
                voice.say(text)
                emitted += 1
        return emitted


class Echo:
    """A Tutor whose replies are one long token: what was asked, and so many bytes."""

    name = NAME
    continues = False

    def __init__(self, pad: int) -> None:
        self._pad = "x" * pad

    async def reply(self, lesson: Lesson) -> AsyncGenerator[Piece]:
        yield Piece(f"{MARK}{lesson.history[-1].content} some token{self._pad}")
