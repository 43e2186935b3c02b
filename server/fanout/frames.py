"""An event, encoded once, with its websocket header: the same bytes for every socket."""

from struct import pack

from msgspec import Struct

from protocol.codec import encode
from protocol.events import Changes, Durable, Event, ReplySnapshot, Snapshot, TokenAdded, TypingChanged

TEXT = 0x81
"""A whole text message (RFC 6455, section 5.2). A server does not mask."""


Numbered = Durable | Changes | Snapshot
"""Moves the cursor of who hears it."""


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
    return Frame(event, _header(len(payload)) + payload, _subject(event), _number(event))


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


def _subject(event: Event) -> object:
    """What a live event is about: at most one frame about it waits for a socket. None: the event is not live."""
    match event:
        case TokenAdded() | ReplySnapshot():
            return event.message
        case TypingChanged():
            return (event.session, event.who)
        case _:
            return None


def _number(event: Event) -> int | None:
    return event.seq if isinstance(event, Numbered) else None


def _header(length: int) -> bytes:
    if length < 126:
        return pack("!BB", TEXT, length)
    if length < 65_536:
        return pack("!BBH", TEXT, 126, length)
    return pack("!BBQ", TEXT, 127, length)
