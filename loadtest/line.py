"""The line of one device: a connection that writes down what goes over it, and the choice of the next hub.

A frame is written down as it comes off the socket, before the client makes sense of it; a command as it goes out.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random

from websockets.asyncio.client import ClientConnection

from client.connection import Closed, Connection, opened
from loadtest.history import Ended, Heard, History, Opened, Said, frame_of, now
from protocol.codec import decode_command
from protocol.commands import Hello
from protocol.events import Event

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

SLOW = 0.03
"""Seconds that a slow device takes to read a frame."""
SLOW_ONE_IN = 10


class Line:
    """Of one device, over all its connections."""

    def __init__(self, hubs: list[str], history: History, chance: Random) -> None:
        self.hurry = asyncio.Event()
        """Once set, every frame is read at once, and the device does not stay away."""
        self._hubs = hubs
        self._history = history
        self._chance = chance
        self._hub = chance.choice(hubs)
        self._back_at = 0.0
        self._count = 0
        self._connection: Watched | None = None

    @asynccontextmanager
    async def dial(self, _url: str) -> AsyncGenerator[Connection]:
        """A connection to a hub of our choice, another one than the last where there is one. Raises as `opened`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._back_at - now())):
                await self.hurry.wait()
        self._count += 1
        self._hub = self._chance.choice([hub for hub in self._hubs if hub != self._hub] or self._hubs)
        async with opened(self._hub, self._watched) as connection:
            yield connection

    def drop(self, absent: float = 0.0) -> None:
        """The connection breaks, and the device stays away for so many seconds at least."""
        self._back_at = now() + absent
        if self._connection is not None:
            self._connection.break_off()

    def _watched(self, socket: ClientConnection) -> Connection:
        slow = not self.hurry.is_set() and self._chance.randrange(SLOW_ONE_IN) == 0
        self._connection = Watched(socket, self, self._history, self._count, self._hub, slow=slow)
        return self._connection


class Watched(Connection):
    """A connection, number so-and-so of its device, that writes everything down."""

    def __init__(
        self, socket: ClientConnection, line: Line, history: History, number: int, hub: str, *, slow: bool
    ) -> None:
        super().__init__(socket)
        self._line = line
        self._history = history
        self._number = number
        self._hub = hub
        self._slow = slow

    def break_off(self) -> None:
        """As if the network were gone: nobody says goodbye."""
        self._socket.transport.abort()

    @override
    async def run(self, hear: Callable[[Event], bool]) -> Closed:
        closed = Closed(0, "the device left")
        try:
            closed = await super().run(hear)
        finally:
            self._history.write(Ended(at=now(), connection=self._number, code=closed.code, reason=closed.reason))
        return closed

    @override
    async def write(self, data: bytes) -> None:
        self._history.write(self._saying(data))
        await super().write(data)

    @override
    async def read(self) -> bytes:
        if self._slow and not self._line.hurry.is_set():
            await asyncio.sleep(SLOW)
        data = await super().read()
        self._history.write(Heard(at=now(), connection=self._number, frame=frame_of(data)))
        return data

    def _saying(self, data: bytes) -> Opened | Said:
        """A hello is the opening, and its token is nobody's business."""
        command = decode_command(data)
        if isinstance(command, Hello):
            return Opened(at=now(), connection=self._number, hub=self._hub, since=command.since, slow=self._slow)
        return Said(at=now(), connection=self._number, command=frame_of(data))
