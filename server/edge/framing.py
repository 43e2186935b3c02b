"""A request whose end can be read in two ways is refused, and its connection closed: a proxy in front may have read it
in the other way, and would take what follows for somebody else's. So is one whose head is too large. An ASGI layer
around sockets, too, as h11 takes the one and says nothing, and the other if it comes in one piece.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.edge.requests import problem
from server.errors import Malformed

HEAD_BYTES = 32_768
"""Of the address and of the headers."""


class Framing:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wrong = None if scope["type"] == "lifespan" else _wrong(scope)
        if wrong is None:
            return await self.app(scope, receive, send)
        refused = problem(Malformed(wrong))
        refused.headers["Connection"] = "close"
        return await refused(scope, receive, send)


def _wrong(scope: Scope) -> str | None:
    address = len(scope["raw_path"]) + len(scope["query_string"])
    if address + sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD_BYTES:
        return f"The address and the headers are over {HEAD_BYTES} bytes."
    if scope["type"] == "http" and {"content-length", "transfer-encoding"} <= set(Headers(scope=scope).keys()):
        return "Content-Length and Transfer-Encoding exclude each other."
    return None
