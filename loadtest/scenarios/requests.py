"""Requests as anybody makes them, and how long they take."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
from msgspec import Struct

from loadtest.process import WorldFailed

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


async def again_and_again(port: int, token: str, path: str, every: float, seconds: list[float]) -> None:
    """For ever; `seconds` is given how long each took."""
    while True:
        seconds.append(await request(port, token, "GET", path))
        await asyncio.sleep(every)


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
