"""What a device may say. Each command carries `ref`, an integer of the device's own, and is answered by
`accepted` or `refused` with the same one. Unknown fields are refused.
"""

from typing import Annotated

from msgspec import Meta, Struct

from protocol.ids import MessageId, SessionId
from protocol.model import Content, Cursor, Device, Language, Metadata, Mode, Seq, Title

Ref = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Token = Annotated[str, Meta(min_length=1, max_length=16_384)]
PageSize = Annotated[int, Meta(ge=1, le=100)]
PageCursor = Annotated[str, Meta(min_length=1, max_length=200)]
"""Opaque: what an earlier page gave."""
Query = Annotated[str, Meta(min_length=1, max_length=200, pattern="^[^\\x00]*$")]

DEFAULT_PAGE = 50


class _Command(
    Struct, tag_field="type", rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True
):
    ref: Ref


class Hello(_Command, tag="hello", frozen=True):
    """The first frame, within 5 s. Without `since` the answer is a snapshot, with it the changes since."""

    device: Device
    token: Token | None = None
    since: Cursor | None = None


class AuthRefresh(_Command, tag="auth.refresh", frozen=True):
    """A new expiry for this socket; the token must be of the same user."""

    token: Token


class SessionCreate(_Command, tag="session.create", frozen=True):
    """Create a session; with an id of the device's making it can be said twice. Answer: the session."""

    session: SessionId | None = None
    title: Title | None = None
    mode: Mode = "fun"
    language: Language = "en"


class SessionUpdate(_Command, tag="session.update", frozen=True):
    """Rename, or change mode or language for the next reply. Answer: the session."""

    session: SessionId
    title: Title | None = None
    mode: Mode | None = None
    language: Language | None = None


class SessionDelete(_Command, tag="session.delete", frozen=True):
    """Take a session out of the list; its open replies stop. Answer: the session."""

    session: SessionId


class SessionRestore(_Command, tag="session.restore", frozen=True):
    """Bring a deleted session back, within 30 days. Answer: the session."""

    session: SessionId


class SessionList(_Command, tag="session.list", frozen=True):
    """A page of sessions, the latest first. Answer: SessionPage."""

    before: PageCursor | None = None
    limit: PageSize = DEFAULT_PAGE


class SessionSearch(_Command, tag="session.search", frozen=True):
    """Sessions whose title or a message holds all the words; the last word may be a beginning. Answer: SearchPage."""

    query: Query
    before: PageCursor | None = None
    limit: PageSize = DEFAULT_PAGE


class SessionOpen(_Command, tag="session.open", frozen=True):
    """A page of messages, the last one or the one before a cursor; from now on its live text. Answer: MessagePage."""

    session: SessionId
    before: PageCursor | None = None
    limit: PageSize = DEFAULT_PAGE


class SessionClose(_Command, tag="session.close", frozen=True):
    """No more live text of this session."""

    session: SessionId


class MessageList(_Command, tag="message.list", frozen=True):
    """A page of messages: the last one, or that before or after a cursor, or around a message. Answer: MessagePage.

    The session is not opened by it.
    """

    session: SessionId
    before: PageCursor | None = None
    after: PageCursor | None = None
    around: MessageId | None = None
    limit: PageSize = DEFAULT_PAGE


class MessageSend(_Command, tag="message.send", frozen=True):
    """Add a message and its pending reply. The id is the device's; saying it again adds nothing. Answer: Sent."""

    session: SessionId
    message: MessageId
    content: Content
    metadata: Metadata | None = None


class MessageEdit(_Command, tag="message.edit", frozen=True):
    """Change the text of a message of the user's. Answer: the message."""

    message: MessageId
    content: Content


class MessageDelete(_Command, tag="message.delete", frozen=True):
    """Leave a tombstone without text; an open reply to it stops. Answer: the message."""

    message: MessageId


class ReplyStop(_Command, tag="reply.stop", frozen=True):
    """End an open reply. Answer: the message as it stands.

    `seen` is the held `next`: no less than that is saved, unless the instance that wrote it was lost.
    """

    message: MessageId
    seen: Seq = 0


class ReplyRetry(_Command, tag="reply.retry", frozen=True):
    """Delete a settled reply and write a new one to the same message. Answer: the new reply."""

    message: MessageId


class TypingSet(_Command, tag="typing.set", frozen=True):
    """Never stored; to be said again every 3 s, believed for 6 s."""

    session: SessionId
    active: bool


class ReadMark(_Command, tag="read.mark", frozen=True):
    """Read up to this number; never goes back. Answer: the session."""

    session: SessionId
    seq: Seq


class Ping(_Command, tag="ping", frozen=True):
    """For browsers, which cannot send a websocket ping. Answer: `pong`."""


Command = (
    Hello
    | AuthRefresh
    | SessionCreate
    | SessionUpdate
    | SessionDelete
    | SessionRestore
    | SessionList
    | SessionSearch
    | SessionOpen
    | SessionClose
    | MessageList
    | MessageSend
    | MessageEdit
    | MessageDelete
    | ReplyStop
    | ReplyRetry
    | TypingSet
    | ReadMark
    | Ping
)
