"""A TCP proxy between two real peers that makes a network as bad as a proof wants it. Moves bytes, never reads them.

    async with link(Target(port=5432)) as wire:
        ...                           # connect to wire.port
        with wire.weather(delay=0.3, jitter=0.1):
            ...                       # slow, both ways
        wire.reset()                  # RST to both ends of every connection

A link is switched at any time, also under its connections. Long because all that can be done to one is read together.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from enum import Enum
from pathlib import Path
from random import Random

from msgspec import Struct

from loadtest.sockets import bound, no_delay, reset_end

BUFFER = 65_536
BACKLOG = 4_096
PART_OF_A_SECOND = 10
"""A throttled link passes a tenth of a second's bytes at a time."""


class Target(Struct, frozen=True):
    """Where a link leads: a port of loopback, or a unix socket."""

    port: int = 0
    path: Path | None = None


class Way(Enum):
    """Which way bytes go: `THERE` is from who connects to who listens."""

    THERE = "there"
    BACK = "back"


class Weather(Struct, frozen=True):
    """What the network does to bytes.

    `holds`: they stay in the proxy and in the kernels' buffers, which acknowledge until they are full, and go on when
    it is over. `swallows`: they are acknowledged for ever and are gone; so are the connections, when it is over.
    """

    delay: float = 0.0
    """Seconds that bytes take, each way."""
    jitter: float = 0.0
    """Seconds that are added to the delay, at most, by chance."""
    rate: int = 0
    """Bytes per second, each way, for each connection; 0 is unlimited."""
    holds: bool = False
    swallows: bool = False
    splits: bool = False
    """One byte at a time, each in a segment of its own."""
    breaks: int = 0
    """Each connection is reset after so many bytes at most, of both ways together: as often after 1 to 2 as after
    1,024 to 2,048. 0 is never.
    """


FAIR = Weather()


class Connection(Struct, eq=False):
    """Both ends of what goes through."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    damaged: bool = False
    """Bytes of it were swallowed, so it cannot go on."""
    left: int | None = None
    """Bytes until it breaks, where connections do."""

    @property
    def ends(self) -> tuple[asyncio.StreamWriter, asyncio.StreamWriter]:
        return self.client, self.server


class Link:
    """Made by `link`. `target` may change: the next connections lead there."""

    def __init__(self, target: Target, chance: Random) -> None:
        self.target = target
        self.port = 0
        self.connections = 0
        """How many were made through it, ever."""
        self.broken = 0
        """How many of them broke by the weather."""
        self.lost = asyncio.Event()
        """What `lose` is armed for has happened."""
        self._chance = chance
        self._weathers: list[Weather] = []
        self._changed = asyncio.Event()
        self._refusals = 0
        self._breaks = 0
        self._open: set[Connection] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        self._to_lose: tuple[Way, bytes] | None = None
        self._bytes_left: int | None = None
        self._server: asyncio.Server | None = None

    @property
    def carries(self) -> int:
        """How many connections there are."""
        return len(self._open)

    @contextmanager
    def weather(
        self,
        *,
        delay: float = 0.0,
        jitter: float = 0.0,
        rate: int = 0,
        holds: bool = False,
        swallows: bool = False,
        splits: bool = False,
        breaks: int = 0,
    ) -> Generator[None]:
        """While the block runs, the network is so. Of two at once, the later one is felt."""
        weather = Weather(delay, jitter, rate, holds, swallows, splits, breaks)
        self._weathers.append(weather)
        self._tell()
        try:
            yield
        finally:
            self._weathers.remove(weather)
            self._tell()
            for connection in [each for each in self._open if each.damaged]:
                _reset(connection)

    def cut(self) -> int:
        """End every connection with FIN, after what is on its way; how many."""
        self._breaks += 1
        for connection in self._open:
            for end in connection.ends:
                end.close()
        return len(self._open)

    def reset(self) -> int:
        """End every connection with RST; how many."""
        self._breaks += 1
        for connection in self._open:
            _reset(connection)
        return len(self._open)

    @asynccontextmanager
    async def refusing(self) -> AsyncGenerator[None]:
        """While the block runs nobody listens, and those who were connected are no longer."""
        self._refusals += 1
        self._shut()
        try:
            yield
        finally:
            self._refusals -= 1
            if not self._refusals:
                await self.listen()

    def lose(self, way: Way, containing: bytes) -> None:
        """Once: when bytes that hold these arrive to go this way, they are lost and their connection is reset."""
        self._to_lose = (way, containing)
        self.lost.clear()

    def lose_after(self, count: int) -> None:
        """Once: after so many more bytes, either way, the connection of the last of them is reset."""
        self._bytes_left = count
        self.lost.clear()

    def disarm(self) -> None:
        self._to_lose = self._bytes_left = None

    async def listen(self) -> None:
        """On the same port as before, which this link keeps while it does not listen."""
        listener = bound(self.port)
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._serve, sock=listener, backlog=BACKLOG, limit=BUFFER)

    async def close(self) -> None:
        self._weathers.clear()
        self._tell()
        self._shut()
        await self._all_gone.wait()

    @property
    def _weather(self) -> Weather:
        return self._weathers[-1] if self._weathers else FAIR

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        breaks = self._breaks
        try:
            server_reader, server_writer = await _connected(self.target)
        except OSError:
            reset_end(writer)
            return
        if self._server is None or breaks != self._breaks:  # the link broke while this was being made
            server_writer.transport.abort()
            reset_end(writer)
            return
        connection = Connection(writer, server_writer)
        no_delay(writer, server_writer)
        self._open.add(connection)
        self._all_gone.clear()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(connection, Way.THERE, reader, server_writer))
                group.create_task(self._pass_on(connection, Way.BACK, server_reader, writer))
        finally:
            for end in connection.ends:
                end.close()
            self._open.discard(connection)
            if not self._open:
                self._all_gone.set()

    async def _pass_on(
        self, connection: Connection, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(BUFFER):
                if self._loses(way, data):
                    _reset(connection)
                    self.lost.set()
                    break
                await self._travel(connection, data, writer)
        writer.close()

    def _loses(self, way: Way, data: bytes) -> bool:
        if self._bytes_left is not None:
            self._bytes_left -= len(data)
            if self._bytes_left < 0:
                self._bytes_left = None
                return True
        if self._to_lose is not None and self._to_lose[0] is way and self._to_lose[1] in data:
            self._to_lose = None
            return True
        return False

    async def _travel(self, connection: Connection, data: bytes, writer: asyncio.StreamWriter) -> None:
        while data:
            while self._weather.holds and not writer.is_closing():
                await self._changed.wait()
            weather = self._weather
            if weather.swallows:
                connection.damaged = True
                return
            part = data[: _step(weather)]
            data = data[len(part) :]
            breaks = self._breaks_in(connection, weather, len(part))
            await self._take_time(weather, len(part))
            writer.write(part[: connection.left] if breaks else part)
            await writer.drain()
            if breaks:
                self.broken += not writer.is_closing()  # the other way may have been quicker
                _reset(connection)
                return

    def _breaks_in(self, connection: Connection, weather: Weather, size: int) -> bool:
        """Whether the connection breaks within the next bytes, of which then as many are passed on as are left."""
        if not weather.breaks:
            return False
        if connection.left is None:
            connection.left = int(weather.breaks ** self._chance.random())
        if size >= connection.left:
            return True
        connection.left -= size
        return False

    async def _take_time(self, weather: Weather, size: int) -> None:
        seconds = weather.delay + weather.jitter * self._chance.random()
        if weather.rate:
            seconds += size / weather.rate
        if seconds or weather.splits:
            await asyncio.sleep(seconds)


@asynccontextmanager
async def link(target: Target, chance: Random | None = None) -> AsyncGenerator[Link]:
    """Listens on a loopback port while the block runs. `chance` is what jitter is made of."""
    made = Link(target, chance or Random(0))
    with closing(bound(0)) as reservation:  # it never listens: it keeps the port ours, also while nobody does
        made.port = reservation.getsockname()[1]
        await made.listen()
        try:
            yield made
        finally:
            await made.close()


def _step(weather: Weather) -> int:
    if weather.splits:
        return 1
    return max(1, weather.rate // PART_OF_A_SECOND) if weather.rate else BUFFER


async def _connected(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if target.path is not None:
        return await asyncio.open_unix_connection(target.path, limit=BUFFER)
    return await asyncio.open_connection("127.0.0.1", target.port, limit=BUFFER)


def _reset(connection: Connection) -> None:
    for end in connection.ends:
        reset_end(end)
