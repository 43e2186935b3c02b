"""A TCP relay between a client and a hub, which loses what the test wants lost.

async with relay(hub.port) as network:
    ...                       # connect to network.url
    network.swallow()         # from now on nothing that the hub says arrives
    network.cut()             # the connections break; new ones are as good as new
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

BUFFER = 65_536


class Relay:
    """`connections` counts those that were made through it."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.connections = 0
        self._target = target
        self._reachable = True
        self._swallows: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._pairs: dict[asyncio.StreamWriter, asyncio.StreamWriter] = {}
        self._gone = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break all connections; neither side is told goodbye."""
        for client, hub in self._pairs.items():
            client.transport.abort()
            hub.transport.abort()

    def unplug(self) -> None:
        """Break all connections, and let no new one through until `plug`."""
        self._reachable = False
        self.cut()

    def plug(self) -> None:
        self._reachable = True

    def lead_to(self, target: int) -> None:
        """New connections lead to another port, as a balancer does whose first target is not ready any more."""
        self._target = target

    def swallow(self) -> None:
        """Of the connections that there are, lose what the hub says; it goes on hearing. End it with `cut`."""
        self._swallows.update(self._pairs)

    def pause(self) -> None:
        """Hold everything, in both directions, until `resume`."""
        self._passing.clear()

    def resume(self) -> None:
        self._passing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._reachable:
            writer.transport.abort()
            return
        self.connections += 1
        hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._pairs[writer] = hub_writer
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, hub_writer))
                group.create_task(self._pass_on(hub_reader, writer))
        finally:
            del self._pairs[writer]
            self._swallows.discard(writer)
            if not self._pairs:
                self._gone.set()

    async def close(self) -> None:
        self._passing.set()
        self.unplug()
        while self._pairs:
            self._gone.clear()
            await self._gone.wait()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(BUFFER):
                await self._passing.wait()
                if writer not in self._swallows:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def relay(target: int, tls: SSLContext | None = None) -> AsyncGenerator[Relay]:
    """Listens on a loopback port while the block runs, and passes on to another; `tls`: it ends here."""
    network = Relay(target)
    server = await asyncio.start_server(network.serve, "127.0.0.1", 0, ssl=tls)
    network.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield network
        finally:
            server.close()
            await network.close()
