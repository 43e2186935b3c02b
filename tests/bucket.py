"""A real S3-compatible server for tests, as a process of its own that checks signatures, and can be killed."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

KEY, SECRET = "test-key", "a secret of the bucket's that only tests know"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
STARTS_WITHIN = 20.0


class BucketServer(Struct):
    """`folder` is where it keeps what is in the bucket named `media`."""

    endpoint: str
    folder: Path
    process: asyncio.subprocess.Process

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def bucket_server(folder: Path) -> AsyncGenerator[BucketServer]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "media").mkdir(parents=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "nanio", "serve", "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder)),
        env=os.environ | {"NANIO_ACCESS_KEY": KEY, "NANIO_SECRET_KEY": SECRET},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    server = BucketServer(f"http://127.0.0.1:{port}", folder / "media", process)
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            while not await _answers(port):
                await asyncio.sleep(0.05)
        yield server
    finally:
        await server.kill()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
