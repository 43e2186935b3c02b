"""A real OpenAI-compatible server for tests, on a loopback port, in the test's own loop.

A reply is a list of steps: pieces of text, and what may happen between them.

    async with provider(lambda request: ["Two ", HOLD, "plus two."]) as it:
        ...                      # point OPENAI_BASE_URL or an OpenAITutor at it.base_url
        await it.held()          # "Two " has been sent, and the stream waits
        it.release()

`it.next([Refuse(429)])` answers one request otherwise, before the script has its turn again.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from itertools import chain
from typing import Any

from msgspec import Struct

from tests.canaries import CANARY, noted

LONGEST_WAIT = 10.0
"""A test that waits for what does not come fails after this many seconds."""


class Step(Enum):
    """HOLD: the stream waits for `release`. CUT: the connection breaks. END: the stream ends unfinished."""

    HOLD = auto()
    CUT = auto()
    END = auto()


HOLD, CUT, END = Step


class Refuse(Struct):
    """As the first step: an answer with this status instead of a stream."""

    status: int
    message: str = f"refused by the test, {CANARY}"


class Raw(Struct):
    """Bytes into the stream as they are."""

    data: bytes


class Finish(Struct):
    """As the last step: the reason of the end, if it is another than `stop`."""

    reason: str


Reply = Iterable[str | Step | Refuse | Raw | Finish]
Script = Callable[[dict[str, Any]], Reply]


STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)
JSON = "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"


class Provider:
    """What it was asked, and what became of its streams. `open` counts the replies being written now."""

    def __init__(self, script: Script, *, delay: float = 0.0, byte_by_byte: bool = False) -> None:
        self.base_url = ""
        self.delay = delay
        self.byte_by_byte = byte_by_byte
        self.model = "test-model"
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.asked_for_models = 0
        self.recordings: list[bytes] = []
        self.transcript: dict[str, Any] | Refuse = {"text": "What is pi?", "language": "english"}
        """What is heard in every recording."""
        self.open = 0
        self.disconnects = 0
        self._script = script
        self._next: deque[Reply] = deque()
        self._hold_after: int | None = None
        self._gates: list[asyncio.Event] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()

    def next(self, *replies: Reply) -> None:
        """The next requests get these, one each."""
        self._next.extend(replies)

    def hold_after(self, pieces: int | None) -> None:
        """Every reply from now on waits for `release` after this many steps; None: no longer."""
        self._hold_after = pieces

    def release(self) -> None:
        """Lets the streams go on that wait now."""
        for gate in self._gates:
            gate.set()
        self._gates.clear()

    async def held(self, count: int = 1) -> None:
        """Returns once this many streams wait."""
        await self.until(lambda: len(self._gates) >= count)

    async def disconnected(self, count: int = 1) -> None:
        """Returns once clients have left this many replies before their end."""
        await self.until(lambda: self.disconnects >= count)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONGEST_WAIT):
            while not condition():
                await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request; the connection ends with its answer."""
        self._writers.add(writer)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            writer.close()
            self._writers.discard(writer)
            self._tell()

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await self.until(lambda: not self._writers)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path, key, body = await request_of(reader)
        if path == "/v1/models":
            self.asked_for_models += 1
            await answer(writer, 200, {"object": "list", "data": [{"id": self.model}]})
        elif path == "/v1/audio/transcriptions":
            self.recordings.append(body["form"])
            self.keys.append(key)
            await self._hear(writer)
        elif path == "/v1/chat/completions":
            self.requests.append(body)
            self.keys.append(key)
            self._tell()
            await self._reply(reader, writer, body)
        else:
            await answer(writer, 404, {"error": {"message": f"no {path} here"}})

    async def _hear(self, writer: asyncio.StreamWriter) -> None:
        if isinstance(self.transcript, Refuse):
            await answer(writer, self.transcript.status, {"error": {"message": self.transcript.message}})
        else:
            await answer(writer, 200, self.transcript)

    async def _reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        steps = iter(self._next.popleft() if self._next else self._script(body))
        first = next(steps, Raw(b": nothing to say\n\n"))
        if isinstance(first, Refuse):
            return await answer(writer, first.status, {"error": {"message": first.message}})
        self.open += 1
        self._tell()
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._stream(writer, chain([first], steps)))
                watching = group.create_task(self._watch(reader, writing))
                await asyncio.wait([writing])
                watching.cancel()
        finally:
            self.open -= 1
            self._tell()

    async def _watch(self, reader: asyncio.StreamReader, writing: asyncio.Task[None]) -> None:
        """A client sends nothing after its request: whatever comes now is its end."""
        with suppress(ConnectionError):
            await reader.read()
        if writing.cancel():
            self.disconnects += 1

    async def _stream(self, writer: asyncio.StreamWriter, steps: Iterable[Any]) -> None:
        writer.write(STREAM)
        try:
            if reason := await self._play(writer, steps):
                await self._send(writer, ending(reason))
            if reason is not None:
                writer.write(b"0\r\n\r\n")
        except ConnectionError:
            self.disconnects += 1

    async def _play(self, writer: asyncio.StreamWriter, steps: Iterable[Any]) -> str | None:
        """The reason of the end; empty if there is to be none, None if the connection is cut."""
        reason = "stop"
        for count, step in enumerate(steps, 1):
            match step:
                case Step.HOLD:
                    await self._hold()
                case Step.CUT:
                    return writer.transport.abort()
                case Step.END:
                    return ""
                case Finish():
                    reason = step.reason
                case _:
                    noted(step)
                    await self._send(writer, step.data if isinstance(step, Raw) else piece(step))
            if count == self._hold_after:
                await self._hold()
        return reason

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size = 1 if self.byte_by_byte else len(data)
        for start in range(0, len(data), size):
            part = data[start : start + size]
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)
        await asyncio.sleep(self.delay)

    async def _hold(self) -> None:
        gate = asyncio.Event()
        self._gates.append(gate)
        self._tell()
        try:
            await gate.wait()
        finally:
            if gate in self._gates:
                self._gates.remove(gate)


@asynccontextmanager
async def provider(script: Script | list[Any], **options: Any) -> AsyncGenerator[Provider]:
    """Listens while the block runs. A list is the script of every reply. Options: `delay`, seconds after each piece;
    `byte_by_byte`, so that characters and lines arrive in parts.
    """
    it = Provider(script if callable(script) else lambda _: script, **options)
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        try:
            yield it
        finally:
            server.close()
            await it.close()


def said(request: dict[str, Any]) -> str:
    """The learner's last message in a request."""
    return next(message["content"] for message in reversed(request["messages"]) if message["role"] == "user")


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"


def fails(message: str = "the test broke off") -> Raw:
    """An error object in the stream."""
    return Raw(event(error={"message": message, "type": "server_error"}))


def piece(text: str) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": None}])


def ending(reason: str) -> bytes:
    finish = event(choices=[{"index": 0, "delta": {}, "finish_reason": reason}])
    usage = event(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
    return finish + usage + b"data: [DONE]\n\n"


async def request_of(reader: asyncio.StreamReader) -> tuple[str, str | None, dict[str, Any]]:
    """Path, key and JSON body; a form as it is, as `form`."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    is_form = headers.get("content-type", "").startswith("multipart/form-data")
    return head[0].split()[1], headers.get("authorization"), {"form": body} if is_form else json.loads(body or b"{}")


async def answer(writer: asyncio.StreamWriter, status: int, body: object) -> None:
    data = json.dumps(body).encode()
    writer.write(JSON.format(status, len(data)).encode() + data)
    await writer.drain()
