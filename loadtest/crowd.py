"""Many devices in one process, each as light as can be: it joins, comes back where it stood, and tells what it hears.

It reads no more of an event than its number and its messages' ids, and it believes what it is told: the proof is
what checks that.
"""

import asyncio
import socket
from collections.abc import Callable
from random import Random

import msgspec
import websockets
from msgspec import Raw, Struct
from websockets.asyncio.client import ClientConnection

from client.connection import LARGEST_EVENT, SUBPROTOCOL
from loadtest.tokens import token
from protocol.codec import encode
from protocol.commands import Command, Hello
from protocol.ids import MessageId
from protocol.model import Cursor, Device

COMES_BACK_WITHIN = 0.5
"""Seconds, at random, after a connection was lost; the client waits as long the first time."""
SMALL_BUFFER = 4_096
UNAVAILABLE = 503


class Row(Struct, frozen=True):
    """Of a message, as far as it is looked at."""

    id: MessageId


class Frame(Struct, frozen=True):
    """Of an event, as far as it is looked at."""

    type: str
    seq: int = 0
    epoch: str = ""
    more: bool = False
    ref: int | None = None
    result: Raw = Raw()
    messages: list[Row] = []
    who: str = ""


_decoder = msgspec.json.Decoder(Frame)


class Listener:
    """One device of a user. `hear` is given all that it hears after the welcome.

    For one that is `narrow` the kernel keeps little. While `rate` is not 0, it reads no more bytes per second.
    """

    def __init__(
        self, port: int, secret: str, user: str, name: str, *, hear: Callable[[Frame], None], narrow: bool = False
    ) -> None:
        self.in_step = asyncio.Event()
        self.refused = 0
        """How often it was asked to come again."""
        self.rate = 0
        self._narrow = narrow
        self._port = port
        self._token = token(secret, user)
        self._device = Device(id=name, name=name)
        self._hear = hear
        self._chance = Random(name)
        self._epoch = ""
        self._seq = 0
        self._socket: ClientConnection | None = None

    @property
    def seq(self) -> int:
        """The number that it has come to."""
        return self._seq

    async def stay(self) -> None:
        """For ever: connect, listen, and come back when the connection is lost."""
        while True:
            try:
                await self._live()
            except websockets.InvalidStatus as error:
                if error.response.status_code != UNAVAILABLE:
                    raise
                self.refused += 1
                wait = int(error.response.headers["Retry-After"])
                await asyncio.sleep(wait * self._chance.uniform(0.5, 1))
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(self._chance.uniform(0, COMES_BACK_WITHIN))

    def drop(self) -> None:
        """The network is gone: nobody says goodbye."""
        self.in_step.clear()
        if self._socket is not None:
            self._socket.transport.abort()

    async def say(self, command: Command) -> None:
        """Raises ConnectionClosed."""
        assert self._socket is not None, "it is connected"
        await self._socket.send(encode(command), text=True)

    async def _live(self) -> None:
        async with websockets.connect(
            f"ws://127.0.0.1:{self._port}/ws",
            subprotocols=[SUBPROTOCOL],
            compression=None,
            max_size=LARGEST_EVENT,
            max_queue=1 if self._narrow else 16,
            ping_interval=None,
            sock=await self._connected(),
        ) as self._socket:
            since = Cursor(epoch=self._epoch, seq=self._seq) if self._epoch else None
            await self.say(Hello(ref=1, device=self._device, token=self._token, since=since))
            while True:
                data = await self._socket.recv(decode=False)
                self._take(_decoder.decode(data))
                if self.rate:
                    await asyncio.sleep(len(data) / self.rate)

    async def _connected(self) -> socket.socket:
        made = socket.socket()
        if self._narrow:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self._port))
        return made

    def _take(self, frame: Frame) -> None:
        if frame.type == "welcome":
            self._epoch = frame.epoch
            return
        self._seq = max(self._seq, frame.seq)
        if frame.type in ("snapshot", "changes") and not frame.more:
            self.in_step.set()
        self._hear(frame)


def ignore(_frame: Frame) -> None:
    """Hears, and does nothing."""
