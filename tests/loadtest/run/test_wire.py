"""What a device of the generator hears of a socket, whatever the pieces in which it comes. The server is a bare one."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.frames import Frame, Opcode

from client.connection import LARGEST_EVENT, SUBPROTOCOL
from loadtest.run.frames import frame_at
from loadtest.run.wire import Address, Refusal, Wire, opened

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def sent(opcode: Opcode, body: bytes, *, fin: bool = True, mask: bool = False) -> bytes:
    return Frame(opcode, body, fin).serialize(mask=mask)


TEXTS = [b"a", "zwölf".encode(), b"b" * 125, b"c" * 126, b"d" * 70_000, b"", b"in parts", b"e"]
STREAM = b"".join(
    [
        *(sent(Opcode.TEXT, text) for text in TEXTS[:3]),
        sent(Opcode.PING, b"there?"),
        *(sent(Opcode.TEXT, text) for text in TEXTS[3:6]),
        sent(Opcode.TEXT, b"in ", fin=False),
        sent(Opcode.PING, b"still?"),
        sent(Opcode.CONT, b"par", fin=False),
        sent(Opcode.CONT, b"ts"),
        sent(Opcode.TEXT, TEXTS[-1]),
    ]
)


async def accepted(reader: asyncio.StreamReader) -> bytes:
    """The answer to a handshake."""
    head = await reader.readuntil(b"\r\n\r\n")
    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\nSec-WebSocket-Protocol: " + SUBPROTOCOL.encode() + b"\r\n\r\n"
    )


@asynccontextmanager
async def server(serve: Serve) -> AsyncGenerator[Address]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
            await writer.drain()
            await reader.read()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(once, "127.0.0.1", 0) as listening:
        yield Address.of(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")


async def heard(address: Address, count: int) -> tuple[Wire, list[bytes]]:
    """So many texts."""
    texts: list[bytes] = []
    enough = asyncio.Event()

    def hear(data: bytes, _at: float) -> None:
        texts.append(data)
        if len(texts) >= count:
            enough.set()

    wire = await opened(address, hear)
    async with asyncio.timeout(10):
        await enough.wait()
    return wire, texts


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set each time that a device has read a piece of what was sent."""
    happened, receive = asyncio.Event(), Wire.data_received

    def received(wire: Wire, data: bytes) -> None:
        receive(wire, data)
        happened.set()

    monkeypatch.setattr(Wire, "data_received", received)
    return happened


@pytest.mark.parametrize("cut", [-3, -1, 0, 1, 2, 3, 6, 135, 270, 272, 275, 500, 50_000])
async def test_frames_are_heard_wherever_they_are_cut(cut: int, read: asyncio.Event) -> None:
    """Where: counted from the end of the answer to the handshake."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await accepted(reader)
        all_of_it = head + STREAM
        writer.write(all_of_it[: len(head) + cut])
        await read.wait()
        writer.write(all_of_it[len(head) + cut :])

    async with server(serve) as address:
        wire, texts = await heard(address, len(TEXTS))
        wire.cut()
    assert texts == TEXTS


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.PING])
def test_a_frame_is_none_until_it_is_whole(opcode: Opcode) -> None:
    for body in (b"", b"a", b"b" * 125) + ((b"c" * 126, b"d" * 70_000) if opcode is Opcode.TEXT else ()):
        data = b"?" + sent(opcode, body)
        assert all(frame_at(data[:end], 1) is None for end in range(min(len(data), 200)))
        assert frame_at(data[:-1], 1) is None
        assert frame_at(data, 1) == (opcode is Opcode.TEXT, len(data) - len(body), len(data))
        assert frame_at(data + b"more", 1) == (opcode is Opcode.TEXT, len(data) - len(body), len(data))


@pytest.mark.parametrize(
    "wrong",
    [
        sent(Opcode.TEXT, b"masked", mask=True),
        b"\x81\x7f" + (LARGEST_EVENT + 1).to_bytes(8),
        b"\xf1\x01a",
        sent(Opcode.CONT, b"of nothing"),
    ],
    ids=["masked", "too long", "reserved bits", "continues nothing"],
)
async def test_what_no_server_may_send_ends_it_and_is_not_heard(wrong: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accepted(reader) + sent(Opcode.TEXT, b"first") + wrong + sent(Opcode.TEXT, b"last"))

    async with server(serve) as address:
        wire, texts = await heard(address, 1)
        async with asyncio.timeout(10):
            await wire.ended
    assert texts == [b"first"]


async def test_a_refusal_is_read_whole(subtests: pytest.Subtests, read: asyncio.Event) -> None:
    """Also one whose body looks like the end of a head, or like a frame, and comes late."""
    for body in (b"no", b"\x81\x05\r\n\r\n\x81", b"\x81\x7e\xff"):
        answer = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: %d\r\n\r\n" % len(body)

        async def serve(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes = answer + body
        ) -> None:
            await accepted(reader)
            read.clear()
            writer.write(answer[:-2])
            await read.wait()
            writer.write(answer[-2:])

        with subtests.test(body=body):
            async with server(serve) as address:
                with pytest.raises(Refusal, match="it answers 503 Service Unavailable") as refused:
                    await opened(address, lambda _data, _at: None)
            assert (refused.value.status, refused.value.retry_after) == (503, 7.0)
