"""A proxy in front of a test's PostgreSQL that can lose the answer to one COMMIT: it was done, nobody was told."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo


class DatabaseProxy:
    """`url` leads through it. `lose_commit_after` arms it for one transaction."""

    def __init__(self, database_url: str) -> None:
        where = conninfo_to_dict(database_url)
        self.socket = Path(str(where["host"])) / f".s.PGSQL.{where.get('port') or 5432}"
        if not self.socket.exists():
            pytest.skip("needs a PostgreSQL on a local socket, as the tests' own is")
        self.url = ""
        self.lost = asyncio.Event()
        self._statement: bytes | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def lose_commit_after(self, statement: bytes) -> None:
        """The next transaction that says this is committed, and its connection breaks before the answer."""
        self._statement = statement
        self.lost.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_database, to_database = await asyncio.open_unix_connection(self.socket)
        both, deaf = {writer, to_database}, asyncio.Event()
        self._writers |= both
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._questions(reader, to_database, deaf))
                group.create_task(self._answers(from_database, writer, deaf))
        except* ConnectionError:
            pass
        finally:
            for each in both:
                each.transport.abort()
            self._writers -= both
            if not self._writers:
                self._idle.set()

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await self._idle.wait()

    async def _questions(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        armed = False
        while data := await reader.read(65_536):
            armed = armed or (self._statement is not None and self._statement in data)
            if armed and b"COMMIT" in data:
                self._statement = None
                deaf.set()
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        while data := await reader.read(65_536):
            if deaf.is_set():
                self.lost.set()
                break
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def database_proxy(database_url: str) -> AsyncGenerator[DatabaseProxy]:
    proxy = DatabaseProxy(database_url)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy.url = make_conninfo(database_url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
