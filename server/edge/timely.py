"""The HTTP of uvicorn, with a deadline for who asks: a request is read within so many seconds of its first byte, and
a connection says something within as many of its beginning. A peer that takes its time costs a socket for that long.
A file takes longer to say: while it goes on coming, and nothing was answered, its bytes have minutes. Who reads an
answer so slowly that nothing of it can be written is cut off too.

Built on names that uvicorn does not promise to keep; tests/edge/test_timely.py says so when one changes.
"""

import asyncio
import sys
from typing import Any, cast

import h11
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.edge.deadline import A_TURN, Deadline, within
from server.edge.handshake import Handshake

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class TimelyHttp(H11Protocol):
    """Between two requests uvicorn's own, shorter limit holds."""

    READ_WITHIN = 10.0
    """Seconds."""

    UPLOADS = frozenset({("POST", "/api/media")})
    UPLOADED_WITHIN = 300.0
    """Seconds for a whole file, each piece of which comes within READ_WITHIN of the one before."""

    READS_WITHIN = 30.0
    """Seconds in which a reader takes something of what waits for it."""

    _deadline: Deadline | None = None
    _stalled: Deadline | None = None
    _upload_ends: float | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._watch()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = within(self.READS_WITHIN, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        self._goes_on()
        super().resume_writing()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._watch_no_more()
        self._goes_on()
        super().connection_lost(exc)

    @override
    def timeout_keep_alive_handler(self) -> None:
        """The next request may have come while the loop was late: it is read first, and then the time is not over."""
        self.timeout_keep_alive_task = self.loop.call_later(A_TURN, super().timeout_keep_alive_handler)

    @override
    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The request is not written and read once more, as uvicorn would."""
        self.connections.discard(self)
        self._goes_on()  # nobody tells us any more that it does
        if self.conn.trailing_data[0]:
            self.transport.abort()  # a client may not speak before it is answered
        else:
            shaking = cast(type[Handshake], self.config.ws_protocol_class)
            shaking(
                cast(ASGIApp, self.app), self.server_state, self.transport, cast(dict[str, Any], self.scope)
            ).begin()

    def _goes_on(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _watch(self) -> None:
        """While a request is not read to its end. What has become a websocket is another protocol's."""
        is_ours = self.transport.get_protocol() is self
        if not is_ours or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._watch_no_more()
            self._upload_ends = None
        elif self._is_uploading():
            self._watch_no_more()
            self._deadline = Deadline(self.loop, self._upload_deadline(), self._end)
        elif self._deadline is None:
            self._deadline = within(self.READ_WITHIN, self._end)

    def _is_uploading(self) -> bool:
        """The bytes of a file are coming, and somebody waits for them."""
        scope = self.scope if self.conn.their_state is h11.SEND_BODY else None
        waited_for = self.conn.our_state is h11.SEND_RESPONSE
        return scope is not None and waited_for and (scope["method"], scope["path"]) in self.UPLOADS

    def _upload_deadline(self) -> float:
        now = self.loop.time()
        if self._upload_ends is None:
            self._upload_ends = now + self.UPLOADED_WITHIN
        return min(self._upload_ends, now + self.READ_WITHIN)

    def _watch_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self) -> None:
        self._deadline = None
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):  # it was not answered yet
            self.transport.write(TOO_SLOW)
        self.transport.close()
        self.loop.call_later(1.0, self.transport.abort)
