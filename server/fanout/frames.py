"""An event, encoded once, with its websocket header: the same bytes for every socket."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, get_args

from msgspec import Struct

from protocol.codec import encode
from protocol.events import Changes, Durable, Event, ReplySnapshot, Snapshot, TokenAdded, TypingChanged

TEXT = 0x81
"""A whole text message (RFC 6455, section 5.2). A server does not mask."""
MEDIUM, LONG = bytes((TEXT, 126)), bytes((TEXT, 127))
"""What comes before the length of one that is not short."""


Numbered = Durable | Changes | Snapshot
"""Moves the cursor of who hears it."""
SUBJECTS: dict[type, Callable[[Any], object]] = {
    TokenAdded: attrgetter("message"),
    ReplySnapshot: attrgetter("message"),
    TypingChanged: attrgetter("session", "who"),
}
"""What a live event is about: at most one frame about it waits for a socket."""
NUMBERS: dict[type, Callable[[Any], int]] = dict.fromkeys(get_args(Numbered), attrgetter("seq"))


class Frame(Struct, frozen=True):
    """An event and its bytes on the wire; `about` is the subject of a live one, `seq` the number that one moves to."""

    event: Event
    data: bytes
    about: object = None
    seq: int | None = None

    def __len__(self) -> int:
        return len(self.data)


def frame(event: Event) -> Frame:
    return encoded(event, encode(event))


def encoded(event: Event, payload: bytes) -> Frame:
    """The frame of an event whose JSON is at hand: another instance has made it."""
    kind, length = type(event), len(payload)
    if length < 126:
        header = bytes((TEXT, length))
    elif length < 65_536:
        header = MEDIUM + length.to_bytes(2, "big")
    else:
        header = LONG + length.to_bytes(8, "big")
    subject, number = SUBJECTS.get(kind), NUMBERS.get(kind)
    return Frame(event, header + payload, subject and subject(event), number and number(event))


def payload(told: Frame) -> bytes:
    """The event's JSON, without the websocket header."""
    length = told.data[1]
    return told.data[2 if length < 126 else 4 if length == 126 else 10 :]


def merged(earlier: Frame, later: Frame) -> Frame:
    """One frame that says what two live ones of the same subject say; in doubt, the later one."""
    before, after = earlier.event, later.event
    if not isinstance(after, TokenAdded) or not isinstance(before, TokenAdded | ReplySnapshot):
        return later
    if before.attempt != after.attempt or before.next != after.chunk:
        return later
    text = before.text + after.text
    if isinstance(before, TokenAdded):
        return frame(
            TokenAdded(message=after.message, attempt=after.attempt, chunk=before.chunk, next=after.next, text=text)
        )
    return frame(ReplySnapshot(message=after.message, attempt=after.attempt, next=after.next, text=text))
