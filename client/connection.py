"""One socket to the hub, from its opening to its end. Moves commands and events, never reads them.

It never speaks faster than the hub listens: the hub ends a connection with more frames than its budget allows.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import websockets
from msgspec import Struct
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from protocol.codec import Undecodable, decode_event, encode
from protocol.commands import Command
from protocol.errors import CloseCode
from protocol.events import Event

SUBPROTOCOL = Subprotocol("tutorhub.v1")
LARGEST_EVENT = 16 * 1024 * 1024
"""A page of changes or messages can be large; it comes from a hub that we chose."""
OPEN_WITHIN = 10.0
CLOSE_WITHIN = 2.0
HEARTBEAT = 20.0
"""Seconds between our pings, and until a ping without answer is a lost connection."""
BURST = 100.0
PER_SECOND = 80.0
"""The hub's budget is 200 frames at once and 100 a second; pongs count too."""
PROTOCOL_ERROR = 1002
ABNORMAL = 1006


class Closed(Struct, frozen=True):
    """How a connection ended."""

    code: int
    reason: str


class Pace:
    """A token bucket: how long to wait before the next frame. No clock."""

    def __init__(self) -> None:
        self._budget = BURST
        self._filled_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the frame may be sent; it counts as sent."""
        self._budget = min(BURST, self._budget + (now - self._filled_at) * PER_SECOND) - 1
        self._filled_at = now
        return max(0.0, -self._budget / PER_SECOND)


class Connection:
    """Made by `opened`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._to_say: asyncio.Queue[Command] = asyncio.Queue()

    def say(self, command: Command) -> None:
        """It goes out after what was said before."""
        self._to_say.put_nowait(command)

    async def run(self, hear: Callable[[Event], bool]) -> Closed:
        """Until it ends. `hear` is given each event; when it returns False, the connection is of no more use."""
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self._write())
            closed = await self._read(hear)
            writing.cancel()
        return closed

    async def write(self, data: bytes) -> None:
        """One frame onto the wire. Raises ConnectionClosed."""
        await self._socket.send(data, text=True)

    async def read(self) -> bytes:
        """The next frame as it came. Raises ConnectionClosed."""
        return await self._socket.recv(decode=False)

    async def _write(self) -> None:
        pace, loop = Pace(), asyncio.get_running_loop()
        with suppress(websockets.ConnectionClosed):
            while True:
                command = await self._to_say.get()
                await asyncio.sleep(pace.wait(loop.time()))
                await self.write(encode(command))

    async def _read(self, hear: Callable[[Event], bool]) -> Closed:
        try:
            while True:
                event = decode_event(await self.read())
                if event is not None and not hear(event):
                    return Closed(CloseCode.RESYNC, "something is missing")
        except Undecodable as error:
            return Closed(PROTOCOL_ERROR, f"the hub speaks another language: {error.detail}")
        except websockets.ConnectionClosed:
            return Closed(self._socket.close_code or ABNORMAL, self._socket.close_reason or "")


Dial = Callable[[str], AbstractAsyncContextManager[Connection]]
"""How a connection to the hub at a URL is made: `opened`, or what wraps it."""


@asynccontextmanager
async def opened(url: str, made: Callable[[ClientConnection], Connection] = Connection) -> AsyncGenerator[Connection]:
    """A connection to the hub at a URL (http, https, ws or wss). Raises OSError or WebSocketException."""
    async with websockets.connect(
        socket_url(url),
        subprotocols=[SUBPROTOCOL],
        compression=None,
        max_size=LARGEST_EVENT,
        open_timeout=OPEN_WITHIN,
        close_timeout=CLOSE_WITHIN,
        ping_interval=HEARTBEAT,
        ping_timeout=HEARTBEAT,
    ) as socket:
        yield made(socket)


def socket_url(url: str) -> str:
    """Where the hub's websocket is: `https://hub.example` → `wss://hub.example/ws`."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path if parts.path.endswith("/ws") else parts.path.rstrip("/") + "/ws"
    return urlunsplit((scheme, parts.netloc, path, "", ""))
