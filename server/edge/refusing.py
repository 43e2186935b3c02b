"""What both doors say when something can't be done: a frame or a body that can't be read, a fault of our own."""

from uuid import uuid4

import structlog

from protocol.codec import Undecodable
from protocol.errors import CloseCode
from server.errors import (
    Invalid,
    Malformed,
    RateLimited,
    Refusal,
    SealedWithMissingKey,
    SignedOut,
    TooManyConnections,
    Unauthenticated,
)

log = structlog.get_logger()


def undecodable(error: Undecodable) -> Refusal:
    """Naming the fields that are wrong, where there are any."""
    return Invalid(error.detail, errors=error.errors) if error.errors else Malformed()


def fault(about: str, error: Exception) -> Refusal:
    """Logs it under a number, which is all that the other side is told."""
    number = uuid4().hex[:12]
    log.error("fault", fault=number, about=about, exc_info=error)
    return Refusal(f"Something went wrong on our side ({number}). It may or may not have been done; try again.")


def close_code(refusal: Refusal) -> CloseCode:
    """How a connection ends whose hello was refused."""
    match refusal:
        case SignedOut():
            return CloseCode.SIGNED_OUT
        case Unauthenticated():
            return CloseCode.UNAUTHENTICATED
        case Invalid():
            return CloseCode.BAD_REQUEST
        case TooManyConnections():
            return CloseCode.TOO_MANY_CONNECTIONS
        case RateLimited():
            return CloseCode.RATE_LIMITED
        case SealedWithMissingKey():
            return CloseCode.FORBIDDEN
        case _:
            return CloseCode.OVERLOADED
