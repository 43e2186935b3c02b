"""A websocket after its handshake (RFC 6455, as a server). It moves messages and frames; it never reads one.

The law: no peer, whatever it sends or fails to read, costs more than a bounded moment and a bounded amount of memory,
and nothing here waits for one. Whoever breaks a limit hears why, is no longer listened to, and is cut off.
Long because every limit of a socket is in one place.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from secrets import token_bytes
from typing import Any, cast

from server.edge.deadline import A_TURN, Deadline, within
from server.edge.frame_reader import CLOSE, PING, PONG, TEXT, FrameReader, Said, close_code
from server.edge.kernel import bytes_acknowledged, limit_unacknowledged
from server.edge.soon import soon
from server.edge.timely_transport import TimelyTransport

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

WRITE_BUFFER = 65_536
SOON = 32_768
"""Bytes that may wait for the end of a turn of the loop."""
LOOKS = 4
"""How often, in the time that a full socket has, it is looked whether it has taken something."""
WHOLE = 0x80
PING_BYTES = 4
"""Of chance: who answers has read as far as that."""
REASON_BYTES = 123
LOST, NO_PONG, RESTARTS = 1006, 1011, 1012


def _nothing(*_: Any) -> None:
    """Nobody wants to know."""


class Wire(asyncio.Protocol):
    """The way to one peer, and from it. Has one user: the socket's connection. All times in seconds.

    `write` and `write_soon` take whole unmasked frames, one or several, while it is `writable`: then a frame is a legal
    one, and does not pile up. `on_message` is given each text as soon as it was read, and None for what is none;
    `on_writable` is called each time that a full socket can be written to again; `on_end` once, with the close code,
    when no more is heard: somebody has said goodbye, or the peer is lost.

    `connections` are those of the server, which it is one of until its end. It holds no more than an idle socket needs.
    """

    __slots__ = (
        "_beating",
        "_connections",
        "_descriptor",
        "_due",
        "_ending",
        "_is_deaf",
        "_is_ended",
        "_is_full",
        "_is_open",
        "_is_stopped",
        "_loop",
        "_pinged",
        "_reader",
        "_soon",
        "_stalled",
        "_taken_at",
        "_to_pong",
        "on_end",
        "on_message",
        "on_writable",
        "transport",
        "writable",
    )

    BEAT = 20.0
    """Between two pings. A peer that has not answered one by the next is gone."""
    STALL = 10.0
    """How long a full socket may take nothing at all."""
    CLOSING = 2.0
    """How long a closing handshake may take, and again the last bytes."""
    LAST_WORD = 0.5
    """How long a peer that broke the rules has to read why."""

    def __init__(self, transport: asyncio.Transport, connections: set[Any]) -> None:
        self.transport = TimelyTransport(transport, self.CLOSING)
        self.writable = False
        self.on_message: Callable[[str | None], None] = _nothing
        self.on_writable: Callable[[], None] = _nothing
        self.on_end: Callable[[int], None] = _nothing
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader(self._loop.time())
        self._descriptor: int | None = None
        self._due = b""
        self._soon = soon(self._loop)
        self._is_open = not transport.is_closing()
        self._is_full = self._is_stopped = self._is_deaf = self._is_ended = False
        self._pinged: bytes | None = None
        self._to_pong: bytes | None = None
        self._taken_at = 0.0
        self._stalled: Deadline | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._beating: asyncio.TimerHandle | None = None

    def take_over(self) -> None:
        """The handshake was answered. Without TLS, what is written goes to the system at once, and what that does not
        take to the transport, which then counts as full until it holds nothing.
        """
        self._connections.add(self)
        self.transport.set_protocol(self)
        connection = self._socket()
        limit_unacknowledged(connection, 0)  # see STALL
        if connection is not None and self.transport.get_extra_info("sslcontext") is None:
            self._descriptor = connection.fileno()
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER if self._descriptor is None else 0)
        self._beating = self._loop.call_later(self.BEAT, self._beat)
        self._update()
        if not self._is_open:
            self.abort()

    @property
    def buffered(self) -> int:
        """Bytes that were written and that the system has not taken yet."""
        return len(self._due) + self.transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Only while it is `writable`, or what waits would be overtaken; else nothing is done."""
        if self.writable:
            self._due += data
            self._write_due()

    def write_soon(self, data: bytes) -> None:
        """At the end of this turn of the loop, after all that others do in it and with what else it has for this peer.

        A system call between them would cost more: what it drives out of the processor's caches is needed at once.
        Where much is due by then, now.
        """
        if self.writable:
            waits = bool(self._due) or self._soon.call(self._write_due)
            self._due += data
            if not waits or len(self._due) > SOON:
                self._write_due()

    def stop(self) -> None:
        """No more frames are to be written."""
        self._write_due()
        self._is_stopped = True
        self.writable = False
        self.on_writable = _nothing

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, which waits for nobody. The peer has its time to answer, and may then be cut off."""
        if self._is_open:
            self._say_goodbye(code, reason)
            self._abort_within(self.CLOSING)
            self._end(code)

    def abort(self) -> None:
        """End it now; what waits is lost. A transport that was lost before it was ours does not say so any more."""
        self._due = b""
        self._is_deaf = True
        self._is_open = False
        self._update()
        self.transport.abort()
        self._loop.call_soon(self.connection_lost, None)

    def shutdown(self) -> None:
        """The server ends. Called by uvicorn."""
        if not self.transport.is_closing():
            if self._is_open:
                self._say_goodbye(RESTARTS)
                self._end(RESTARTS)
            self._hang_up()

    # Reading.

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        for said in self._reader.feed(data, self._loop.time()):
            self._hear(said)
        if self._reader.broken is not None:
            self._refuse(*self._reader.broken)

    def _hear(self, said: Said) -> None:
        kind, payload = said
        if kind == PONG:
            if payload == self._pinged:
                self._pinged = None
        elif kind == CLOSE:
            self._answer_goodbye(cast(bytes, payload))
        elif not self._is_open:  # nobody listens any more but for the answer to our goodbye
            return
        elif kind == PING and self._is_full:
            self._to_pong = cast(bytes, payload)  # of several the last is answered, once there is room
        elif kind == PING:
            self._control(PONG, cast(bytes, payload))
        else:
            self.on_message(cast(str, payload) if kind == TEXT else None)

    def _answer_goodbye(self, payload: bytes) -> None:
        self._is_deaf = True
        if self._is_open:
            self._is_open = False
            self._update()
            self._control(CLOSE, payload)
        self._hang_up()
        self._end(close_code(payload))

    def _refuse(self, code: int, reason: str) -> None:
        """Tell the peer why, and listen no more. Closing at once would reset the connection before it has read that."""
        self._is_deaf = True
        if self._is_open:
            self._say_goodbye(code, reason)
        self._abort_within(self.LAST_WORD)
        self._end(code)

    @override
    def eof_received(self) -> None:
        self._is_open = False
        self._update()
        self._hang_up()
        self._end(LOST)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Twice does no harm."""
        self._is_open = False
        self._is_deaf = True
        self._descriptor = None  # it may be another's by now
        self._due = b""
        self._update()
        self._connections.discard(self)
        self.transport.lost()
        self._cancel_watch()
        self._cancel_ending()
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None
        self._end(LOST)
        self.on_message = self.on_writable = self.on_end = _nothing

    # Writing.

    @override
    def pause_writing(self) -> None:
        self._is_full = True
        self._update()
        self._watch()

    @override
    def resume_writing(self) -> None:
        self._is_full = False
        self._update()
        self._cancel_watch()
        if self._is_open and self._to_pong is not None:
            payload, self._to_pong = self._to_pong, None
            self._control(PONG, payload)
        if self.writable:
            self.on_writable()

    def _update(self) -> None:
        """Something has changed. It is open from the answered handshake until either side's close frame."""
        self._write_due()
        self.writable = self._is_open and not (self._is_full or self._is_stopped)

    def _watch(self) -> None:
        """The socket is full, or has just taken something: from now on it has its time to take more."""
        self._taken_at = self._loop.time()
        self._watch_on()

    def _watch_on(self) -> None:
        self._cancel_watch()
        acknowledged, waiting = bytes_acknowledged(self._socket()), self.buffered
        self._stalled = within(self.STALL / LOOKS, lambda: self._look_whether_taken(acknowledged, waiting))

    def _look_whether_taken(self, acknowledged: int, waiting: int) -> None:
        """Our own pings and pongs make what waits longer, so only less of it is a sign of life."""
        if bytes_acknowledged(self._socket()) > acknowledged or self.buffered < waiting:
            self._watch()
        elif self._loop.time() - self._taken_at < self.STALL:
            self._watch_on()
        else:
            self.abort()

    def _cancel_watch(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _write_due(self) -> None:
        data, self._due = self._due, b""
        if not data:  # it was written meanwhile
            return
        if self._descriptor is None:
            self.transport.write(data)
            return
        try:
            taken = os.write(self._descriptor, data)
        except OSError:  # the socket is full; or broken, which the transport finds out too
            taken = 0
        if taken < len(data):
            self.transport.write(data[taken:])

    def _control(self, kind: int, payload: bytes) -> None:
        self._write_due()
        self.transport.write(bytes((WHOLE | kind, len(payload))) + payload)

    def _beat(self) -> None:
        """The pong may have come while the loop was late: it is read first, and then the time is not over."""
        if not self._is_open:
            return
        if self._pinged is not None:
            self._beating = self._loop.call_later(A_TURN, self._look_for_pong)
        else:
            self._pinged = token_bytes(PING_BYTES)
            self._control(PING, self._pinged)
            self._beating = self._loop.call_later(self.BEAT, self._beat)

    def _look_for_pong(self) -> None:
        if self._pinged is not None and self._is_open:
            self._refuse(NO_PONG, "no pong in time")
        else:
            self._beat()

    # Ending.

    def _say_goodbye(self, code: int, reason: str = "") -> None:
        self._is_open = False
        self._update()
        self._control(CLOSE, code.to_bytes(2) + reason.encode()[:REASON_BYTES])

    def _end(self, code: int) -> None:
        if not self._is_ended:
            self._is_ended = True
            self.on_end(code)

    def _hang_up(self) -> None:
        """No answer is waited for any more: from now on the last bytes have their time."""
        self._cancel_ending()
        self.transport.close()

    def _abort_within(self, seconds: float) -> None:
        self._cancel_ending()
        self._ending = self._loop.call_later(seconds, self.abort)

    def _cancel_ending(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _socket(self) -> socket.socket | None:
        return cast(socket.socket | None, self.transport.get_extra_info("socket"))
