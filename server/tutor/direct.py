"""A transport for httpx2: each request over a connection of its own, its answer as it comes. Made for streams of many
small parts that go on for long.

What has come is taken out in one piece, at most once in a while: the more there is to do, the less each part costs.
It goes to the hosts themselves: where a proxy is to be used, so is httpx2's own transport.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, cast

import httptools
import httpx2

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

PORTS = {"http": 80, "https": 443}
ADDRESS_SECONDS = 2.0
"""For which one of several addresses of a host is tried, before the next is."""
WAITING_BYTES = 256 * 1024
"""So much has come and was not taken, and no more is read."""

HEAD_BYTES = 64 * 1024
FINAL = 200
"""Answers below this status come before the answer."""
FRAMED = {b"content-length", b"transfer-encoding"}
"""Which say where a body ends; without them it does with the connection."""

Headers = list[tuple[bytes, bytes]]
Gather = Callable[[], float]
"""For how many seconds, from now on, what comes is gathered."""


def not_at_all() -> float:
    return 0.0


class Direct(httpx2.AsyncBaseTransport):
    """Of a request's extensions it heeds `timeout`, of which the time to connect, and `gather`, which is called each
    time that the rest of the answer is asked for.
    """

    def __init__(self) -> None:
        self._tls = httpx2.create_ssl_context()
        self._answered: object = None
        """The address that has answered last: it is tried first."""

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Once the head of the answer is there. Raises httpx2.TransportError."""
        try:
            async with asyncio.timeout(request.extensions["timeout"]["connect"]):
                transport, answer = await self._connect(request)
        except TimeoutError as error:
            raise httpx2.ConnectTimeout("the host does not answer in time", request=request) from error
        except (OSError, UnicodeError) as error:  # the latter: no name that a host can have
            raise httpx2.ConnectError(str(error), request=request) from error
        try:
            transport.write(_written(request, await request.aread()))
            status, headers = await answer.head
        except BaseException:
            transport.abort()
            raise
        return httpx2.Response(status, headers=headers, stream=answer, request=request)

    async def _connect(self, request: httpx2.Request) -> tuple[asyncio.Transport, "Answer"]:
        """To the first of the host's addresses that answers, one after another: uvloop can't try several at once."""
        loop, url = asyncio.get_running_loop(), request.url
        host, port = url.raw_host.decode(), url.port or PORTS[url.scheme]
        tls: dict[str, Any] = {"ssl": self._tls, "server_hostname": host} if url.scheme == "https" else {}
        found = dict.fromkeys(each[4][0] for each in await loop.getaddrinfo(host, port))
        *others, last = sorted(found, key=lambda address: address != self._answered)

        async def by(address: str | int) -> tuple[asyncio.Transport, Answer]:
            made = await loop.create_connection(
                lambda: Answer(request.extensions.get("gather", not_at_all)), str(address), port, **tls
            )
            self._answered = address
            return made

        for address in others:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(ADDRESS_SECONDS):
                    return await by(address)
        return await by(last)


class Answer(asyncio.Protocol, httpx2.AsyncByteStream):
    """One answer: its `head`, and then, as a stream, its body. Either raises httpx2.TransportError.

    The methods without a docstring are called by the transport and by the parser.
    """

    def __init__(self, gather: Gather) -> None:
        self._loop = asyncio.get_running_loop()
        self.head: asyncio.Future[tuple[int, Headers]] = self._loop.create_future()
        self._gather = gather
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._head_bytes = 0
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self._bytes = 0
        self._is_over = False
        self._failure: httpx2.TransportError | None = None
        self._not_before = 0.0
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @override
    async def __aiter__(self) -> AsyncGenerator[bytes]:
        while True:
            await self._something()
            if self._parts:
                yield self._taken()
                self._not_before = self._loop.time() + self._gather()
            elif self._failure is not None:
                raise self._failure
            else:
                return

    @override
    async def aclose(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _something(self) -> None:
        """Until something has come and was gathered for its time, or nothing more will."""
        if self._is_over:
            return
        self._waiting = self._loop.create_future()
        self._look()
        try:
            await self._waiting
        finally:
            self._waiting = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _look(self) -> None:
        """Whether who waits has waited for long enough."""
        if self._waiting is None or self._waiting.done():
            return
        if self._is_over or (self._parts and self._loop.time() >= self._not_before):
            self._waiting.set_result(None)
        elif self._parts and self._timer is None:
            self._timer = self._loop.call_at(self._not_before, self._end_waiting)

    def _end_waiting(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _taken(self) -> bytes:
        taken = b"".join(self._parts)
        if self._bytes > WAITING_BYTES and self._transport is not None:
            self._transport.resume_reading()
        self._parts, self._bytes = [], 0
        return taken

    # What comes.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(httpx2.RemoteProtocolError(str(error) or "no HTTP"))
        if not self.head.done():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._end(httpx2.RemoteProtocolError("a head that does not end"))
        self._look()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        is_whole = exc is None and self.head.done() and not FRAMED.intersection(name for name, _ in self._headers)
        self._end(None if is_whole else httpx2.ReadError(str(exc or "the connection was lost")))
        self._look()
        del self._parser  # which holds us

    def on_message_begin(self) -> None:
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= FINAL:
            self.head.set_result((status, self._headers))

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._bytes += len(body)
        if self._bytes > WAITING_BYTES >= self._bytes - len(body) and self._transport is not None:
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.head.done():
            self._end(None)

    def _end(self, failure: httpx2.TransportError | None) -> None:
        """Once."""
        if self._is_over:
            return
        self._is_over, self._failure = True, failure
        if not self.head.done():
            self.head.set_exception(failure or httpx2.RemoteProtocolError("an end without an answer"))
            self.head.exception()  # seen, also if nobody waits for it any more


def _written(request: httpx2.Request, body: bytes) -> bytes:
    """The request, as HTTP/1.1 has it."""
    first = b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)
    lines = [first, *(b"%b: %b" % header for header in request.headers.raw)]
    if any(b"\r" in line or b"\n" in line for line in lines):
        raise httpx2.LocalProtocolError("a header of more than one line")
    return b"\r\n".join([*lines, b"", body])
