"""What both sides hold: sessions, messages, and replies while they are written.

On the wire the names are camelCase and absent means the default. Times are RFC 3339 in UTC.
`seq` is the number of the change in the user's timeline that last touched the row; `position`
(1, 2, 3 …) is the place of a message in its session and never changes.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from protocol.ids import DeviceId, MediaId, MessageId, SessionId, UserId

TITLE_LENGTH = 500
CONTENT_LENGTH = 8_000
PREVIEW_LENGTH = 200
TEXT_PATTERN = "^[^\\x00]*$"
"""PostgreSQL's text holds anything but NUL, so a NUL is refused at the door."""

Mode = Literal["fun", "learn"]
Language = Annotated[str, Meta(min_length=2, max_length=10, pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$(?!\\n)")]
Title = Annotated[str, Meta(max_length=TITLE_LENGTH, pattern=TEXT_PATTERN)]
Content = Annotated[str, Meta(min_length=1, max_length=CONTENT_LENGTH, pattern=TEXT_PATTERN)]
MediaUrl = Annotated[
    str,
    Meta(min_length=47, max_length=47, pattern="^/api/media/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
]
"""Media are ours: the server never fetches a URL that a client gives, and a client never shows one."""
Moment = Annotated[datetime, Meta(tz=True)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""Fits the integers of JavaScript."""

MessageType = Literal["user", "assistant"]
ReplyStatus = Literal["pending", "complete", "stopped", "failed"]


def media_id(url: str) -> MediaId:
    """Which file a MediaUrl names."""
    return MediaId(UUID(url.rpartition("/")[2]))


class Usage(Struct, frozen=True, rename="camel"):
    """What the provider counted for one reply, in its tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Failure(Struct, frozen=True, rename="camel"):
    """Why a reply failed, for the person who waited for it."""

    code: str
    detail: str
    retryable: bool = True


class Metadata(Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """What a device may say about its message."""

    timestamp: Moment | None = None
    audio_url: MediaUrl | None = None
    image_url: MediaUrl | None = None
    language: Language | None = None


class MessageMetadata(Metadata, frozen=True, rename="camel", omit_defaults=True):
    """What is kept about a message: the device's words and the hub's own."""

    model: str | None = None
    usage: Usage | None = None
    truncated: bool | None = None
    failure: Failure | None = None


class Session(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A tutoring conversation. With `deleted_at` it is a tombstone: shown by nobody, restorable for 30 days.

    An empty title means that none was given yet; the first message names the session.
    `message_count` counts the messages and replies that are not deleted.
    """

    id: SessionId
    user_id: UserId
    title: str
    preview: str | None = None
    language: str
    mode: Mode
    created_at: Moment
    updated_at: Moment
    message_count: int
    read_seq: int
    seq: int
    deleted_at: Moment | None = None


class Message(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A durable utterance. An assistant's has a `status` and the message it answers (`reply_to`).

    With `deleted_at` it is a tombstone without text. A pending reply has no text here: that is in its Reply.
    """

    id: MessageId
    session_id: SessionId
    position: int
    type: MessageType
    content: str
    metadata: MessageMetadata | None = None
    status: ReplyStatus | None = None
    reply_to: MessageId | None = None
    created_at: Moment
    seq: int
    deleted_at: Moment | None = None


class Reply(Struct, frozen=True, rename="camel", kw_only=True):
    """An open reply as far as it is written: the pieces 0 … next − 1 of this attempt, joined in `text`."""

    message: MessageId
    attempt: int
    next: int
    text: str


class Media(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A picture or a sound of the user's. `url` is what the metadata of a message names it by.

    `type` is what it was found to be, and `bytes` what is kept of it: a picture is written anew. A picture has a
    `width`, a `height` and a `thumbnail_url`, a sound has its `seconds`.
    """

    id: MediaId
    url: str
    thumbnail_url: str | None = None
    type: str
    bytes: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    created_at: Moment


class Device(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One client of the user: an id it keeps, and a name for people."""

    id: DeviceId
    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=TEXT_PATTERN)]


class SeenDevice(Struct, frozen=True, rename="camel", kw_only=True):
    """A device that the user has signed in with. `seen_at`: when it last connected, or took a fresh token.

    `current`: it was let in by the token of whoever asks.
    """

    id: DeviceId
    name: str
    first_seen_at: Moment
    seen_at: Moment
    current: bool


class Cursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where a device stands: the epoch of the numbers, and the last one it has applied."""

    epoch: Annotated[str, Meta(min_length=1, max_length=200)]
    seq: Seq


class TutorName(Struct, frozen=True, rename="camel"):
    """Which tutor answers, as people should see it. `local`: the small model on this machine, often wrong."""

    name: str
    local: bool
    note: str


class Limits(Struct, frozen=True, rename="camel"):
    """What the hub will take: bytes of a frame, frames at once and a second, code points of a text."""

    frame_bytes: int
    frames_at_once: int
    frames_per_second: int
    content_length: int
    title_length: int
    pending_replies: int
