"""A request whose end can be read in two ways is refused, and its connection closed: a proxy in front may have read it
in the other way, and would take what follows for somebody else's. An ASGI layer, as h11 takes the one and says nothing.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.edge.requests import problem
from server.errors import Malformed


class Framing:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and {"content-length", "transfer-encoding"} <= set(Headers(scope=scope).keys()):
            refused = problem(Malformed("Content-Length and Transfer-Encoding exclude each other."))
            refused.headers["Connection"] = "close"
            await refused(scope, receive, send)
        else:
            await self.app(scope, receive, send)
