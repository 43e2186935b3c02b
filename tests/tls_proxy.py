"""The end of an encrypted line, in front of a test's PostgreSQL or Redis: ours come without TLS.

What comes to it in the clear is not let through, and what it has passed on is kept, as it was on the line.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

BUFFER = 65_536
ASKS_FOR_TLS = bytes.fromhex("0000000804d2162f")
"""PostgreSQL's SSLRequest."""
YES = b"S"


class TlsProxy:
    """`refused` counts those who came without TLS, or did not trust the certificate."""

    def __init__(self, target: Path | int, context: ssl.SSLContext, *, postgres: bool) -> None:
        self.port = 0
        self.passed = 0
        self.refused = 0
        self._target = target
        self._context = context
        self._postgres = postgres

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._postgres:
                if await reader.readexactly(len(ASKS_FOR_TLS)) != ASKS_FOR_TLS:
                    raise ConnectionError("in the clear")
                writer.write(YES)
            await writer.start_tls(self._context)
            self.passed += 1
            await self._pass_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            self.refused += 1
        finally:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._target, Path):
            there, back = await asyncio.open_unix_connection(self._target)
        else:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        with suppress(ExceptionGroup, ConnectionError):
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back))
                group.create_task(_pump(there, writer))
        back.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(BUFFER):
        writer.write(data)
        await writer.drain()
    raise ConnectionError("over")


@asynccontextmanager
async def tls_proxy(
    target: Path | int, certificate: Path, key: Path, *, postgres: bool = False
) -> AsyncGenerator[TlsProxy]:
    """On a free port of this machine, with this certificate. `target`: a local socket, or a port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["postgresql"])
    proxy = TlsProxy(target, context, postgres=postgres)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy
        server.close()
