"""Reason: a command was refused, the connection lives on. CloseCode: the connection was ended."""

from enum import IntEnum, StrEnum

from msgspec import Struct


class Reason(StrEnum):
    """Why a command or a request was refused; what a program branches on."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    REPLY_RUNNING = "reply_running"
    NOT_SETTLED = "not_settled"
    TOO_MANY_PENDING = "too_many_pending"
    RATE_LIMITED = "rate_limited"
    BUDGET_SPENT = "budget_spent"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    PRECONDITION_FAILED = "precondition_failed"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    IMAGE_TOO_LARGE = "image_too_large"
    AUDIO_TOO_LONG = "audio_too_long"
    QUOTA_EXCEEDED = "quota_exceeded"
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    NOT_OFFERED = "not_offered"
    PROVIDER_FAILED = "provider_failed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    STORAGE_FULL = "storage_full"
    SEALED_WITH_MISSING_KEY = "sealed_with_missing_key"
    OVERLOADED = "overloaded"
    DRAINING = "draining"
    INTERNAL = "internal"


class FieldError(Struct, frozen=True):
    """What is wrong with one field; nested ones are named `outer.inner`."""

    field: str
    code: str
    message: str


class Problem(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """RFC 9457. The same object answers a request and, with a `ref`, a command."""

    type: str
    title: str
    status: int
    detail: str
    code: Reason
    retryable: bool = False
    retry_after_ms: int | None = None
    errors: list[FieldError] = []


class CloseCode(IntEnum):
    """The number alone says whether to come back: 4000–4499 yes, 4500–4999 no."""

    DRAINING = 4000
    SLOW = 4001
    RESYNC = 4002
    TOKEN_EXPIRED = 4003
    RATE_LIMITED = 4005
    SERVER_ERROR = 4006
    OVERLOADED = 4007
    BAD_REQUEST = 4500
    UNAUTHENTICATED = 4501
    NO_HELLO = 4502
    FORBIDDEN = 4503
    TOO_MANY_CONNECTIONS = 4505
    SIGNED_OUT = 4507
    ERASED = 4508


GIVE_UP = frozenset({1002, 1003, 1007, 1008, 1009})
"""Codes of the websocket protocol itself that say the client is at fault; the others are worth a retry."""


def comes_back(code: int) -> bool:
    """Whether a client that was closed with this code should connect again."""
    return not (4500 <= code <= 4999 or code in GIVE_UP)
