"""The fake tutor: a real OpenAI-compatible server on loopback, whose words are `words.answer`, with faults on demand.

It knows which instance asks, by the first part of the path: `tutor.url_for("a")` is for instance `a`. It goes on from
a beginning that it is given (prefill), counts what it is asked (that is what a provider would bill), and keeps what it
has meddled with: a reply to one of those may end as failed or cut short, a reply to any other may not.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from loadtest import words
from loadtest.mood import BEFORE_A_WORD, REFUSALS, Mood
from loadtest.sockets import reset_end

MODEL = "the-fake-tutor"
SLOW = 1.0
"""Seconds between two pieces of a slow reply."""
CUT_CHANCE = 0.05
"""That a reply breaks off at a piece, while replies do."""
HUGE_PIECE = "huge " * 200_000
ENDLESS_PIECE = "and so on " * 100
GARBAGE = (b"data: {not json\n\n", b": a comment\n\n", b"event: odd\ndata: [1, 2]\n\n", b"\xff\xfe\n\n", b"data:\n\n")


class Said(Struct):
    """A message of a prompt."""

    role: str
    content: str


class Prompt(Struct):
    """The body of a request for a chat completion, as far as this tutor reads it."""

    messages: list[Said]

    @property
    def asked(self) -> str:
        """What the learner said last."""
        return words.question(next((said.content for said in reversed(self.messages) if said.role == "user"), ""))

    @property
    def beginning(self) -> str:
        """What of the reply is there already."""
        return self.messages[-1].content if self.messages[-1].role == "assistant" else ""


class Tutor:
    """Made by `tutor`. `pace`: the fewest and the most pieces per second of a reply."""

    def __init__(self, seed: int, pace: tuple[float, float]) -> None:
        self.port = 0
        self.bills: Counter[str] = Counter()
        """How often each message was asked."""
        self.findings: list[str] = []
        """What a hub said that no hub should say."""
        self.writing: Counter[str] = Counter()
        """How many replies each instance is being told now."""
        self._seed = seed
        self._pace = pace
        self._chance = Random(seed)
        self._moods: list[Mood] = []
        self._changed = asyncio.Event()
        self._spoiled: set[str] = set()
        self._tails: dict[str, str] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    def url_for(self, instance: str) -> str:
        return f"http://127.0.0.1:{self.port}/{instance}/v1"

    def whole(self, content: str) -> str:
        """The whole reply to a message; longer than planned if it was endless or huge."""
        asked = words.question(content)
        return words.answer(self._seed, asked) + self._tails.get(asked, "")

    def has_spoiled(self, content: str) -> bool:
        """Whether the reply to this message may have failed, or be cut short, through this tutor."""
        return words.question(content) in self._spoiled

    @contextmanager
    def mood(self, mood: Mood) -> Generator[None]:
        """While the block runs, it is so, for new requests and those under way. Of two at once, the later one."""
        self._moods.append(mood)
        self._tell()
        try:
            yield
        finally:
            self._moods.remove(mood)
            self._tell()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._all_gone.clear()
        try:
            await self._answer(reader, writer)
        except (OSError, EOFError):
            pass
        except (ValueError, msgspec.MsgspecError) as error:
            self.findings.append(f"a hub sent the tutor a request that cannot be read: {error}")
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            if not self._writers:
                self._all_gone.set()

    async def close(self) -> None:
        self._moods.clear()
        self._tell()
        for writer in self._writers:
            writer.transport.abort()
        await self._all_gone.wait()

    @property
    def _mood(self) -> Mood:
        return self._moods[-1] if self._moods else Mood.WELL

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path, body = await _request(reader)
        instance = path.split("/")[1]
        if path.endswith("/models"):
            return await _refuse(writer, 200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        prompt = msgspec.json.decode(body, type=Prompt)
        self.bills[prompt.asked] += 1
        self.writing[instance] += 1
        try:
            async with asyncio.TaskGroup() as group:
                leaving = group.create_task(_left(reader, writer))
                with suppress(OSError):
                    await self._complete(writer, prompt)
                leaving.cancel()
        finally:
            self.writing[instance] -= 1
        return None

    async def _complete(self, writer: asyncio.StreamWriter, prompt: Prompt) -> None:
        asked, mood = prompt.asked, self._mood
        if mood in BEFORE_A_WORD:
            self._spoiled.add(asked)
        if mood is Mood.REFUSE:
            return reset_end(writer)
        if mood in REFUSALS:
            return await _refuse(writer, REFUSALS[mood], {"error": {"message": "not now", "type": "busy"}})
        while self._mood is Mood.LATE and not writer.is_closing():
            await self._changed.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        if mood is not Mood.EMPTY:
            await self._say(writer, prompt)
        writer.write(_event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]) + b"data: [DONE]\n\n")
        await writer.drain()
        writer.close()
        return await writer.wait_closed()

    async def _say(self, writer: asyncio.StreamWriter, prompt: Prompt) -> None:
        whole, beginning = self.whole(prompt.asked), prompt.beginning
        if not whole.startswith(beginning):
            self.findings.append(f"a hub gave a beginning that is none of the reply to {prompt.asked!r}: {beginning!r}")
            writer.write(_event(error={"message": "this is not how the reply begins", "type": "invalid_request"}))
            return
        planned = len(words.answer(self._seed, prompt.asked))
        wait = 1 / self._chance.uniform(*self._pace)
        for piece in words.pieces(self._seed, whole[len(beginning) : planned]):
            await self._piece(writer, prompt.asked, piece)
            await asyncio.sleep(SLOW if self._mood is Mood.SLOW else wait)
        if tail := whole[max(planned, len(beginning)) :]:  # said before, and asked for again
            await _send(writer, _piece(tail))
        if self._mood is Mood.HUGE:
            await self._go_on(writer, prompt.asked, HUGE_PIECE)
        while self._mood is Mood.ENDLESS:
            await self._go_on(writer, prompt.asked, ENDLESS_PIECE)
            await asyncio.sleep(wait)

    async def _go_on(self, writer: asyncio.StreamWriter, asked: str, text: str) -> None:
        self._spoiled.add(asked)
        self._tails[asked] = self._tails.get(asked, "") + text
        await _send(writer, _piece(text))

    async def _piece(self, writer: asyncio.StreamWriter, asked: str, text: str) -> None:
        while self._mood is Mood.SILENT and not writer.is_closing():
            self._spoiled.add(asked)
            await self._changed.wait()
        if self._mood is Mood.CUT and self._chance.random() < CUT_CHANCE:
            self._spoiled.add(asked)
            reset_end(writer)
        if self._mood is Mood.MALFORMED:
            writer.write(self._chance.choice(GARBAGE))
        await _send(writer, _piece(text), byte_by_byte=self._mood is Mood.SPLIT)


@asynccontextmanager
async def tutor(seed: int, pace: tuple[float, float] = (20, 60)) -> AsyncGenerator[Tutor]:
    """Listens on a loopback port while the block runs."""
    it = Tutor(seed, pace)
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        await it.close()


async def _left(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Whoever asked has gone: what is still being said to them ends with it."""
    with suppress(OSError):
        await reader.read()
    writer.transport.abort()


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Path and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    sizes = [int(line.partition(":")[2]) for line in head if line.startswith("content-length:")]
    return head[0].split()[1], await reader.readexactly(sum(sizes))


async def _refuse(writer: asyncio.StreamWriter, status: int, body: object) -> None:
    """An answer that is no stream."""
    data = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} So\r\nRetry-After: 1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    )
    await _send(writer, f"{head}Connection: close\r\n\r\n".encode() + data)
    writer.close()
    await writer.wait_closed()


async def _send(writer: asyncio.StreamWriter, data: bytes, *, byte_by_byte: bool = False) -> None:
    size = 1 if byte_by_byte else len(data)
    for start in range(0, len(data), size):
        writer.write(data[start : start + size])
        await writer.drain()
        if byte_by_byte:
            await asyncio.sleep(0)
    if writer.is_closing():
        raise ConnectionResetError


def _piece(text: str) -> bytes:
    return _event(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": None}])


def _event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"
