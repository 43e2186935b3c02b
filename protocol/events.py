"""What the hub says.

A durable event carries, whole, every row that its transaction changed, under one number: to apply it is to
put its rows. A live event has no number; what it loses, the durable `reply.settled` heals.
"""

from typing import Literal

from msgspec import Raw, Struct

from protocol.errors import FieldError, Reason
from protocol.ids import MessageId, SessionId
from protocol.model import Limits, Message, Session, TutorName


class _Event(Struct, tag_field="type", rename="camel", frozen=True, kw_only=True, omit_defaults=True):
    pass


class Welcome(_Event, tag="welcome", frozen=True):
    """The answer to `hello`. `heartbeat_ms`: how often the hub pings; silence of twice that is a lost connection."""

    ref: int
    epoch: str
    seq: int
    device: str
    limits: Limits
    heartbeat_ms: int
    tutor: TutorName


class Snapshot(_Event, tag="snapshot", frozen=True):
    """Everything a device held is replaced: the first page of sessions as of `seq`."""

    epoch: str
    seq: int
    sessions: list[Session]
    cursor: str | None


class Changes(_Event, tag="changes", frozen=True):
    """Each row now numbered in (since, seq], so numbers are missing inside: put all, set the cursor to `seq`.

    `more`: the next page follows by itself.
    """

    since: int
    seq: int
    more: bool
    sessions: list[Session]
    messages: list[Message]


class _Durable(_Event, frozen=True):
    seq: int
    sessions: list[Session] = []
    messages: list[Message] = []


class SessionAdded(_Durable, tag="session.added", frozen=True):
    """A new session."""


class SessionChanged(_Durable, tag="session.changed", frozen=True):
    """Renamed, read, restored, or another mode or language."""


class SessionRemoved(_Durable, tag="session.removed", frozen=True):
    """The session is a tombstone now; replies that were open in it are settled in the same event."""


class MessageAdded(_Durable, tag="message.added", frozen=True):
    """The message, its pending reply, and the session."""


class MessageChanged(_Durable, tag="message.changed", frozen=True):
    """A message was edited."""


class MessageRemoved(_Durable, tag="message.removed", frozen=True):
    """It is a tombstone now; a reply that was open to it is settled in the same event."""


class ReplySettled(_Durable, tag="reply.settled", frozen=True):
    """The reply with its whole text: heals anything lost."""


class TokenAdded(_Event, tag="token.added", frozen=True):
    """The pieces chunk … next − 1. Append only if the attempt is the held one and `chunk` is the held `next`."""

    message: MessageId
    attempt: int
    chunk: int
    next: int
    text: str


class ReplySnapshot(_Event, tag="reply.snapshot", frozen=True):
    """Replaces what is held of the reply, if the attempt is not lower.

    Begins every attempt: without text, or with the text that it goes on from.
    """

    message: MessageId
    attempt: int
    next: int
    text: str


class TypingChanged(_Event, tag="typing.changed", frozen=True):
    """`who` is `tutor` or a device's id, `name` what people call it. Believed for 6 s."""

    session: SessionId
    who: str
    name: str
    active: bool


Trouble = Literal["live", "storage"]
"""`live`: instances do not hear each other, so other devices hear within 2 s. `storage`: nothing can be saved."""


class Degraded(_Event, tag="degraded", frozen=True):
    """What does not work as it should just now; nothing is lost by it. Without any: all is well again."""

    what: list[Trouble]


class Draining(_Event, tag="draining", frozen=True):
    """This instance is leaving: come back in so many milliseconds."""

    reconnect_in_ms: int


class TokenExpiring(_Event, tag="token.expiring", frozen=True):
    """Say `auth.refresh` within so many milliseconds, or be closed with 4003."""

    in_ms: int


class Accepted(_Event, tag="accepted", frozen=True):
    """Done and, if it is durable, committed. `result` is what REST would send as its body."""

    ref: int
    result: Raw


class Refused(_Event, tag="refused", frozen=True):
    """Not done, or not surely (`unavailable`, `internal`). `ref` is null when the frame had none that could be read."""

    ref: int | None
    problem: str
    title: str
    status: int
    detail: str
    code: Reason
    retryable: bool = False
    retry_after_ms: int | None = None
    errors: list[FieldError] = []


class Pong(_Event, tag="pong", frozen=True):
    """The answer to `ping`."""

    ref: int


Durable = SessionAdded | SessionChanged | SessionRemoved | MessageAdded | MessageChanged | MessageRemoved | ReplySettled
Live = TokenAdded | ReplySnapshot | TypingChanged
Notice = Degraded | Draining | TokenExpiring
Event = Welcome | Snapshot | Changes | Durable | Live | Notice | Accepted | Refused | Pong
