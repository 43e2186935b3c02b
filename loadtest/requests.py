"""Requests as anybody makes them, and how long they take.

    python -m loadtest.requests PORT TOKEN PATH EVERY

asks again and again, and says of each how many seconds it took: in a process of its own, where no crowd takes its time.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from loadtest.process import Process, WorldFailed

OK = range(200, 300)


class Answered(Struct, frozen=True):
    """What a request came to; `seconds` that it took."""

    status: int
    body: bytes
    seconds: float


async def ask(port: int, token: str, method: str, path: str, body: object = None) -> Answered:
    """Whatever is answered. Raises OSError or EOFError if nothing is."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with _said(port, token, method, path, body) as reader:
        head = await reader.readuntil(b"\r\n\r\n")
        rest = await reader.read()
    return Answered(int(head.split(maxsplit=2)[1]), rest, loop.time() - began)


async def request(port: int, token: str, method: str, path: str, body: object = None) -> float:
    """Seconds that it took. Raises WorldFailed if it was not done."""
    answered = await ask(port, token, method, path, body)
    if answered.status not in OK:
        raise WorldFailed(f"{method} {path} was answered {answered.status} {answered.body[:200]!r}")
    return answered.seconds


async def leave_unanswered(port: int, token: str, method: str, path: str, body: object, *, after: float) -> None:
    """It is said, and whoever said it is gone after so many seconds: nobody hears the answer."""
    async with _said(port, token, method, path, body):
        await asyncio.sleep(after)


@asynccontextmanager
async def asked_again_and_again(
    port: int, token: str, path: str, *, every: float, log: Path
) -> AsyncGenerator[list[float]]:
    """While the block runs, somebody asks in a process of their own. How many seconds each request took, so far."""
    command = [sys.executable, "-m", __name__, str(port), token, path, str(every)]
    process, seconds = Process(command, log, os.environ), list[float]()

    async def listen(said: asyncio.StreamReader) -> None:
        async for line in said:
            seconds.append(float(line))

    try:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(listen(await process.start()))
            yield seconds
            listening.cancel()
        if not process.runs:
            raise WorldFailed(f"a request was not answered: {process.last_words()}")
    finally:
        await process.kill()


@asynccontextmanager
async def _said(port: int, token: str, method: str, path: str, body: object) -> AsyncGenerator[asyncio.StreamReader]:
    data = b"" if body is None else msgspec.json.encode(body)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        yield reader
    finally:
        writer.transport.abort()


async def _ask_on(port: int, token: str, path: str, *, every: float) -> None:
    while True:
        print(await request(port, token, "GET", path), flush=True)
        await asyncio.sleep(every)


if __name__ == "__main__":
    asyncio.run(_ask_on(int(sys.argv[1]), *sys.argv[2:4], every=float(sys.argv[4])))
