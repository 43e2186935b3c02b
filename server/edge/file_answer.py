"""How the bytes of a file are answered: whole or one range, to whoever has not got them, at the reader's speed.

A browser is told to take them for nothing but what they are: no guessing, no scripts, no page of ours around them.
"""

import re
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import structlog
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.depot.depot import Lost
from server.edge.requests import is_held, problem
from server.errors import NotFound, RangeNotSatisfiable, Refusal

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

log = structlog.get_logger()

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")

Read = Callable[[int, int], AsyncGenerator[bytes]]
"""The bytes begin … end - 1. Raises Lost."""


class File(Struct, frozen=True):
    """What is answered. `name` is of our making; `holds` is how long it may be kept, and by whom."""

    type: str
    size: int
    tag: str
    name: str
    holds: str
    read: Read

    def headers(self) -> dict[str, str]:
        return {
            "ETag": self.tag,
            "Cache-Control": self.holds,
            "Accept-Ranges": "bytes",
            "Content-Disposition": f'attachment; filename="{self.name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }


def file_answer(request: Request, file: File) -> Response:
    """304 for who holds it, 206 for one range of it, 416 for another, else all of it."""
    if is_held(request, file.tag):
        return Response(status_code=304, headers={"ETag": file.tag, "Cache-Control": file.holds})
    asked = request.headers.get("range")
    if asked is None or not asked.startswith("bytes=") or request.headers.get("if-range", file.tag) != file.tag:
        return _Bytes(file, 0, file.size, 200)
    part = range_of(asked, file.size)
    if part is None:
        refused = problem(RangeNotSatisfiable())
        refused.headers["Content-Range"] = f"bytes */{file.size}"
        return refused
    return _Bytes(file, *part, 206)


def range_of(asked: str, size: int) -> tuple[int, int] | None:
    """Where the one range begins, and where it has ended. None: it is not one, or there is nothing in it."""
    match = _RANGE.fullmatch(asked.replace(" ", ""))
    if match is None:
        return None
    first, last, tail = match.groups()
    if tail is not None:
        begin, end = max(0, size - int(tail)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
    return (begin, end) if begin < end else None


class _Bytes(Response):
    """Sends piece after piece, each when the one before is gone."""

    def __init__(self, file: File, begin: int, end: int, status: int) -> None:
        super().__init__(None, status, file.headers(), file.type)
        self.headers["Content-Length"] = str(end - begin)
        if status == 206:
            self.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{file.size}"
        self._file, self._begin, self._end = file, begin, end

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._file.read(self._begin, self._end)) as pieces:
            try:
                first = await anext(pieces)
            except (Lost, StopAsyncIteration):
                return await problem(NotFound())(scope, receive, send)
            except Refusal as refusal:
                return await problem(refusal)(scope, receive, send)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            try:
                await _send(send, first, pieces, alone=scope["method"] == "HEAD")
            except (Lost, Refusal) as error:  # too late to say so: the connection ends in the middle
                log.warning("file_broke_off", error=type(error).__name__)


async def _send(send: Send, first: bytes, others: AsyncGenerator[bytes], *, alone: bool) -> None:
    await send({"type": "http.response.body", "body": first, "more_body": True})
    if not alone:
        async for piece in others:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
