"""Which web pages may talk to the hub, and what every answer tells a browser. An ASGI layer around all of it, sockets
too, which Starlette's own middleware does not see.

A page is known by the `Origin` that its browser sends. Without one it is no page, and needs a token; cookies are none.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.edge.requests import problem
from server.errors import Forbidden
from server.settings import is_loopback

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ASKED_WITH = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
EXPOSED = "ETag, Retry-After, Location"
PREFLIGHT_HOLDS = "600"
"""Seconds."""
HSTS = "max-age=31536000"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
"""What is served is data. A page that is served says its own policy."""


class Origins:
    """`allowed`: the origins of pages of other addresses, as a browser says them: `https://app.example.com`."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str]) -> None:
        self.app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        said = headers.getlist("origin")
        secure = scope["scheme"] in ("https", "wss")
        origin = said[0] if len(said) == 1 else None
        known = origin is not None and self._knows(origin, headers.getlist("host"), secure=secure)
        if said and not known:
            answer: Response = problem(
                Forbidden("Pages of this address may not talk to this hub: see TUTORHUB_ORIGINS.")
            )
        elif origin is not None and _asks_first(scope, headers):
            answer = Response(status_code=204, headers=_permissions())
        else:
            return await self.app(scope, receive, _telling(send, origin if known else None, secure=secure))
        return await answer(scope, receive, _telling(send, origin if known else None, secure=secure))

    def _knows(self, origin: str, hosts: list[str], *, secure: bool) -> bool:
        """A page of ours, at a name that only this machine can have, or one of those that were allowed.

        A page of another name is not ours because it says so: the name may have been made to lead here.
        """
        if origin in self._allowed:
            return True
        ours = f"{'https' if secure else 'http'}://{hosts[0]}" if len(hosts) == 1 else None
        return origin == ours and is_loopback(urlsplit(origin).hostname or "")


def _asks_first(scope: Scope, headers: Headers) -> bool:
    """A browser asks whether it may ask."""
    return scope["type"] == "http" and scope["method"] == "OPTIONS" and "access-control-request-method" in headers


def _permissions() -> dict[str, str]:
    return {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": ASKED_WITH,
        "Access-Control-Max-Age": PREFLIGHT_HOLDS,
    }


def _telling(send: Send, origin: str | None, *, secure: bool) -> Send:
    """`origin`: the page that may read the answer."""

    async def tell(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in ALWAYS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            headers.add_vary_header("Origin")
            if origin is not None:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = EXPOSED
            if secure:
                headers["Strict-Transport-Security"] = HSTS
        await send(message)

    return tell
