"""The REST endpoints as data: what the hub serves, what openapi() describes, what docs/protocol.md lists.

Long because it is one list.
"""

from typing import Any, Literal

from msgspec import Struct

from protocol import bodies
from protocol.answers import (
    DeviceList,
    DevToken,
    MediaLinks,
    MediaPage,
    MessagePage,
    Nothing,
    SearchPage,
    Sent,
    SessionPage,
    Transcript,
)
from protocol.errors import Reason
from protocol.events import Changes, Snapshot
from protocol.model import Media, Message, Session

Tag = Literal["sessions", "messages", "media", "timeline", "account", "operation"]


class Endpoint(Struct, frozen=True, kw_only=True):
    """One method of one path. `query` and `body` are structs of bodies.py; `answer` is None for plain text, and
    `bytes` for the bytes of a file.

    `reasons` are those of its own; the ones that follow from its shape are added by `refusals`.
    """

    name: str
    method: str
    path: str
    tag: Tag
    does: str
    answer: Any
    status: int = 200
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    open: bool = False
    """Asks for no token."""
    keyed: bool = False
    """Takes an Idempotency-Key, which is the id where the body has none."""
    guarded: bool = False
    """Takes If-Match: nothing is done to a row whose ETag is another one."""
    cached: bool = False
    """Takes If-None-Match: 304 for who holds the row, or the file, already."""
    uploads: bool = False
    """The body is the bytes of a file."""
    ranged: bool = False
    """Takes Range, of one range: 206 with that part of the file."""
    reasons: tuple[Reason, ...] = ()


ENDPOINTS = (
    Endpoint(
        name="listSessions",
        method="GET",
        path="/api/sessions",
        tag="sessions",
        does="A page of sessions, the latest first.",
        query=bodies.PageQuery,
        answer=SessionPage,
    ),
    Endpoint(
        name="createSession",
        method="POST",
        path="/api/sessions",
        tag="sessions",
        does="Create a session; with an id it can be said twice.",
        body=bodies.NewSession,
        answer=Session,
        status=201,
        keyed=True,
        reasons=(Reason.IDEMPOTENCY_CONFLICT,),
    ),
    Endpoint(
        name="searchSessions",
        method="GET",
        path="/api/sessions/search",
        tag="sessions",
        does="Sessions whose title or a message holds all the words; the last word may be a beginning.",
        query=bodies.SearchQuery,
        answer=SearchPage,
    ),
    Endpoint(
        name="readSession",
        method="GET",
        path="/api/sessions/{id}",
        tag="sessions",
        does="The session as it stands.",
        answer=Session,
        cached=True,
    ),
    *(
        Endpoint(
            name=f"{name}Session",
            method=method,
            path="/api/sessions/{id}",
            tag="sessions",
            does="Rename, or change mode or language for the next reply. What is left out stays.",
            body=bodies.SessionChange,
            answer=Session,
            guarded=True,
        )
        for name, method in (("put", "PUT"), ("patch", "PATCH"))
    ),
    Endpoint(
        name="deleteSession",
        method="DELETE",
        path="/api/sessions/{id}",
        tag="sessions",
        does="Take a session out of the list; its open replies stop.",
        answer=Session,
        guarded=True,
    ),
    Endpoint(
        name="restoreSession",
        method="POST",
        path="/api/sessions/{id}/restore",
        tag="sessions",
        does="Bring a deleted session back, within 30 days.",
        answer=Session,
    ),
    Endpoint(
        name="listMessages",
        method="GET",
        path="/api/sessions/{id}/messages",
        tag="messages",
        does="A page of messages in their order: the last, or those before or after a cursor, or around a message.",
        query=bodies.MessageQuery,
        answer=MessagePage,
    ),
    Endpoint(
        name="sendMessage",
        method="POST",
        path="/api/sessions/{id}/messages",
        tag="messages",
        does="Add a message and its pending reply; with an id it can be said twice.",
        body=bodies.NewMessage,
        answer=Sent,
        status=201,
        keyed=True,
        reasons=(Reason.IDEMPOTENCY_CONFLICT, Reason.TOO_MANY_PENDING, Reason.BUDGET_SPENT),
    ),
    Endpoint(
        name="editMessage",
        method="PUT",
        path="/api/messages/{id}",
        tag="messages",
        does="Change the text of a message of the user's.",
        body=bodies.MessageChange,
        answer=Message,
        guarded=True,
        reasons=(Reason.FORBIDDEN, Reason.REPLY_RUNNING),
    ),
    Endpoint(
        name="deleteMessage",
        method="DELETE",
        path="/api/messages/{id}",
        tag="messages",
        does="Leave a tombstone without text; an open reply to it stops.",
        answer=Message,
        guarded=True,
    ),
    Endpoint(
        name="stopReply",
        method="POST",
        path="/api/messages/{id}/stop",
        tag="messages",
        does="End an open reply. Answers the reply as it stands.",
        answer=Message,
    ),
    Endpoint(
        name="retryReply",
        method="POST",
        path="/api/messages/{id}/retry",
        tag="messages",
        does="Delete a settled reply and write a new one to the same message. Answers the new reply.",
        answer=Message,
        status=201,
        reasons=(Reason.NOT_SETTLED, Reason.TOO_MANY_PENDING, Reason.BUDGET_SPENT),
    ),
    Endpoint(
        name="addMedia",
        method="POST",
        path="/api/media",
        tag="media",
        does="Keep a picture or a sound. The body is its bytes; what it is they tell, not their Content-Type.",
        answer=Media,
        status=201,
        keyed=True,
        uploads=True,
        reasons=(
            Reason.IDEMPOTENCY_CONFLICT,
            Reason.IMAGE_TOO_LARGE,
            Reason.AUDIO_TOO_LONG,
            Reason.QUOTA_EXCEEDED,
            Reason.STORAGE_FULL,
            Reason.OVERLOADED,
            Reason.NOT_OFFERED,
        ),
    ),
    Endpoint(
        name="listMedia",
        method="GET",
        path="/api/media",
        tag="media",
        does="A page of files, the latest first.",
        query=bodies.PageQuery,
        answer=MediaPage,
    ),
    *(
        Endpoint(
            name=name,
            method="GET",
            path=path,
            tag="media",
            does=does,
            answer=bytes,
            cached=True,
            ranged=True,
            open="token" in path,
            reasons=(Reason.NOT_FOUND, Reason.UNAVAILABLE, Reason.SEALED_WITH_MISSING_KEY),
        )
        for name, path, does in (
            ("readMedia", "/api/media/{id}", "The bytes of a file."),
            ("readThumbnail", "/api/media/{id}/thumbnail", "A small picture of a picture, WebP."),
            ("readLinkedMedia", "/media/{token}", "The bytes of a file, for whoever has its short-lived address."),
        )
    ),
    Endpoint(
        name="deleteMedia",
        method="DELETE",
        path="/api/media/{id}",
        tag="media",
        does="Delete a file at once and for good. Messages that name it stay. Answers the file as it was.",
        answer=Media,
    ),
    Endpoint(
        name="linkMedia",
        method="POST",
        path="/api/media/{id}/url",
        tag="media",
        does="Addresses that need no token, for five minutes: for a page's pictures, or for a CDN.",
        answer=MediaLinks,
        status=201,
    ),
    Endpoint(
        name="transcribeMedia",
        method="POST",
        path="/api/media/{id}/transcription",
        tag="media",
        does="What is said in a recording, as the tutor's provider hears it.",
        answer=Transcript,
        reasons=(Reason.NOT_OFFERED, Reason.PROVIDER_FAILED, Reason.INVALID, Reason.BUDGET_SPENT),
    ),
    Endpoint(
        name="readChanges",
        method="GET",
        path="/api/changes",
        tag="timeline",
        does="A page of what came after a cursor; a snapshot without one, or if its numbers are of no use any more.",
        query=bodies.ChangesQuery,
        answer=Changes | Snapshot,
    ),
    Endpoint(
        name="listDevices",
        method="GET",
        path="/api/devices",
        tag="account",
        does="The devices that the user has signed in with, the last seen first.",
        answer=DeviceList,
    ),
    Endpoint(
        name="signOutDevice",
        method="DELETE",
        path="/api/devices/{device}",
        tag="account",
        does="Sign a device out: its token is revoked and its sockets are closed.",
        answer=Nothing,
        reasons=(Reason.NOT_FOUND, Reason.FORBIDDEN),
    ),
    Endpoint(
        name="signOut",
        method="POST",
        path="/auth/sign-out",
        tag="account",
        does="Revoke the token of this request, or every token of the user; all instances hear of it within 2 s.",
        body=bodies.SignOut,
        answer=Nothing,
    ),
    Endpoint(
        name="eraseMe",
        method="DELETE",
        path="/api/me",
        tag="account",
        does="Erase the user: devices are closed at once, everything is gone within a minute. There is no way back.",
        answer=Nothing,
        status=202,
    ),
    Endpoint(
        name="signIn",
        method="POST",
        path="/auth/dev",
        tag="operation",
        does="The development sign-in: a token for anybody who asks. Only on a hub of this machine that allows it.",
        body=bodies.SignIn,
        answer=DevToken,
        open=True,
        reasons=(Reason.RATE_LIMITED,),
    ),
    Endpoint(
        name="isAlive",
        method="GET",
        path="/livez",
        tag="operation",
        does="The process answers.",
        answer=None,
        open=True,
    ),
    Endpoint(
        name="isReady",
        method="GET",
        path="/readyz",
        tag="operation",
        does="It takes connections, and reaches its database.",
        answer=None,
        open=True,
        reasons=(Reason.UNAVAILABLE, Reason.DRAINING),
    ),
)


def refusals(endpoint: Endpoint) -> tuple[Reason, ...]:
    """Why a request to it can be refused."""
    found = list(endpoint.reasons)
    if endpoint.body is not None:
        found += [Reason.MALFORMED, Reason.TOO_LARGE, Reason.UNSUPPORTED_MEDIA_TYPE]
    if endpoint.uploads:
        found += [Reason.TOO_LARGE, Reason.UNSUPPORTED_MEDIA_TYPE]
    if endpoint.body is not None or endpoint.query is not None or endpoint.uploads:
        found.append(Reason.INVALID)
    if endpoint.ranged:
        found.append(Reason.RANGE_NOT_SATISFIABLE)
    if not endpoint.open:
        found += [Reason.UNAUTHENTICATED, Reason.UNAVAILABLE, Reason.SEALED_WITH_MISSING_KEY, Reason.RATE_LIMITED]
    if "{id}" in endpoint.path:
        found.append(Reason.NOT_FOUND)
    if endpoint.guarded:
        found.append(Reason.PRECONDITION_FAILED)
    if endpoint.answer is not None:
        found.append(Reason.INTERNAL)
    return tuple(reason for reason in Reason if reason in found)
