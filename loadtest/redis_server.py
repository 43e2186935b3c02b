"""A real Redis (or Valkey) of the proof's own, on a unix socket, with nothing saved to disk."""

import asyncio
import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from loadtest import programs
from loadtest.process import Process, WorldFailed
from loadtest.resp import Redis, RedisRefused

STARTS_WITHIN = 20.0


class RedisServer:
    """Forgets everything when it is restarted."""

    def __init__(self, folder: Path, password: str) -> None:
        self.socket = folder / "redis.sock"
        self._password = password
        command = [
            programs.redis(),
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        command += ["--requirepass", password, "--dir", str(folder), "--logfile", str(folder / "redis.log")]
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
            async with self.connected() as redis:
                return bool(await redis.ask("PING"))
        except (OSError, EOFError, RedisRefused):
            return False

    def connected(self) -> AbstractAsyncContextManager[Redis]:
        """A connection around the proxies."""
        return Redis.connected(self.socket, self._password)
