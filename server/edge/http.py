"""The REST endpoints. The twin of commands.py: both call the same use cases, and answer with the same objects.

A refusal is a problem object (RFC 9457); nothing else leaves here when something goes wrong.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from protocol import bodies
from protocol.answers import DevToken
from protocol.codec import Undecodable, decode_with, encode, field_error
from protocol.ids import MessageId, SessionId, UserId, fresh_message_id, fresh_session_id
from protocol.model import Cursor, Message, Session
from server import errors, messages, search, sessions, sync
from server.edge.carrying import STOP_WITHIN, WITHIN, carried_out
from server.edge.identity import LIFETIME, Verifier, bearer, mint
from server.edge.refusing import fault, undecodable
from server.errors import Refusal
from server.instance import Instance
from server.messages import Draft
from server.settings import Settings

T = TypeVar("T")
Id = TypeVar("Id", SessionId, MessageId)

BODY_BYTES = 131_072


class Rest:
    """The endpoints of one instance, for its verifier's users."""

    def __init__(self, instance: Instance, verifier: Verifier) -> None:
        self._instance = instance
        self._verifier = verifier

    def routes(self) -> list[Route]:
        return [
            _route("GET", "/api/sessions", self.list_sessions),
            _route("POST", "/api/sessions", self.create_session),
            _route("GET", "/api/sessions/search", self.search),
            _route("GET", "/api/sessions/{id}", self.session),
            _route("PUT", "/api/sessions/{id}", self.update_session),
            _route("PATCH", "/api/sessions/{id}", self.update_session),
            _route("DELETE", "/api/sessions/{id}", self.delete_session),
            _route("POST", "/api/sessions/{id}/restore", self.restore_session),
            _route("GET", "/api/sessions/{id}/messages", self.list_messages),
            _route("POST", "/api/sessions/{id}/messages", self.send),
            _route("PUT", "/api/messages/{id}", self.edit),
            _route("DELETE", "/api/messages/{id}", self.delete),
            _route("POST", "/api/messages/{id}/stop", self.stop),
            _route("POST", "/api/messages/{id}/retry", self.retry),
            _route("GET", "/api/changes", self.changes),
        ]

    # Sessions.

    async def list_sessions(self, request: Request) -> Response:
        user, query = await self._user(request, queried=True), _query(request, bodies.PageQuery)
        page = await self._done(lambda: sessions.page(self._instance, user, query.before, query.limit))
        return _json(page)

    async def create_session(self, request: Request) -> Response:
        user, body = await self._user(request), await _body(request, bodies.NewSession)
        session = body.id or _idempotency_key(request, SessionId) or fresh_session_id()
        row = await self._done(
            lambda: sessions.create(
                self._instance, user, session, title=body.title, mode=body.mode, language=body.language
            ),
            repeatable=True,
        )
        return _row(request, row, status=201)

    async def search(self, request: Request) -> Response:
        user, query = await self._user(request, queried=True), _query(request, bodies.SearchQuery)
        page = await self._done(lambda: search.search(self._instance, user, query.q, query.before, query.limit))
        return _json(page)

    async def session(self, request: Request) -> Response:
        user, session = await self._user(request), _id(request, SessionId)
        return _row(request, await self._done(lambda: sessions.one(self._instance, user, session)))

    async def update_session(self, request: Request) -> Response:
        user, body = await self._user(request), await _body(request, bodies.SessionChange)
        session, expected = _id(request, SessionId), _expected(request)
        row = await self._done(
            lambda: sessions.update(
                self._instance,
                user,
                session,
                title=body.title,
                mode=body.mode,
                language=body.language,
                expected=expected,
            )
        )
        return _row(request, row)

    async def delete_session(self, request: Request) -> Response:
        user, session, expected = await self._user(request), _id(request, SessionId), _expected(request)
        return _row(request, await self._done(lambda: sessions.delete(self._instance, user, session, expected)))

    async def restore_session(self, request: Request) -> Response:
        user, session = await self._user(request), _id(request, SessionId)
        return _row(request, await self._done(lambda: sessions.restore(self._instance, user, session)))

    # Messages.

    async def list_messages(self, request: Request) -> Response:
        user, query = await self._user(request, queried=True), _query(request, bodies.MessageQuery)
        session = _id(request, SessionId)
        page = await self._done(
            lambda: messages.page(
                self._instance, user, session, before=query.before, after=query.after, limit=query.limit
            )
        )
        return _json(page)

    async def send(self, request: Request) -> Response:
        user, body = await self._user(request), await _body(request, bodies.NewMessage)
        message = body.id or _idempotency_key(request, MessageId) or fresh_message_id()
        draft = Draft(_id(request, SessionId), message, body.content, body.metadata)
        sent = await self._done(lambda: messages.send(self._instance, user, draft), repeatable=True)
        return _json(sent, status=201)

    async def edit(self, request: Request) -> Response:
        user, body = await self._user(request), await _body(request, bodies.MessageChange)
        message, expected = _id(request, MessageId), _expected(request)
        row = await self._done(lambda: messages.edit(self._instance, user, message, body.content, expected))
        return _row(request, row)

    async def delete(self, request: Request) -> Response:
        user, message, expected = await self._user(request), _id(request, MessageId), _expected(request)
        return _row(request, await self._done(lambda: messages.delete(self._instance, user, message, expected)))

    async def stop(self, request: Request) -> Response:
        user, message = await self._user(request), _id(request, MessageId)
        return _row(request, await self._done(lambda: self._instance.turns.stop(user, message), within=STOP_WITHIN))

    async def retry(self, request: Request) -> Response:
        user, message = await self._user(request), _id(request, MessageId)
        return _row(request, await self._done(lambda: messages.retry(self._instance, user, message)), status=201)

    # The timeline.

    async def changes(self, request: Request) -> Response:
        user, query = await self._user(request, queried=True), _query(request, bodies.ChangesQuery)
        if (query.since is None) != (query.epoch is None):
            missing = "epoch" if query.epoch is None else "since"
            raise errors.Invalid.field(missing, "missing", "since and epoch go together")
        cursor = None if query.since is None or query.epoch is None else Cursor(epoch=query.epoch, seq=query.since)
        _, page = await self._done(lambda: sync.since(self._instance, user, cursor))
        return _json(page)

    async def _done(
        self, work: Callable[[], Coroutine[Any, Any, T]], *, repeatable: bool = False, within: float = WITHIN
    ) -> T:
        return await carried_out(self._instance, work, repeatable=repeatable, within=within)

    async def _user(self, request: Request, *, queried: bool = False) -> UserId:
        """Who asks. An endpoint that knows no parameters refuses them: a token may be among them."""
        if not queried:
            _query(request, bodies.NoQuery)
        token = bearer(request.headers.get("authorization"))
        if token is None:
            raise errors.Unauthenticated
        return (await self._verifier.verify(token)).user


def dev_sign_in(secret: str, settings: Settings) -> Route:
    """POST /auth/dev: a token for anybody who asks. Only ever on loopback; settings.py refuses it elsewhere."""

    async def sign_in(request: Request) -> Response:
        _query(request, bodies.NoQuery)
        body = await _body(request, bodies.SignIn)
        return _json(DevToken(token=mint(secret, body.user, settings=settings), expires_in=int(LIFETIME)))

    return _route("POST", "/auth/dev", sign_in)


def problem(refusal: Refusal, allow: str | None = None) -> Response:
    headers = {} if allow is None else {"Allow": allow}
    headers |= {"WWW-Authenticate": 'Bearer error="invalid_token"'} if refusal.status == 401 else {}
    if refusal.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-refusal.retry_after_ms // 1_000))
    return Response(encode(refusal.problem()), refusal.status, headers, "application/problem+json")


async def http_error(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses, as a problem."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    kinds: dict[int, type[Refusal]] = {
        400: errors.Malformed,
        404: errors.NotFound,
        405: errors.MethodNotAllowed,
        413: errors.TooLarge,
    }
    return problem(kinds.get(status, Refusal)(), _methods(request) if status == 405 else None)


def _methods(request: Request) -> str:
    """The methods that the address does know."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    here = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for route in here for method in route.methods or ()}))


def _route(method: str, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return problem(refusal)
        except HTTPException:
            raise
        except ClientDisconnect:  # there is nobody to answer any more
            return problem(errors.Malformed())
        except Exception as error:  # nothing of it may leave but its number
            return problem(fault(f"{method} {path}", error))

    return Route(path, answer, methods=[method])


async def _body(request: Request, kind: type[T]) -> T:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise errors.UnsupportedMediaType
    if request.headers.get("content-type", "application/json").partition(";")[0].strip().lower() != "application/json":
        raise errors.UnsupportedMediaType
    try:
        return decode_with(msgspec.json.Decoder(kind), await _read(request))
    except Undecodable as error:
        raise undecodable(error) from error


async def _read(request: Request) -> bytes:
    """The body, up to a limit."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > BODY_BYTES:
        raise errors.TooLarge
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES:
            raise errors.TooLarge
    return bytes(body)


def _query(request: Request, kind: type[T]) -> T:
    """The parameters of the address; unknown ones are refused, as in a body."""
    try:
        return msgspec.convert(dict(request.query_params), kind, strict=False)
    except msgspec.ValidationError as error:
        found = field_error(error)
        raise errors.Invalid(found.message, errors=[found]) from error


def _id(request: Request, kind: Callable[[UUID], Id]) -> Id:
    """The id in the path. What is no UUID names nothing."""
    try:
        return kind(msgspec.convert(request.path_params["id"], UUID))
    except msgspec.ValidationError:
        raise errors.NotFound from None


def _idempotency_key(request: Request, kind: Callable[[UUID], Id]) -> Id | None:
    key = request.headers.get("idempotency-key")
    try:
        return None if key is None else kind(msgspec.convert(key, UUID))
    except msgspec.ValidationError:
        raise errors.Invalid.field("Idempotency-Key", "value", "is not a UUID") from None


def _expected(request: Request) -> int | None:
    """The number of If-Match."""
    tag = request.headers.get("if-match")
    if tag is None or tag.strip() == "*":
        return None
    number = tag.strip().strip('"')
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else -1


def _row(request: Request, row: Session | Message, status: int = 200) -> Response:
    """A row with its number as ETag; 304 for who holds it already."""
    tag = f'"{row.seq}"'
    held = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if request.method in ("GET", "HEAD") and (tag in held or "*" in held):
        return Response(status_code=304, headers={"ETag": tag})
    return _json(row, status, {"ETag": tag})


def _json(answer: Struct, status: int = 200, headers: dict[str, Any] | None = None) -> Response:
    return Response(encode(answer), status, {"Cache-Control": "no-store"} | (headers or {}), "application/json")
