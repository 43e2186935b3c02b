"""Every way a command or a request can be refused. The docstring of a kind is what the person is told.

Raised where the rule is, caught in one place in edge/.
"""

from protocol.errors import FieldError, Problem, Reason
from protocol.meanings import REASONS


class Refusal(Exception):
    """Something went wrong on our side. Please try again."""

    code = Reason.INTERNAL
    title = "Internal error"
    retryable = True

    def __init__(
        self, detail: str | None = None, *, errors: list[FieldError] | None = None, retry_after_ms: int | None = None
    ) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.errors = errors or []
        self.retry_after_ms = retry_after_ms
        super().__init__(self.detail)

    @property
    def status(self) -> int:
        """Of a request that is refused for this reason."""
        return REASONS[self.code].status

    def problem(self) -> Problem:
        return Problem(
            type=f"urn:tutorhub:problem:{self.code}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            code=self.code,
            retryable=self.retryable,
            retry_after_ms=self.retry_after_ms,
            errors=self.errors,
        )


class Malformed(Refusal):
    """This is not JSON that can be read."""

    code, title, retryable = Reason.MALFORMED, "Malformed", False


class Invalid(Refusal):
    """Some fields are not right; see `errors`."""

    code, title, retryable = Reason.INVALID, "Invalid", False

    @classmethod
    def field(cls, field: str, code: str, message: str) -> "Invalid":
        return cls(f"{field}: {message}", errors=[FieldError(field, code, message)])


class Unauthenticated(Refusal):
    """Please sign in: the token is missing, expired or not valid."""

    code, title, retryable = Reason.UNAUTHENTICATED, "Not signed in", False


class Expired(Unauthenticated):
    """Please sign in: the token is missing, expired or not valid."""


class SignedOut(Unauthenticated):
    """You have signed out. Please sign in again."""

    title = "Signed out"


class Forbidden(Refusal):
    """You may not do this."""

    code, title, retryable = Reason.FORBIDDEN, "Forbidden", False


class NotFound(Refusal):
    """There is no such thing here. It may have been deleted."""

    code, title, retryable = Reason.NOT_FOUND, "Not found", False


class MethodNotAllowed(Refusal):
    """This address does not know that method."""

    code, title, retryable = Reason.METHOD_NOT_ALLOWED, "Method not allowed", False


class IdempotencyConflict(Refusal):
    """This id was used before, for something else. Use a fresh one."""

    code, title, retryable = Reason.IDEMPOTENCY_CONFLICT, "Id used before", False


class ReplyRunning(Refusal):
    """The tutor is answering this message. Stop the reply first, or wait for its end."""

    code, title, retryable = Reason.REPLY_RUNNING, "The tutor is answering", True


class NotSettled(Refusal):
    """Only a reply that has ended can be tried again."""

    code, title, retryable = Reason.NOT_SETTLED, "The reply has not ended", False


class PreconditionFailed(Refusal):
    """It was changed since you read it. Read it again."""

    code, title, retryable = Reason.PRECONDITION_FAILED, "Changed meanwhile", False


class TooLarge(Refusal):
    """This is more than can be taken at once."""

    code, title, retryable = Reason.TOO_LARGE, "Too large", False


class UnsupportedMediaType(Refusal):
    """The body is not of a kind that is taken here."""

    code, title, retryable = Reason.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", False


class ImageTooLarge(Refusal):
    """This picture has more pixels than can be taken. Make it smaller, and send it again."""

    code, title, retryable = Reason.IMAGE_TOO_LARGE, "Picture too large", False


class AudioTooLong(Refusal):
    """This recording is longer than can be taken."""

    code, title, retryable = Reason.AUDIO_TOO_LONG, "Recording too long", False


class QuotaExceeded(Refusal):
    """There is no room left for your files. Delete some of them."""

    code, title, retryable = Reason.QUOTA_EXCEEDED, "No room left", False


class RangeNotSatisfiable(Refusal):
    """There are no such bytes in this file."""

    code, title, retryable = Reason.RANGE_NOT_SATISFIABLE, "No such range", False


class NotOffered(Refusal):
    """This hub was set up without that."""

    code, title, retryable = Reason.NOT_OFFERED, "Not offered here", False


class ProviderFailed(Refusal):
    """The provider that was asked has not done it. Please try again later."""

    code, title, retryable = Reason.PROVIDER_FAILED, "The provider failed", True


class TooManyPending(Refusal):
    """The tutor still has many messages of this session to answer. Wait for some of them."""

    code, title, retryable = Reason.TOO_MANY_PENDING, "Too many pending replies", True


class RateLimited(Refusal):
    """That was too much in too short a time. Please wait a moment."""

    code, title, retryable = Reason.RATE_LIMITED, "Too fast", True


class BudgetSpent(RateLimited):
    """The tutor has said as much as it may for today. Please come back later."""

    code, title = Reason.BUDGET_SPENT, "Enough for today"


class TooManyConnections(Refusal):
    """Too many devices are connected already. Please close one of them."""

    code, title, retryable = Reason.TOO_MANY_CONNECTIONS, "Too many devices", False


class Unavailable(Refusal):
    """This can't be done right now. Please try again, with the same id."""

    code, title, retryable = Reason.UNAVAILABLE, "Unavailable", True


class ConnectionBroken(Unavailable):
    """The database went away in the middle. Please try again, with the same id."""

    unsure = False
    """COMMIT was said and not answered, so it may have been done; else it was surely not."""


class StorageFull(Unavailable):
    """There is no room left to save anything. Everything that was saved can be read."""

    code, title = Reason.STORAGE_FULL, "Storage is full"


class SealedWithMissingKey(Unavailable):
    """This was sealed with a key that is missing here. Nothing is lost: it can be read again once the key is back."""

    code, title, retryable = Reason.SEALED_WITH_MISSING_KEY, "Sealed with a missing key", False


class Overloaded(Refusal):
    """Too many devices are joining at once. Please come back in a moment."""

    code, title, retryable = Reason.OVERLOADED, "Overloaded", True


class Leaving(Refusal):
    """This instance is shutting down. Please connect again."""

    code, title, retryable = Reason.DRAINING, "Shutting down", True


class StartupError(Exception):
    """The program cannot start; the message is the one line that is shown."""
