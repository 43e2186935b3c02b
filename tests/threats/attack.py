"""Ways to attack, and their outcome in a few words: "HTTP 403 forbidden", "refused 422 invalid", "closed 1009".

What is refused and not closed stays open, and is asked whether it does. In what is said, `<my session>`,
`<my message>`, `<my reply>`, the same of `<other …>`, and `<fresh>` stand for ids.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from msgspec import Struct
from websockets.exceptions import ConnectionClosed

from tests.edge.sockets import Rude, last_close_code
from tests.hostile import Answer, Speaker, _parsed, _to_the_end, complaint, http, silent
from tests.threats.ground import Attacked

PATIENCE = 20.0
Attack = Callable[[Attacked], Awaitable[str]]
HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


class Case(Struct, frozen=True):
    """A line of the table: the number of the threat, what is done, how, and what comes of it."""

    row: int
    what: str
    attack: Attack
    answer: str


def filled(text: str, ground: Attacked) -> str:
    for whose, owned in (("my", ground.mine), ("other", ground.others)):
        for kind in ("session", "message", "reply"):
            text = text.replace(f"<{whose} {kind}>", getattr(owned, kind))
    return text.replace("<fresh>", str(uuid4()))


# Requests.


def outcome(answer: Answer) -> str:
    """A status, and the code of the problem object, which must be a whole one."""
    if answer.status < 400 or answer.headers.get("content-type") != "application/problem+json":
        return f"HTTP {answer.status}"
    assert answer.complaint() is None, answer
    return f"HTTP {answer.status} {answer.json['code']}"


def asks(method: str, path: str, body: Any = None, **headers: str) -> Attack:
    """A request of mallory's. A body that is no bytes is said as JSON; `_` in a header's name stands for `-`."""

    async def attack(ground: Attacked) -> str:
        data = body if body is None or isinstance(body, bytes) else filled(json.dumps(body), ground).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return outcome(
            await http(ground.hub, method, filled(path, ground), ground.hub.headers("mallory") | named, data)
        )

    return attack


def signs_in_with(token: str) -> Attack:
    """By REST and by hello, which say the same."""

    async def attack(ground: Attacked) -> str:
        answer = await http(ground.hub, "GET", "/api/sessions", {"Authorization": f"Bearer {token}"})
        challenge = answer.headers.get("www-authenticate", "")
        by_rest = outcome(answer) + (" with a challenge" if challenge == 'Bearer error="invalid_token"' else "")
        hello = {"type": "hello", "ref": 1, "device": {"id": "d", "name": "d"}, "token": token}
        return f"{by_rest}; {await says_first(json.dumps(hello))(ground)}"

    return attack


def writes(*pieces: bytes, pause: float = 0.0) -> Attack:
    """Bytes as they are; the outcome is the status of the answer, if there is one before the end."""

    async def attack(ground: Attacked) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", ground.hub.port)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            writing = group.create_task(_write(writer, pieces, pause))
            received = await _to_the_end(reader)
            writing.cancel()
        writer.transport.abort()
        assert received.count(b"HTTP/1.1 ") <= 1, "what follows is not answered"
        return outcome(_parsed(received)) if received else "cut off"

    return attack


async def _write(writer: asyncio.StreamWriter, pieces: tuple[bytes, ...], pause: float) -> None:
    with suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)


def upgrades(path: str = "/ws", *headers: str) -> Attack:
    """To a websocket; "HTTP 101" is the way in, "packed" if frames may be compressed."""

    async def attack(ground: Attacked) -> str:
        lines = (f"GET {filled(path, ground)} HTTP/1.1", f"Host: 127.0.0.1:{ground.hub.port}", *HANDSHAKE, *headers)
        reader, writer = await asyncio.open_connection("127.0.0.1", ground.hub.port)
        async with asyncio.timeout(PATIENCE):
            writer.write("\r\n".join((*lines, "", "")).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            rest = b"" if head.startswith(b"HTTP/1.1 101") else await _to_the_end(reader)
        writer.transport.abort()
        answer = _parsed(head + rest)
        return outcome(answer) + (", packed" if "sec-websocket-extensions" in answer.headers else "")

    return attack


# Frames.


def says(*frames: str | bytes, user: str = "mallory", **fields: Any) -> Attack:
    """After a good hello. The outcome is what is answered to the last frame."""

    async def attack(ground: Attacked) -> str:
        async with silent(ground.hub, user) as speaker:
            await speaker.hello()
            return await _says(ground, speaker, [*frames, *([json.dumps({"ref": 1} | fields)] if fields else [])])

    return attack


def says_first(*frames: str | bytes) -> Attack:
    """Without a hello."""

    async def attack(ground: Attacked) -> str:
        async with silent(ground.hub) as speaker:
            return await _says(ground, speaker, list(frames))

    return attack


async def _says(ground: Attacked, speaker: Speaker, frames: list[str | bytes]) -> str:
    answers = [await speaker.ask(filled(each, ground) if isinstance(each, str) else each) for each in frames]
    last = answers[-1] if answers else await speaker.next()
    if last["type"] == "closed":
        return f"closed {last['code']}"
    if last["type"] == "refused":
        assert complaint(last) is None, last
    words = f"refused {last['status']} {last['code']}" if last["type"] == "refused" else last["type"]
    then = await speaker.ask(type="ping")
    return words if then["type"] == "pong" else f"{words}, closed {then['code']}"


def sends(data: bytes, times: int = 1) -> Attack:
    """Bytes of frames as they are, right after the upgrade. The outcome is the code of the close."""

    async def attack(ground: Attacked) -> str:
        async with Rude(ground.hub) as rude:
            await rude.upgrade("/ws")
            with suppress(ConnectionError):
                for _ in range(times):
                    rude.writer.write(data)
                    await rude.writer.drain()
            code = last_close_code(await rude.everything())
            return "cut off" if code is None else f"closed {code}"

    return attack


def floods(frame: str, times: int) -> Attack:
    """The same command over and over, without waiting for an answer, after a good hello."""

    async def attack(ground: Attacked) -> str:
        async with silent(ground.hub) as speaker:
            await speaker.hello()
            with suppress(ConnectionClosed):
                for _ in range(times):
                    await speaker.say(filled(frame, ground))
            while (last := await speaker.next())["type"] != "closed":
                pass
            return f"closed {last['code']}"

    return attack
