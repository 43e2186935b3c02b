"""A proxy in front of a test's PostgreSQL.

It counts what is asked; it can lose the answer to one COMMIT, so that it was done and nobody was told; and it can be
a black hole, which takes everything and answers nothing.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo


class DatabaseProxy:
    """`url` leads through it. `statements` is how many were asked for, `lose_commit_after` arms it for one transaction.

    `bytes_per_second` is how fast answers get through, of all connections together.
    While `hole` is set nothing gets through, in either direction; what was said meanwhile is lost.
    """

    def __init__(self, database_url: str) -> None:
        where = conninfo_to_dict(database_url)
        self.socket = Path(str(where["host"])) / f".s.PGSQL.{where.get('port') or 5432}"
        if not self.socket.exists():
            pytest.skip("needs a PostgreSQL on a local socket, as the tests' own is")
        self.url = ""
        self.lost = asyncio.Event()
        self.hole = False
        self.statements = 0
        self.bytes_per_second = float("inf")
        self._free_at = 0.0
        self._statement: bytes | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def lose_commit_after(self, statement: bytes) -> None:
        """The next transaction that says this, or is only this, is committed, and breaks off before the answer."""
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
        armed, open_, counting = False, False, _Counting()
        while data := await reader.read(65_536):
            self.statements += counting.statements_in(data)
            if self.hole:
                continue
            armed = armed or (self._statement is not None and self._statement in data)
            open_ = open_ or b"BEGIN" in data
            if armed and (b"COMMIT" in data or not open_):
                self._statement = None
                deaf.set()
            open_ = open_ and b"COMMIT" not in data and b"ROLLBACK" not in data
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        while data := await reader.read(65_536):
            if deaf.is_set():
                self.lost.set()
                break
            if self.hole:
                continue
            now = asyncio.get_running_loop().time()
            self._free_at = max(now, self._free_at) + len(data) / self.bytes_per_second
            if self._free_at > now:
                await asyncio.sleep(self._free_at - now)
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


class _Counting:
    """Finds the statements in what one connection asks: the messages Execute and Query of PostgreSQL's protocol."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    def statements_in(self, data: bytes) -> int:
        found, self._rest = 0, self._rest + data
        while len(self._rest) > (kind := 1 if self._begun else 0) + 4:  # the first message has no kind
            end = kind + int.from_bytes(self._rest[kind : kind + 4])
            if len(self._rest) < end:
                break
            found += self._begun and self._rest[:1] in (b"E", b"Q")
            self._rest, self._begun = self._rest[end:], True
        return found


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
