"""What a reply is written from. Read by the store, handed to the tutor."""

from msgspec import Struct

from protocol.model import MessageType, Mode


class Utterance(Struct, frozen=True):
    """One text of the history."""

    role: MessageType
    content: str


class Lesson(Struct, frozen=True):
    """The session's mode and language, and its texts, the oldest first; the last one is to be answered.

    `begun` is how the answer begins, for a tutor that `continues`.
    """

    mode: Mode
    language: str
    history: list[Utterance]
    begun: str = ""
