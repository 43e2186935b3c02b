"""What answers when no tutor is connected: nobody. It says why, and how to connect one."""

from collections.abc import AsyncGenerator

from protocol.model import TutorName
from server.lesson import Lesson
from server.tutor.tutor import Piece, TutorFailed

HOW = (
    "No tutor is connected. Set OPENAI_BASE_URL (and OPENAI_API_KEY) to an OpenAI-compatible server, "
    "or run `make start`, which brings a small local model."
)


class Unconnected:
    """A Tutor whose every reply fails, at once, for the reason given."""

    def __init__(self, detail: str = HOW) -> None:
        self.name = TutorName(name="no tutor", local=False, note=detail)
        self.continues = False
        self._detail = detail

    async def reply(self, lesson: Lesson) -> AsyncGenerator[Piece]:
        raise TutorFailed("no_tutor", self._detail, retryable=True, passing=False)
        yield Piece()  # never reached; it makes this a generator
