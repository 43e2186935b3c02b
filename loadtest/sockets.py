"""What asyncio does not do with a socket by itself: keep a port, end with RST, send small parts at once."""

import asyncio
import socket
import struct
from contextlib import suppress

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER, on, for no time."""


def bound(port: int) -> socket.socket:
    """A socket on this port of loopback, which others of ours may be on, too; 0 is any port."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


def kept() -> socket.socket:
    """A socket on a free port of loopback that never listens: while it is open, the port is for a server of ours."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    return made


def reset_end(end: asyncio.StreamWriter) -> None:
    """RST instead of FIN; a unix socket knows only an end."""
    sock: socket.socket | None = end.get_extra_info("socket")
    if sock is not None and sock.family == socket.AF_INET:
        with suppress(OSError):  # it is closed already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    end.transport.abort()


def no_delay(*ends: asyncio.StreamWriter) -> None:
    for end in ends:
        sock: socket.socket | None = end.get_extra_info("socket")
        if sock is not None and sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
