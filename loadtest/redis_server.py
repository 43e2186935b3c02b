"""A real Redis (or Valkey) of the proof's own, on a unix socket, with nothing saved to disk.

redis_cluster.py makes a cluster of them.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from loadtest import programs
from loadtest.process import Process, WorldFailed
from loadtest.resp import Redis, RedisRefused

STARTS_WITHIN = 20.0


class RedisServer:
    """Forgets everything when it is restarted. `options` are as in redis.conf; without a port it listens on none."""

    def __init__(self, folder: Path, password: str, *options: str, port: int = 0) -> None:
        self.socket = folder / "redis.sock"
        self.port = port
        self.password = password
        command = [programs.redis(), "--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket)]
        command += ["--save", "", "--appendonly", "no", "--requirepass", password, *options]
        command += ["--dir", str(folder), "--logfile", str(folder / "redis.log")]
        self.process = Process(command, folder / "redis.stderr", {"PATH": os.environ.get("PATH", os.defpath)})

    async def start(self) -> None:
        """Returns once it answers."""
        self.socket.unlink(missing_ok=True)
        await self.process.start()
        async with asyncio.timeout(STARTS_WITHIN):
            while not await self.answers():
                if not self.process.runs:
                    raise WorldFailed(f"Redis does not start: {self.process.last_words()}")
                await asyncio.sleep(0.02)

    async def answers(self) -> bool:
        try:
            return bool(await self.ask("PING"))
        except (OSError, EOFError, RedisRefused):
            return False

    async def ask(self, *words: str | bytes | int) -> Any:
        """The answer to a command. Raises RedisRefused, OSError, EOFError, TimeoutError."""
        async with self.connected() as redis:
            return await redis.ask(*words)

    def connected(self) -> AbstractAsyncContextManager[Redis]:
        """A connection around the proxies."""
        return Redis.connected(self.socket, self.password)


@asynccontextmanager
async def redis_server(folder: Path, password: str) -> AsyncGenerator[RedisServer]:
    """Started, and ended with the block. Raises WorldFailed."""
    server = RedisServer(folder, password)
    try:
        await server.start()
        yield server
    finally:
        await server.process.kill()
