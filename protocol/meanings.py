"""What the reasons of refusals and the close codes mean to whoever writes a client."""

from msgspec import Struct

from protocol.errors import CloseCode, Reason


class Meaning(Struct, frozen=True):
    """`status` is the HTTP status of a request that is refused for this reason."""

    status: int
    text: str


REASONS = {
    Reason.MALFORMED: Meaning(400, "Not JSON."),
    Reason.INVALID: Meaning(422, "JSON, but not what was asked for; `errors` names the fields."),
    Reason.NOT_FOUND: Meaning(404, "No such thing, or not yours, or deleted: the answer is the same."),
    Reason.METHOD_NOT_ALLOWED: Meaning(405, "The path has no such method."),
    Reason.IDEMPOTENCY_CONFLICT: Meaning(409, "The id was used before with another content. Take a fresh one."),
    Reason.REPLY_RUNNING: Meaning(409, "The message is being answered. Stop the reply or wait for its end."),
    Reason.NOT_SETTLED: Meaning(409, "Only a reply that has ended can be tried again."),
    Reason.TOO_MANY_PENDING: Meaning(
        429, "The session has too many open replies; `limits.pendingReplies` says how many are borne."
    ),
    Reason.RATE_LIMITED: Meaning(429, "Too much in too short a time; `retryAfterMs` says when there is room again."),
    Reason.BUDGET_SPENT: Meaning(429, "The user has used up the tutor's tokens; `retryAfterMs` says until when."),
    Reason.TOO_MANY_CONNECTIONS: Meaning(429, "The user, or their address, has too many devices connected."),
    Reason.PRECONDITION_FAILED: Meaning(412, "The row has changed since the ETag in If-Match."),
    Reason.TOO_LARGE: Meaning(413, "The body is over the limit."),
    Reason.UNSUPPORTED_MEDIA_TYPE: Meaning(
        415, "The body must be plain JSON; of a file: it is of no kind that is taken, whatever its name says."
    ),
    Reason.IMAGE_TOO_LARGE: Meaning(422, "The picture has too many pixels, or too many frames."),
    Reason.AUDIO_TOO_LONG: Meaning(422, "The recording takes too long to play."),
    Reason.QUOTA_EXCEEDED: Meaning(413, "The user's files leave no room for this one."),
    Reason.RANGE_NOT_SATISFIABLE: Meaning(416, "Not one range, or not within the file; `Content-Range` has its size."),
    Reason.NOT_OFFERED: Meaning(501, "The hub was set up without this."),
    Reason.PROVIDER_FAILED: Meaning(502, "The provider that was asked has failed; a later try may succeed."),
    Reason.UNAUTHENTICATED: Meaning(401, "No token, or one that is expired or not valid."),
    Reason.FORBIDDEN: Meaning(403, "Known, but not allowed."),
    Reason.UNAVAILABLE: Meaning(503, "Not now; it may or may not have been done, so try again with the same id."),
    Reason.STORAGE_FULL: Meaning(507, "The database has no room: nothing can be written, what is there can be read."),
    Reason.SEALED_WITH_MISSING_KEY: Meaning(
        503, "It is sealed with a key that the hub was not given. An operator can mend that; to ask again cannot."
    ),
    Reason.OVERLOADED: Meaning(503, "Too many devices are joining at once; `Retry-After` says when to come back."),
    Reason.DRAINING: Meaning(503, "This instance is leaving; connect again."),
    Reason.INTERNAL: Meaning(
        500, "A fault of the hub's; it may or may not have been done, so try again with the same id."
    ),
}

CLOSES = {
    CloseCode.DRAINING: "The instance is leaving; wait as long as `draining` said.",
    CloseCode.SLOW: "Reserved. Who reads slowly is caught up; who takes nothing for 10 s is cut off without a word.",
    CloseCode.RESYNC: "The numbers are of another database, as after a fail-over: `hello` is answered with a snapshot.",
    CloseCode.TOKEN_EXPIRED: "Come back with a fresh token.",
    CloseCode.RATE_LIMITED: "Too many commands at once, or too much asked for: come back as late as `refused` says.",
    CloseCode.SERVER_ERROR: "A fault of the hub's.",
    CloseCode.OVERLOADED: "The hub cannot serve another device right now.",
    CloseCode.BAD_REQUEST: "What was sent is not this protocol.",
    CloseCode.UNAUTHENTICATED: "The token of `hello` is missing or not valid.",
    CloseCode.NO_HELLO: "No `hello` within 5 s. Who did say it was slow, or the line was, and may come back.",
    CloseCode.FORBIDDEN: "What is kept of the user is sealed with a key that the hub was not given.",
    CloseCode.TOO_MANY_CONNECTIONS: "The user, or their address, has too many devices connected.",
    CloseCode.SIGNED_OUT: "The token was revoked: the user has signed out here, or everywhere.",
    CloseCode.ERASED: "The user was erased, with everything of theirs: forget what is held.",
}
