"""What instances say to each other through Redis: a head that says what it is, then an event's JSON as it was encoded.

    kind, and three lengths        `HEAD`, in network order
    user, about, payload           about: 16 bytes of the session's or message's id, or where a change's number is from

Envelopes for the same channel that are said at the same time lie behind each other in one, which travels sealed, see
redis_seal.py. Nothing here is believed because it came: what is not of its own kind is Junk. No I/O.
"""

from collections.abc import Iterator
from functools import lru_cache
from struct import Struct as Layout
from uuid import UUID

from msgspec import Struct

from protocol.codec import Undecodable, decode_event
from protocol.events import Durable, Event, ReplySnapshot, TokenAdded, TypingChanged
from protocol.ids import MessageId, SessionId, UserId
from server.fanout.frames import Frame, encoded
from server.fanout.redis_seal import Junk

LARGEST = 1024 * 1024
"""Bytes of something sealed; what is larger is neither sent nor read."""

HIGHEST = 2**31 - 1
"""Of attempts and of pieces: more the database does not count."""

DURABLE, LIVE, STOPPING, WAKING = 1, 2, 3, 4

TEXT = (TokenAdded, ReplySnapshot)

HEAD = Layout("!BHHI")
"""Kind, and the lengths of user, about and payload."""

IDS = 20_000
"""Of sessions, that are remembered: to make one costs more than all else here."""


class Envelope(Struct, frozen=True, gc=False):
    """`user` is their id, encoded; `payload` is empty where there is none."""

    kind: int
    user: bytes
    about: bytes
    payload: bytes


def written(kind: int, user: UserId, about: bytes, payload: bytes = b"") -> bytes:
    name = user.encode()
    return b"".join((HEAD.pack(kind, len(name), len(about), len(payload)), name, about, payload))


def read(data: bytes) -> Iterator[Envelope]:
    """The envelopes that lie behind each other, none of them looked at yet. Raises Junk where that ends otherwise."""
    at, end = 0, len(data)
    while at + HEAD.size <= end:
        kind, user, about, payload = HEAD.unpack_from(data, at)
        at += HEAD.size
        about_at, payload_at = at + user, at + user + about
        whole = payload_at + payload
        if whole > end:
            break
        yield Envelope(kind, data[at:about_at], data[about_at:payload_at], data[payload_at:whole])
        at = whole
    if at != end or not end:
        raise Junk("dropped_junk")


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
    if isinstance(event, TEXT):
        right = event.attempt <= HIGHEST and event.next <= HIGHEST
    else:
        right = isinstance(event, TypingChanged) and event.session == session
    if not right:
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
        user = envelope.user.decode()
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


@lru_cache(IDS)
def _uuid(data: bytes) -> UUID:
    if len(data) != 16:
        raise Junk("dropped_junk")
    return UUID(bytes=data)
