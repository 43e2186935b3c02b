"""What a reply is written from. Read by the store, handed to the tutor."""

from msgspec import Struct

from protocol.model import MessageType, Mode


class Picture(Struct, frozen=True):
    """The bytes of a picture, of this media type."""

    type: str
    data: bytes


class Utterance(Struct, frozen=True):
    """One text of the history, with the address of the picture that belongs to it, and with those that are shown."""

    role: MessageType
    content: str
    image_url: str | None = None
    pictures: tuple[Picture, ...] = ()


class Lesson(Struct, frozen=True):
    """The session's mode and language, and its texts, the oldest first; the last one is to be answered.

    `begun` is how the answer begins, for a tutor that `continues`.
    """

    mode: Mode
    language: str
    history: list[Utterance]
    begun: str = ""
