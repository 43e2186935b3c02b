"""A client of Redis in a few lines, so that the proof can say what no library would."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from loadtest.process import WorldFailed

DEADLINE = 5.0
"""Seconds for one answer."""


class RedisRefused(WorldFailed):
    """What Redis said against a command."""


class Redis:
    """One connection. An answer is bytes, an int, None or a list of those."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def connected(cls, path: Path, password: str) -> AsyncGenerator[Self]:
        """Over a unix socket. Raises OSError."""
        async with cls._over(*await asyncio.open_unix_connection(path)) as connection:
            await connection.ask("AUTH", password)
            yield connection

    @classmethod
    @asynccontextmanager
    async def at(cls, port: int) -> AsyncGenerator[Self]:
        """Over TCP, to one of this machine without a password. Raises OSError."""
        async with cls._over(*await asyncio.open_connection("127.0.0.1", port)) as connection:
            yield connection

    @classmethod
    @asynccontextmanager
    async def _over(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncGenerator[Self]:
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    async def ask(self, *words: str | bytes | int) -> Any:
        """The answer to a command. Raises RedisRefused, OSError, EOFError, TimeoutError."""
        self.say(*words)
        return await self.hear()

    def say(self, *words: str | bytes | int) -> None:
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._writer.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts))

    async def hear(self, within: float = DEADLINE) -> Any:
        """The next answer, or what comes of a subscription."""
        async with asyncio.timeout(within):
            return await self._read()

    async def _read(self) -> Any:
        line = (await self._reader.readuntil(b"\r\n"))[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise RedisRefused(rest.decode())
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        size = int(rest)
        if size < 0:
            return None
        if kind == b"$":
            return (await self._reader.readexactly(size + 2))[:-2]
        return [await self._read() for _ in range(size)]
