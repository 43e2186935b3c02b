"""One websocket, seen from its client: frames in and out, pings answered, and nothing waits.

websockets' protocol without its tasks and queues, and what is heard most by far, whole texts, even without the
protocol: each time half of the time of a frame, measured (docs/decisions/0016, 0031).
"""

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import cast
from urllib.parse import urlsplit

from msgspec import Struct
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

from client.connection import ABNORMAL, LARGEST_EVENT, OPEN_WITHIN, SUBPROTOCOL, socket_url
from loadtest.run.frames import frame_at

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

SMALL_BUFFER = 4_096
"""What the kernel keeps for a device that reads slowly."""
OTHER_LANGUAGE = 1002
END_OF_HEAD = b"\r\n\r\n"


class Refusal(Exception):
    """There is no websocket. `status`: of HTTP, or 0; `retry_after`: seconds, if it was said to come again."""

    def __init__(self, what: str, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(what)
        self.status = status
        self.retry_after = retry_after


class Ended(Struct, frozen=True):
    """How a connection ended. `code`: of the websocket's close, 1006 if there was none."""

    code: int
    reason: str


class Address(Struct, frozen=True):
    """Where a hub's websocket is. `trust`: None where there is no TLS."""

    uri: WebSocketURI
    trust: ssl.SSLContext | None

    @classmethod
    def of(cls, url: str) -> "Address":
        """Of an http, https, ws or wss URL. Raises websockets' InvalidURI."""
        uri = parse_uri(socket_url(url))
        return cls(uri, ssl.create_default_context() if uri.secure else None)

    @property
    def host(self) -> str:
        return urlsplit(f"//{self.uri.host}").hostname or self.uri.host


class Wire(asyncio.Protocol):
    """Made by `opened`. `hear` is given each text frame, and the moment at which it was read.

    While `rate` is not 0, no more bytes are read in a second.
    """

    def __init__(self, address: Address, hear: Callable[[bytes, float], None]) -> None:
        loop = asyncio.get_running_loop()
        self.open: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[Ended] = loop.create_future()
        self.rate = 0
        self.read_bytes = 0
        self._loop = loop
        self._hear = hear
        self._transport: asyncio.Transport
        self._protocol = ClientProtocol(address.uri, subprotocols=[SUBPROTOCOL], max_size=LARGEST_EVENT)
        self._parts: list[bytes] = []
        self._answer = b""
        """To the handshake, as far as it has come."""
        self._is_framed = False
        """It was read: what comes now are frames, of which the protocol is given whole ones."""
        self._rest = b""
        """Of a frame that is not whole yet."""

    @property
    def subprotocol(self) -> str | None:
        return self._protocol.subprotocol

    def say(self, text: bytes) -> None:
        """A text frame; nothing once the connection has ended."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(text)
            self._flush()

    def leave(self) -> None:
        """Say goodbye."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)
            self._flush()

    def cut(self) -> None:
        """The network is gone: nobody says goodbye."""
        self._transport.abort()

    # What asyncio tells.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    @override
    def data_received(self, data: bytes) -> None:
        at = monotonic()
        self.read_bytes += len(data)
        self._read(self._rest + data if self._rest else data, at)
        if self.rate:
            self._transport.pause_reading()
            self._loop.call_later(len(data) / self.rate, self._read_on)

    @override
    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self._end(exc)
        if not self.open.done():
            self.open.set_exception(Refusal(f"the connection ended before there was a websocket{_because(exc)}"))

    def _end(self, error: Exception | None) -> None:
        close = self._protocol.close_rcvd
        if error is not None and not isinstance(error, OSError):
            self.ended.set_exception(error)  # a fault of ours, in what hears
        else:
            self.ended.set_result(Ended(close.code, close.reason) if close else Ended(ABNORMAL, str(error or "")))

    def _read(self, data: bytes, at: float) -> None:
        start = 0 if self._is_framed else self._read_answer(data, at)
        while (found := frame_at(data, start)) is not None:
            is_text, body, end = found
            if is_text and not self._parts and self._protocol.state is State.OPEN:
                self._hear(data[body:end], at)
            else:
                self._give(data[start:end], at)
            start = end
        self._rest = data[start:]

    def _read_answer(self, data: bytes, at: float) -> int:
        """Where the frames begin, if any do: what is refused is websockets' alone."""
        known = len(self._answer)
        self._answer += data
        head = self._answer.find(END_OF_HEAD)
        start = len(data) if head < 0 else head + len(END_OF_HEAD) - known
        self._give(data[:start], at)
        self._is_framed = self._protocol.state is not State.CONNECTING
        if self._is_framed:
            self._answer = b""
            return start
        self._give(data[start:], at)
        return len(data)

    def _give(self, data: bytes, at: float) -> None:
        """To websockets."""
        self._protocol.receive_data(data)
        self._flush()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event, at)
            elif not self.open.done():
                self._answered()

    def _take(self, frame: Frame, at: float) -> None:
        """A text may come in parts."""
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                whole = b"".join(self._parts)
                self._parts.clear()
                self._hear(whole, at)

    def _answered(self) -> None:
        error = self._protocol.handshake_exc
        if error is None:
            self.open.set_result(None)
            return
        refusal = Refusal(str(error))
        if isinstance(error, InvalidStatus):
            status = error.response.status_code
            said = error.response.headers.get("Retry-After", "")
            again = float(said) if said.isascii() and said.isdigit() else None
            refusal = Refusal(f"it answers {status} {HTTPStatus(status).phrase}", status, again)
        self.open.set_exception(refusal)
        self._transport.abort()

    def _read_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if self._transport.is_closing():
                return
            if data:
                self._transport.write(data)
            else:
                self._transport.write_eof() if self._transport.can_write_eof() else self._transport.close()
        if self._protocol.close_expected():
            self._loop.call_later(1.0, self._transport.abort)


async def opened(address: Address, hear: Callable[[bytes, float], None], *, narrow: bool = False) -> Wire:
    """A websocket that speaks our subprotocol. Raises Refusal, OSError or TimeoutError.

    For one that is `narrow` the kernel keeps little.
    """
    loop = asyncio.get_running_loop()
    wire = Wire(address, hear)
    name = address.host if address.trust else None
    async with asyncio.timeout(OPEN_WITHIN):
        sock = await _connected(address, narrow=narrow)
        await loop.create_connection(lambda: wire, sock=sock, ssl=address.trust, server_hostname=name)
        try:
            await wire.open
        except BaseException:
            wire.cut()
            raise
    if wire.subprotocol != SUBPROTOCOL:
        wire.cut()
        raise Refusal(f"it does not speak {SUBPROTOCOL}: it is of another version, or no hub", OTHER_LANGUAGE)
    return wire


async def _connected(address: Address, *, narrow: bool) -> socket.socket:
    """By the first of its addresses that can be reached. Raises OSError."""
    loop, failure = asyncio.get_running_loop(), OSError(f"{address.host} has no address")
    for family, kind, number, _, where in await loop.getaddrinfo(
        address.host, address.uri.port, type=socket.SOCK_STREAM
    ):
        made = socket.socket(family, kind, number)
        if narrow:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        made.setblocking(False)
        try:
            await loop.sock_connect(made, where)
        except OSError as error:
            made.close()
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failure


def _because(error: Exception | None) -> str:
    return f": {error}" if error else ""
