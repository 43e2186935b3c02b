"""The floor: a bare asyncio protocol on uvloop, which does what the wire needs and no more."""

import asyncio
import base64
import hashlib
import sys
from collections import defaultdict
from typing import cast

import uvloop

from loadtest.bench.peers.obeying import ORDER, answer, obey, session_of

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
rooms: defaultdict[int, list[asyncio.Transport]] = defaultdict(list)


class Socket(asyncio.Protocol):
    """Let in by its first bytes; then each frame of it is a short masked text, whose mask is nothing."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.is_open = False

    @override
    def data_received(self, data: bytes) -> None:
        if not self.is_open:
            return self._let_in(data)
        while len(data) >= 6:
            end = 6 + (data[1] & 127)
            if data[0] & 15 == 8:
                return self.transport.close()
            self.transport.write(frame(answer(data[6:end])))
            data = data[end:]
        return None

    def _let_in(self, data: bytes) -> None:
        key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.is_open = True
        rooms[session_of(data.split(b" ", 2)[1].decode())].append(self.transport)


def frame(text: str) -> bytes:
    data = text.encode()
    if len(data) < 126:
        return bytes((0x81, len(data))) + data
    if len(data) < 65_536:
        return bytes((0x81, 126)) + len(data).to_bytes(2, "big") + data
    return bytes((0x81, 127)) + len(data).to_bytes(8, "big") + data


def emit(session: int, text: str) -> None:
    data = frame(text)
    for transport in rooms[session]:
        transport.write(data)


async def main() -> None:
    await asyncio.get_running_loop().create_server(Socket, "127.0.0.1", ORDER["port"], backlog=4_096)
    await obey(emit)


uvloop.run(main())
