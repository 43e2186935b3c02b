"""The handshake of a websocket (RFC 6455, 4.2), once uvicorn's HTTP has read the request. It is an ASGI call, as any
other; a socket that was accepted is handed over: then it is a `Wire` of the application's, and nothing of the handshake
is kept.
"""

import asyncio
import binascii
import sys
from base64 import b64encode
from collections.abc import Callable, Iterable
from hashlib import sha1
from http import HTTPStatus
from typing import Any

import structlog
from starlette.types import ASGIApp, Message
from uvicorn.server import ServerState

from server.edge.timely_transport import TimelyTransport
from server.edge.wire import Wire

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

EXTENSION = "tutorhub.wire"
"""Where an application finds `HandOver`: `scope["extensions"][EXTENSION]`."""

HandOver = Callable[[], Wire]
"""To be called once, right after `websocket.accept`; the application's call may end then, and the socket goes on."""

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY_BYTES = 16
VERSION = b"13"

Headers = Iterable[tuple[bytes, bytes]]

Scope = dict[str, Any]

log = structlog.get_logger()


class Handshake(asyncio.Protocol):
    """Of one socket, whose request asks for a websocket; `scope` is its ASGI scope, as of HTTP. `state`: what the
    server has connected, and what it waits for at its end.
    """

    wire: type[Wire] = Wire

    def __init__(self, app: ASGIApp, state: ServerState, transport: asyncio.Transport, scope: Scope) -> None:
        self.transport = TimelyTransport(transport, self.wire.CLOSING)
        self._app = app
        self._connections: set[Any] = state.connections
        self._tasks = state.tasks
        self._scope = scope
        self._wire: Wire | None = None
        self._begun = self._answered = False
        self._gone = asyncio.Event()
        self._refusal: dict[str, Any] = {}

    def begin(self) -> None:
        """Have the application decide, if the request is a good one."""
        self._connections.add(self)
        self.transport.set_protocol(self)
        if (wrong := _wrong(self._scope)) is not None:
            status, headers, reason = wrong
            self._answer(status, [*headers, (b"content-type", b"text/plain; charset=utf-8")], reason)
            return
        task = asyncio.get_running_loop().create_task(self._decide())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _decide(self) -> None:
        self._scope |= {
            "type": "websocket",
            "scheme": "wss" if self._scope["scheme"] == "https" else "ws",
            "subprotocols": _tokens(self._scope, b"sec-websocket-protocol"),
            "extensions": {"websocket.http.response": {}, EXTENSION: self._hand_over},
        }
        try:
            await self._app(self._scope, self._receive, self._send)
        except Exception:  # whatever it is, somebody waits for an answer
            if not self.transport.is_closing():
                log.exception("handshake_failed")
        finally:
            self._scope["extensions"].clear()  # no cycle keeps it all in memory
            if self._wire is None:
                self._answer(500)
                self.transport.close()

    async def _receive(self) -> Message:
        if not self._begun:
            self._begun = True
            return {"type": "websocket.connect"}
        await self._gone.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def _send(self, message: Message) -> None:
        if self._gone.is_set() or self._answered:
            raise ConnectionError("the peer has left, or was sent away")
        match message["type"]:
            case "websocket.accept":
                self._accept(message)
            case "websocket.close":
                self._answer(403)
            case "websocket.http.response.start":
                self._refusal = {**message, "body": b""}
            case _:  # websocket.http.response.body
                self._refusal["body"] += message.get("body", b"")
                if not message.get("more_body", False):
                    self._answer(self._refusal["status"], self._refusal["headers"], self._refusal["body"])

    def _accept(self, message: Message) -> None:
        key = _values(self._scope, b"sec-websocket-key")[0]
        headers = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", b64encode(sha1(key + GUID, usedforsecurity=False).digest())),
            *message.get("headers", ()),
        ]
        if (chosen := message.get("subprotocol")) is not None:
            headers.append((b"sec-websocket-protocol", chosen.encode("latin-1")))
        self._write(101, headers)

    def _answer(self, status: int, headers: Headers = (), body: bytes = b"") -> None:
        """Say no, and hang up."""
        if not self._answered and not self._gone.is_set():
            ours = {b"content-length": b"%d" % len(body), b"connection": b"close"}
            said = [each for each in headers if each[0].lower() not in ours]
            self._write(status, [*said, *ours.items()], body)
            self.transport.close()

    def _write(self, status: int, headers: Headers, body: bytes = b"") -> None:
        self._answered = True
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, HTTPStatus(status).phrase.encode(), lines, body))

    def _hand_over(self) -> Wire:
        self.transport.lost()  # it is the wire's to close
        self._connections.discard(self)
        self._wire = wire = self.wire(self.transport.true, self._connections)
        wire.take_over()
        return wire

    # What asyncio and uvicorn tell.

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.transport.lost()
        self._connections.discard(self)
        self._gone.set()
        if self._wire is not None:  # TLS had chosen before whom it tells
            self._wire.connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """A client may not speak before it is answered. What it says after a refusal nobody reads."""
        if not self._answered:
            self._answered = True
            self.transport.abort()

    def shutdown(self) -> None:
        """The server ends."""
        self._answer(503)


def _wrong(scope: Scope) -> tuple[int, Headers, bytes] | None:
    """Why the request is none for a websocket, as an answer. None: it is a good one."""
    keys = _values(scope, b"sec-websocket-key")
    if scope["method"] != "GET" or scope["http_version"] != "1.1":
        return 400, (), b"A websocket begins with a GET of HTTP/1.1.\n"
    if _values(scope, b"sec-websocket-version") != [VERSION]:
        return 426, [(b"sec-websocket-version", VERSION)], b"The version of the websocket protocol is 13.\n"
    if len(keys) != 1 or not _is_key(keys[0]):
        return 400, (), b"Sec-WebSocket-Key has to be 16 bytes in base64.\n"
    if _values(scope, b"content-length") not in ([], [b"0"]) or _values(scope, b"transfer-encoding"):
        return 400, (), b"A request for a websocket has no body.\n"
    return None


def _is_key(said: bytes) -> bool:
    try:
        return len(binascii.a2b_base64(said, strict_mode=True)) == KEY_BYTES
    except binascii.Error:
        return False


def _values(scope: Scope, name: bytes) -> list[bytes]:
    """Of a header, whose name is in small letters."""
    return [value for said, value in scope["headers"] if said == name]


def _tokens(scope: Scope, name: bytes) -> list[str]:
    """Of a header that is a list."""
    said = ",".join(value.decode("latin-1") for value in _values(scope, name))
    return [token for each in said.split(",") if (token := each.strip())]
