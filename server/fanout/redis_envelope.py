"""What instances say to each other through Redis: a line that says what it is, then an event's JSON as it was encoded.

    live ada 7d…4e                   kind, user, and the session or message that it is about,
    {"type":"token.added",…}         or, of a change, where its number comes from

It travels sealed, see redis_seal.py. Nothing here is believed because it came: what is not of this channel's user and
of its own kind is Junk. No I/O.
"""

from urllib.parse import quote, unquote
from uuid import UUID

from msgspec import Struct

from protocol.codec import Undecodable, decode_event
from protocol.events import Durable, Event, Live, TypingChanged
from protocol.ids import MessageId, SessionId, UserId
from server.fanout.frames import Frame, encoded
from server.fanout.redis_seal import Junk

LARGEST = 1024 * 1024
"""Bytes of a sealed envelope; a larger one is neither sent nor read."""

HIGHEST = 2**31 - 1
"""Of attempts and of pieces: more the database does not count."""

DURABLE, LIVE, STOPPING, WAKING = b"durable", b"live", b"stop", b"wake"


class Envelope(Struct, frozen=True, gc=False):
    """`user` is a tag, see `tag`; `payload` is empty where there is none."""

    kind: bytes
    user: bytes
    about: bytes
    payload: bytes


def tag(user: UserId) -> str:
    """The user as a part of a line: one word."""
    return quote(user, safe="")


def written(kind: bytes, user: UserId, about: str, payload: bytes = b"") -> bytes:
    return b"%b %b %b\n%b" % (kind, tag(user).encode(), about.encode(), payload)


def read(data: bytes) -> Envelope:
    """The parts of an envelope, none of them looked at yet. Raises Junk."""
    line, newline, payload = data.partition(b"\n")
    words = line.split(b" ")
    if len(words) != 3 or not newline:
        raise Junk("dropped_junk")
    kind, user, about = words
    return Envelope(kind, user, about, payload)


def told(envelope: Envelope, user: UserId) -> tuple[str, Frame]:
    """Where the number of a change comes from, and its frame. Every row in it has its number. Raises Junk."""
    event = _event(envelope.payload)
    if envelope.kind != DURABLE or not isinstance(event, Durable):
        raise Junk("dropped_junk")
    if any(row.user_id != user for row in event.sessions):
        raise Junk("dropped_foreign")
    if {row.seq for row in (*event.sessions, *event.messages)} != {event.seq}:
        raise Junk("dropped_junk")
    return envelope.about.decode(errors="replace"), encoded(event, envelope.payload)


def told_live(envelope: Envelope) -> tuple[SessionId, Frame]:
    """The session and the frame of something that is not kept. Raises Junk."""
    event = _event(envelope.payload)
    session = SessionId(_uuid(envelope.about))
    if not isinstance(event, Live) or (isinstance(event, TypingChanged) and event.session != session):
        raise Junk("dropped_junk")
    if not isinstance(event, TypingChanged) and max(event.attempt, event.next) > HIGHEST:
        raise Junk("dropped_junk")
    return session, encoded(event, envelope.payload)


def stopped(envelope: Envelope) -> MessageId:
    """Which reply is to be stopped. Raises Junk."""
    return MessageId(_uuid(envelope.about))


def woken(envelope: Envelope) -> tuple[UserId, SessionId]:
    """Which session waits for somebody. Raises Junk."""
    if envelope.kind != WAKING or not envelope.user:
        raise Junk("dropped_junk")
    try:
        user = unquote(envelope.user.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise Junk("dropped_junk") from None
    return UserId(user), SessionId(_uuid(envelope.about))


def _event(payload: bytes) -> Event:
    try:
        event = decode_event(payload)
    except Undecodable:
        raise Junk("dropped_junk") from None
    if event is None:
        raise Junk("dropped_junk")
    return event


def _uuid(word: bytes) -> UUID:
    try:
        return UUID(word.decode("ascii"))
    except ValueError:
        raise Junk("dropped_junk") from None
