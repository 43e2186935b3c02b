"""What the operating system holds for a socket, and for how long: bounded where it lets one."""

import socket
import struct
from contextlib import suppress

SEND_BUFFER = 131_072
UNACKNOWLEDGED_MS = 20_000
"""For which a peer's machine may have no room. Linux counts on while it takes something, if never all that there is."""
BYTES_ACKED_OFFSET = 120
"""Of `tcpi_bytes_acked` in Linux's `struct tcp_info`, a u64 since 4.1."""


def limit_socket(connection: socket.socket | None) -> None:
    """Bound what the kernel holds for a peer, and for how long. A listener's accepted sockets inherit it (Linux)."""
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    limit_unacknowledged(connection, UNACKNOWLEDGED_MS)


def limit_unacknowledged(connection: socket.socket | None, milliseconds: int) -> None:
    """0: as long as it likes, as somebody looks whether the peer takes something."""
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def bytes_acknowledged(connection: socket.socket | None) -> int:
    """How much the peer's machine has taken so far; always 0 where the system does not tell."""
    if connection is None or not hasattr(socket, "TCP_INFO"):
        return 0
    with suppress(OSError, struct.error):
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_ACKED_OFFSET + 8)
        return int(struct.unpack_from("=Q", told, BYTES_ACKED_OFFSET)[0])
    return 0
