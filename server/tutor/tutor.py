"""The seam between a turn and whoever answers it."""

from collections.abc import AsyncGenerator
from typing import Protocol

from msgspec import Struct

from protocol.model import MessageType, Mode, TutorName, Usage


class Utterance(Struct, frozen=True):
    """One message of the history that a reply is written from."""

    role: MessageType
    content: str


class Lesson(Struct, frozen=True):
    """What a reply is written from: the session's mode and language, and its messages, the oldest first."""

    mode: Mode
    language: str
    history: list[Utterance]


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

    def reply(self, lesson: Lesson) -> AsyncGenerator[Piece]:
        """The reply to the lesson's last message, piece by piece. Raises TutorFailed."""
        ...
