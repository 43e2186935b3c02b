"""The websocket protocol of uvicorn, made safe and fast. It moves bytes and counts frames; it never reads a message.

The law: no peer, whatever it sends or fails to read, costs more than a bounded moment and a bounded amount of memory,
and nothing here waits for one. Whoever breaks a limit hears why, is no longer listened to, and is cut off.

Built on names that uvicorn and websockets do not promise to keep; tests/edge/test_guard.py says so when one changes.
Long because every limit of a socket is in one place.
"""

import asyncio
import os
import socket
import struct
import sys
from asyncio.transports import BaseTransport
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState, ProtocolError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from server.edge.deadline import A_TURN, Deadline, within
from server.edge.waiting import Mailbox, Signal

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

EXTENSION = "tutorhub.wire"
"""Where an application finds its `Wire`: `scope["extensions"][EXTENSION]`."""

WRITE_BUFFER = 65_536
SEND_BUFFER = 131_072
UNACKNOWLEDGED_MS = 20_000
LOOKS = 4
"""How often, in the time that a full socket has, it is looked whether it has taken something."""
BYTES_ACKED_OFFSET = 120
"""Of `tcpi_bytes_acked` in Linux's `struct tcp_info`, a u64 since 4.1."""


def limit_socket(connection: socket.socket | None) -> None:
    """Bound what the kernel holds for a peer, and for how long. A listener's accepted sockets inherit it (Linux)."""
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)


def bytes_acknowledged(connection: socket.socket | None) -> int:
    """How much the peer's machine has taken so far; always 0 where the system does not tell."""
    if connection is None or not hasattr(socket, "TCP_INFO"):
        return 0
    with suppress(OSError, struct.error):
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_ACKED_OFFSET + 8)
        return int(struct.unpack_from("=Q", told, BYTES_ACKED_OFFSET)[0])
    return 0


class BudgetedConnection(ServerProtocol):
    """A websocket without extensions whose frames, empty and control ones included, are counted as they are parsed."""

    BURST = 200
    PER_SECOND = 100
    FRAGMENTS = 64

    def __init__(self, config: Config, logger: Any, now: float) -> None:
        super().__init__(max_size=config.ws_max_size, logger=logger)
        self._budget = float(self.BURST)
        self._refilled_at = now
        self._fragments = 0

    def refill(self, now: float) -> None:
        self._budget = min(self.BURST, self._budget + (now - self._refilled_at) * self.PER_SECOND)
        self._refilled_at = now

    @override
    def recv_frame(self, frame: Frame) -> None:
        self._budget -= 1
        if frame.opcode is Opcode.CONT:
            self._fragments += 1
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._fragments = 1
        if self._budget < 0:
            self._refuse(CloseCode.POLICY_VIOLATION, "too many frames")
        elif self._fragments > self.FRAGMENTS:
            self._refuse(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        else:
            super().recv_frame(frame)

    def _refuse(self, code: CloseCode, reason: str) -> None:
        self.fail(code, reason)
        self.parser_exc = ProtocolError(reason)


class TimelyTransport:
    """A transport whose `close()` ends in time: the true one may wait for ever for the peer to take what is unsent.

    It closes the true one once only: asyncio's TLS transport can not be aborted any more after a second `close()`.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, limit: float) -> None:
        self._transport = transport
        self._loop = loop
        self._limit = limit
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self.write = transport.write
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._transport.close()
            self._timer = self._loop.call_later(self._limit, self._transport.abort)

    def abort(self) -> None:
        self.lost()
        self._transport.abort()

    def lost(self) -> None:
        """There is nothing to close any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Wire:
    """The way to one socket for ready-made frames, and from it. Has one user: the socket's connection.

    `write` takes whole unmasked frames, one or several, while it is `writable`: then a frame is a legal one, and does
    not pile up.
    """

    def __init__(self, protocol: "GuardedProtocol") -> None:
        self._protocol = protocol
        self._stopped = False
        self.paused = False
        self.writable = False
        self.write: Callable[[bytes], None] = _to_nobody
        self.on_writable: Callable[[], None] | None = None
        """Called each time a full socket can be written to again."""
        self.on_message: Callable[[str | None], None] | None = None
        """Given each text as soon as it was read, and None for what is none; without, the application receives it."""

    def connected(self, transport: asyncio.Transport, connection: socket.socket | None) -> None:
        """Without TLS, what is written goes to the system at once, and what that does not take to the transport, which
        then counts as full until it holds nothing.
        """
        if connection is not None and transport.get_extra_info("sslcontext") is None:
            self.write = partial(_write, connection.fileno(), transport.write)
            transport.set_write_buffer_limits(high=0)
        else:
            self.write = transport.write
            transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def look(self) -> None:
        """Something has changed. The state is OPEN from the answered handshake until either side's close frame."""
        protocol = self._protocol
        is_open = protocol.conn.state is State.OPEN and not protocol.transport.is_closing()
        self.writable = is_open and not (self.paused or self._stopped)

    def stop(self) -> None:
        """Nothing more is to be written."""
        self._stopped = True
        self.writable = False
        self.on_writable = None
        self.write = _to_nobody

    @property
    def buffered(self) -> int:
        """Bytes that were written and that the system has not taken yet."""
        return self._protocol.transport.get_write_buffer_size()

    def abort(self) -> None:
        """End it now; what waits is lost. `receive` gives `websocket.disconnect`."""
        self._protocol.abort()


def _to_nobody(data: bytes) -> None:
    """The socket is not there yet, or not any more: its descriptor may be another's by now."""


def _write(descriptor: int, rest: Callable[[bytes], None], data: bytes) -> None:
    """Only while the transport is open and holds nothing, or it would be overtaken."""
    try:
        taken = os.write(descriptor, data)
    except OSError:  # the socket is full; or broken, which the transport finds out too
        taken = 0
    if taken < len(data):
        rest(data[taken:])


class GuardedProtocol(WebSocketsSansIOProtocol):
    """For `uvicorn.Config(ws=GuardedProtocol)`. All times in seconds."""

    STALL = 10.0
    """How long a full socket may take nothing at all."""
    CLOSING = 2.0
    """How long a closing handshake may take, and again the last bytes."""
    LAST_WORD = 0.5
    """How long a peer that broke the rules has to read why."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn: BudgetedConnection = BudgetedConnection(config, self.logger, self.loop.time())
        self.queue = cast(Any, Mailbox[ASGIReceiveEvent]())
        self.writable = cast(Any, Signal(is_set=True))
        self.wire = Wire(self)
        self._cut_off = False
        self._stall_timer: Deadline | None = None
        self._taken_at = 0.0

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        timely = TimelyTransport(cast(asyncio.Transport, transport), self.loop, self.CLOSING)
        super().connection_made(cast(asyncio.Transport, timely))
        limit_socket(self._socket())
        self.wire.connected(self.transport, self._socket())

    @override
    async def run_asgi(self) -> None:
        cast(dict[str, Any], self.scope)["extensions"][EXTENSION] = self.wire
        await super().run_asgi()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        cast(TimelyTransport, self.transport).lost()
        super().connection_lost(exc)
        self._cancel_stall_timer()
        self.wire.stop()

    def abort(self) -> None:
        self._cut_off = True
        self.transport.abort()
        self.wire.look()

    @override
    def data_received(self, data: bytes) -> None:
        if self._cut_off:
            return
        if self.handshake_initiated and not self.handshake_complete:
            self.abort()  # A client may not speak before it is answered.
            return
        self.conn.refill(self.loop.time())
        try:
            super().data_received(data)
        except InvalidState:  # What uvicorn has to say (1007, bad text) comes after the peer's own close frame.
            self.abort()
        self.wire.look()
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._answer_bad_handshake()

    def _answer_bad_handshake(self) -> None:
        """A request line too long, say. uvicorn would leave the answer unsent and the connection open."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    @override
    def handle_parser_exception(self) -> None:
        """Tell the peer why, and listen no more. Closing at once would reset the connection before it has read that."""
        self.stop_keepalive()
        self._cut_off = True
        close = self.conn.close_sent
        code, reason = (close.code, close.reason) if close else (CloseCode.ABNORMAL_CLOSURE, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._close_within(self.LAST_WORD)

    @override
    def eof_received(self) -> None:
        super().eof_received()
        self.transport.close()
        self.wire.look()

    @override
    def send_receive_event_to_app(self) -> None:
        """Without the queue between, and without a pause of reading for each message: what waits is bounded there."""
        if self.wire.on_message is None or self.close_sent:
            super().send_receive_event_to_app()
        elif self.curr_msg_data_type == "text":
            data, self.frames = self.frames, []
            try:
                text = (data[0] if len(data) == 1 else b"".join(data)).decode()
            except UnicodeDecodeError:
                self.conn.fail(CloseCode.INVALID_DATA, "text is UTF-8")
                self.handle_parser_exception()
            else:
                self.wire.on_message(text)
        else:
            self.frames = []
            self.wire.on_message(None)

    # writing

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self.wire.paused = True
        self.wire.look()
        self._watch()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self.wire.paused = False
        self.wire.look()
        self._cancel_stall_timer()
        if self.wire.on_writable is not None and self.wire.writable:
            self.wire.on_writable()

    def _watch(self) -> None:
        """The socket is full, or has just taken something: from now on it has its time to take more."""
        self._taken_at = self.loop.time()
        self._look_again()

    def _look_again(self) -> None:
        self._cancel_stall_timer()
        look = partial(self._look, bytes_acknowledged(self._socket()), self.wire.buffered)
        self._stall_timer = within(self.STALL / LOOKS, look)

    def _look(self, acknowledged: int, waiting: int) -> None:
        """Our own pings and pongs make what waits longer, so only less of it is a sign of life."""
        if bytes_acknowledged(self._socket()) > acknowledged or self.wire.buffered < waiting:
            self._watch()
        elif self.loop.time() - self._taken_at < self.STALL:
            self._look_again()
        else:
            self.abort()

    @override
    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] != "websocket.close":
            await super().send(message)
            self.wire.look()
            return
        self.writable.set()  # A goodbye does not wait for a stuck peer.
        await super().send(message)
        self.wire.look()
        if self.close_timer is not None and not self._cut_off:
            self._close_within(self.CLOSING)

    @override
    def shutdown(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()
            self.wire.look()

    @override
    def keepalive_timeout(self) -> None:
        """The pong may have come while the loop was late: it is read first, and then the time is not over."""
        self.pong_timer = self.loop.call_later(A_TURN, self._without_pong)

    def _without_pong(self) -> None:
        super().keepalive_timeout()
        self.wire.look()

    def _close_within(self, seconds: float) -> None:
        """Leave the transport open for the peer's answer, up to a limit: uvicorn does, while `close_timer` is set."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(seconds, self.abort)

    def _cancel_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _socket(self) -> socket.socket | None:
        return self.transport.get_extra_info("socket")
