"""The names of things, and how a fresh one is made.

Session and message ids are UUIDs made by whoever creates the thing, so that creating it twice is
creating it once. They name a thing only together with its user.
"""

from typing import Annotated, NewType
from uuid import UUID, uuid4

from msgspec import Meta

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", UUID)
MessageId = NewType("MessageId", UUID)
MediaId = NewType("MediaId", UUID)

DEVICE_ID_LENGTH = 64
DeviceId = Annotated[str, Meta(min_length=1, max_length=DEVICE_ID_LENGTH, pattern="^[A-Za-z0-9_.:-]+$")]


def fresh_session_id() -> SessionId:
    return SessionId(uuid4())


def fresh_message_id() -> MessageId:
    return MessageId(uuid4())


def fresh_media_id() -> MediaId:
    return MediaId(uuid4())


def fresh_device_id() -> str:
    return uuid4().hex
