"""Requests as anybody makes them, and how long they take."""

import asyncio

import msgspec

from loadtest.process import WorldFailed

OK = range(200, 300)


async def request(port: int, token: str, method: str, path: str, body: object = None) -> float:
    """Seconds that it took. Raises WorldFailed if it was not done."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    data = b"" if body is None else msgspec.json.encode(body)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        answer = await reader.read()
    finally:
        writer.transport.abort()
    if not answer or int(answer.split(maxsplit=2)[1]) not in OK:
        raise WorldFailed(f"{method} {path} was answered {answer[:200]!r}")
    return loop.time() - began


async def again_and_again(port: int, token: str, path: str, every: float, seconds: list[float]) -> None:
    """For ever; `seconds` is given how long each took."""
    while True:
        seconds.append(await request(port, token, "GET", path))
        await asyncio.sleep(every)
