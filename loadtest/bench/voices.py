"""The tutors of a benchmark."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from loadtest.bench.clock import MARK, every, ticks, token
from protocol.model import TutorName
from server.lesson import Lesson
from server.tutor.tutor import Piece

NAME = TutorName(name="bench", local=False, note="")


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
            text = token(due)
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
