"""The handshake of a websocket, by uvicorn and websockets, within a bounded time. A socket that was accepted is handed
over: then it is a `Wire` of the application's, and nothing of the handshake is kept.

Built on names that uvicorn and websockets do not promise to keep; tests/edge/test_handshake.py says so when one
changes.
"""

import asyncio
import sys
from asyncio.transports import BaseTransport
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from server.edge.kernel import limit_socket
from server.edge.timely_transport import TimelyTransport
from server.edge.wire import Wire

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

EXTENSION = "tutorhub.wire"
"""Where an application finds `HandOver`: `scope["extensions"][EXTENSION]`."""

HandOver = Callable[[], Wire]
"""To be called once, right after `websocket.accept`; the application's call may end then, and the socket goes on.
Before `accept`, the application waits for nothing: a connection that is lost meanwhile is not told to the wire.
"""


class Handshake(WebSocketsSansIOProtocol):
    """For `uvicorn.Config(ws=Handshake)`."""

    wire: type[Wire] = Wire

    _cut_off = False
    _handed_over: Wire | None = None

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        timely = TimelyTransport(cast(asyncio.Transport, transport), self.wire.CLOSING)
        super().connection_made(cast(asyncio.Transport, timely))
        limit_socket(transport.get_extra_info("socket"))

    @override
    async def run_asgi(self) -> None:
        extensions = cast(dict[str, Any], self.scope)["extensions"]
        extensions[EXTENSION] = self._hand_over
        try:
            await super().run_asgi()
        finally:
            extensions.clear()  # no cycle keeps it all in memory

    def _hand_over(self) -> Wire:
        timely = cast(TimelyTransport, self.transport)
        timely.lost()  # uvicorn closes it once the application's call ends
        wire = self.wire(timely.true, self.connections)
        self.connections.discard(self)
        self.conn.parser.close()
        self._handed_over = wire
        wire.take_over()
        return wire

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        cast(TimelyTransport, self.transport).lost()
        if self._handed_over is None:
            super().connection_lost(exc)
        else:  # TLS had chosen before whom it tells
            self._handed_over.connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._cut_off:
            return
        if self.handshake_initiated and not self.handshake_complete:
            self._cut_off = True
            self.transport.abort()  # A client may not speak before it is answered.
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._answer_bad_handshake()

    def _answer_bad_handshake(self) -> None:
        """A request line too long, say. uvicorn would leave the answer unsent and the connection open."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    @override
    def eof_received(self) -> None:
        super().eof_received()
        self.transport.close()

    @override
    def shutdown(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()
