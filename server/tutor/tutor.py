"""The seam between a turn and whoever answers it."""

from collections.abc import AsyncGenerator
from typing import Protocol

from msgspec import Struct

from protocol.model import TutorName, Usage
from server.lesson import Lesson


class Piece(Struct, frozen=True):
    """Some text of the reply, or, at its end, what the provider counted and whether it had to cut the reply."""

    text: str = ""
    usage: Usage | None = None
    truncated: bool = False


class TutorFailed(Exception):
    """The provider could not answer. `code` is for programs, `detail` for people; may a retry help?"""

    def __init__(self, code: str, detail: str, *, retryable: bool, passing: bool = True) -> None:
        """`passing`: the same question may well be answered a moment later, without anybody doing anything."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retryable = retryable
        self.passing = passing


class Tutor(Protocol):
    """Whoever answers. Closing the generator that `reply` gives ends the provider's work."""

    name: TutorName
    continues: bool
    """Whether it goes on with an answer that has begun (`lesson.begun`), from right after its last letter."""

    def reply(self, lesson: Lesson) -> AsyncGenerator[Piece]:
        """The reply to the lesson's last message, piece by piece; without what has begun. Raises TutorFailed."""
        ...
