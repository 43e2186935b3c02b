"""What a reply is written from. Read by the store, handed to the tutor."""

from msgspec import Struct

from protocol.model import MessageType, Mode


class Utterance(Struct, frozen=True):
    """One text of the history."""

    role: MessageType
    content: str


class Lesson(Struct, frozen=True):
    """The session's mode and language, and its texts, the oldest first; the last one is to be answered."""

    mode: Mode
    language: str
    history: list[Utterance]
