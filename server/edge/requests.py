"""How a request is read and answered: bodies, parameters, ids, tags.

A refusal is a problem object (RFC 9457); nothing else leaves here when something goes wrong.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from protocol.codec import Undecodable, decode_with, encode, field_error
from protocol.ids import MediaId, MessageId, SessionId
from protocol.model import Message, Session
from server import errors
from server.edge.refusing import fault, undecodable
from server.errors import Refusal

T = TypeVar("T")
Id = TypeVar("Id", SessionId, MessageId, MediaId)

BODY_BYTES = 131_072


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


def route(method: str, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    async def answered(request: Request) -> Response:
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

    return Route(path, answered, methods=[method])


async def read_body(request: Request, kind: type[T]) -> T:
    """What is asked for in the body. None at all is as one that says nothing: `{}`."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise errors.UnsupportedMediaType
    if request.headers.get("content-type", "application/json").partition(";")[0].strip().lower() != "application/json":
        raise errors.UnsupportedMediaType
    try:
        return decode_with(msgspec.json.Decoder(kind), await _read(request) or b"{}")
    except Undecodable as error:
        raise undecodable(error) from error


async def _read(request: Request) -> bytes:
    """The body, up to a limit."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > BODY_BYTES:
        raise errors.TooLarge
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > BODY_BYTES:
            raise errors.TooLarge
    return bytes(data)


def read_query(request: Request, kind: type[T]) -> T:
    """The parameters of the address; unknown ones are refused, as in a body, and so is one that is given twice."""
    given = dict(request.query_params)
    if twice := [name for name in given if len(request.query_params.getlist(name)) > 1]:
        raise errors.Invalid.field(twice[0], "value", "is given more than once")
    try:
        found = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        wrong = field_error(error)
        raise errors.Invalid(wrong.message, errors=[wrong]) from error
    for name in given:
        if getattr(found, name) is None:  # the word null, which msgspec takes for one
            raise errors.Invalid.field(name, "type", "is left out or given, and never null")
    return found


def path_id(request: Request, kind: Callable[[UUID], Id]) -> Id:
    """The id in the path. What is no UUID names nothing."""
    try:
        return kind(msgspec.convert(request.path_params["id"], UUID))
    except msgspec.ValidationError:
        raise errors.NotFound from None


def idempotency_key(request: Request, kind: Callable[[UUID], Id]) -> Id | None:
    key = request.headers.get("idempotency-key")
    try:
        return None if key is None else kind(msgspec.convert(key, UUID))
    except msgspec.ValidationError:
        raise errors.Invalid.field("Idempotency-Key", "value", "is not a UUID") from None


def expected_number(request: Request) -> int | None:
    """The number of If-Match."""
    tag = request.headers.get("if-match")
    if tag is None or tag.strip() == "*":
        return None
    number = tag.strip().strip('"')
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else -1


def is_held(request: Request, tag: str) -> bool:
    """Whether whoever asks holds what has this ETag, by If-None-Match."""
    held = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in held or "*" in held


def row_answer(request: Request, row: Session | Message, status: int = 200) -> Response:
    """A row with its number as ETag; 304 for who holds it already."""
    tag = f'"{row.seq}"'
    if request.method in ("GET", "HEAD") and is_held(request, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return answer(row, status, {"ETag": tag})


def answer(found: Struct, status: int = 200, headers: dict[str, Any] | None = None) -> Response:
    return Response(encode(found), status, {"Cache-Control": "no-store"} | (headers or {}), "application/json")
