"""Tests of what the name says. Long because each manner of a socket is shown plain and over TLS, in one place."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from server.edge import kernel
from server.edge.kernel import bytes_acknowledged
from server.edge.soon import AT_MOST
from server.edge.wire import SOON, WRITE_BUFFER, Wire
from tests.edge.sockets import BOTH_LOOPS, PATIENCE, Rude, Running, Socket, running, text_frame

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

LOOPS = BOTH_LOOPS
BIG = text_frame(b"z" * 60_000)


class Impatient(Wire):
    STALL = 0.4
    CLOSING = 0.4
    LAST_WORD = 0.15


@pytest.fixture(params=["plain", "tls"])
async def hub(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(wire=Impatient, folder=tmp_path if request.param == "tls" else None) as hub:
        yield hub


@pytest.fixture
async def plain() -> AsyncIterator[Running]:
    async with running(wire=Impatient) as hub:
        yield hub


def client(hub: Running, **options: object) -> connect:
    return connect(hub.url, ssl=hub.trust, proxy=None, **options)  # type: ignore[arg-type]


def fill(socket: Socket) -> int:
    """Write until the socket takes no more, and say how many frames it took."""
    written = 0
    while socket.wire.writable and written < 2_000:
        socket.wire.write(BIG)
        written += 1
    return written


async def full(socket: Socket) -> int:
    """Write until the socket has taken nothing for a while: till then its buffers, and its peer's, may still grow."""
    written, still = 0, 0
    while still < 5:
        more = fill(socket)
        written, still = written + more, 0 if more else still + 1
        await asyncio.sleep(0.02)
    return written


async def stuck(socket: Socket) -> None:
    """Full, and filled again whenever there is room, as an outbox does."""

    def refill() -> None:
        fill(socket)

    socket.wire.on_writable = refill
    await full(socket)


@asynccontextmanager
async def stuck_peer(hub: Running, **options: Any) -> AsyncGenerator[tuple[Rude, Socket]]:
    """A peer that reads nothing, and what the server holds of it."""
    async with Rude(hub, **options) as rude:
        await rude.upgrade()
        socket = await hub.next_socket()
        await stuck(socket)
        yield rude, socket


async def writable(socket: Socket) -> None:
    """The answer to the handshake may still be on its way."""
    async with asyncio.timeout(PATIENCE):
        while not socket.wire.writable:
            await asyncio.sleep(0.001)


async def taken(ws: ClientConnection, frames: int) -> None:
    async with asyncio.timeout(10):
        for _ in range(frames):
            await ws.recv()


# manners


async def test_ready_made_frames_arrive_in_order(hub: Running) -> None:
    async with client(hub) as ws:
        socket = await hub.next_socket()
        await writable(socket)
        socket.wire.write(text_frame(b"one") + text_frame(b"two"))
        socket.wire.write(text_frame(b"three"))
        assert [await ws.recv() for _ in range(3)] == ["one", "two", "three"]


async def test_frames_that_are_soon_to_be_written_arrive_in_order_with_those_of_now(hub: Running) -> None:
    async with client(hub) as ws:
        socket = await hub.next_socket()
        await writable(socket)
        for turn in range(3):
            socket.wire.write_soon(text_frame(b"one %d" % turn))
            socket.wire.write(text_frame(b"two %d" % turn))
            socket.wire.write_soon(text_frame(b"three %d" % turn))
            assert [await ws.recv() for _ in range(3)] == [f"one {turn}", f"two {turn}", f"three {turn}"]
        large = [text_frame(b"%d" % number * 5_000) for number in range(1_000)]
        written = [frame for frame in large if socket.wire.writable and not socket.wire.write_soon(frame)]
        assert 0 < len(written) < 1_000, "it is bounded within a turn, too"
        got = [await ws.recv() for _ in written]
        assert [text_frame(str(text).encode()) for text in got] == written


async def test_what_waits_is_overtaken_by_nothing(hub: Running) -> None:
    """The system takes a part of a frame; the rest goes by the transport, and so does the pong that comes meanwhile."""
    async with Rude(hub) as rude:
        await rude.upgrade()
        socket = await hub.next_socket()
        await writable(socket)
        said = b""
        for number in range(2_000):
            if not socket.wire.writable:
                break
            frame = text_frame(f"{number:06}".encode() * 8_000)
            socket.wire.write(frame)
            said += frame
        assert not socket.wire.writable
        socket.wire.write(text_frame(b"not now"))
        rude.say(Opcode.PING, b"a")
        rude.say(Opcode.PING, b"b")
        async with asyncio.timeout(PATIENCE):
            assert await rude.reader.readexactly(len(said)) == said
            assert await rude.reader.readexactly(3) == b"\x8a\x01b", "the last ping is answered"


async def test_after_the_servers_close_nothing_may_be_written_and_the_handshake_completes(hub: Running) -> None:
    async with client(hub) as ws:
        socket = await hub.next_socket()
        socket.wire.close(4000)
        assert not socket.wire.writable
        with pytest.raises(ConnectionClosed) as closed:
            await ws.recv()
        assert closed.value.rcvd is not None
        assert closed.value.sent is not None
        assert (closed.value.rcvd.code, closed.value.sent.code) == (4000, 4000)
    await hub.gone()


async def test_after_the_clients_close_nothing_may_be_written(hub: Running) -> None:
    async with client(hub):
        socket = await hub.next_socket()
    await socket.gone.wait()
    assert (socket.wire.writable, socket.code) == (False, 1000)


async def test_what_a_client_says_after_its_close_frame_is_not_heard(plain: Running) -> None:
    async with Rude(plain) as rude:
        await rude.upgrade()
        socket = await plain.next_socket()
        rude.say(Opcode.CLOSE, (1000).to_bytes(2))
        rude.say(Opcode.TEXT, b"late")
        assert await rude.close_code() == 1000
    await socket.gone.wait()
    assert socket.heard.empty()


async def test_a_stalled_reader_stops_the_writer_until_it_has_caught_up(hub: Running) -> None:
    async with client(hub, max_queue=1) as ws:
        socket = await hub.next_socket()
        can_write = asyncio.Event()
        ws.transport.pause_reading()
        written = await full(socket)
        socket.wire.on_writable = can_write.set
        assert 0 < written < 2_000
        held = next(iter(hub.server.server_state.connections)).transport.get_write_buffer_size()
        assert held <= WRITE_BUFFER + 2 * len(BIG)
        assert not can_write.is_set()
        ws.transport.resume_reading()
        await taken(ws, written)
        async with asyncio.timeout(PATIENCE):
            await can_write.wait()
        assert socket.wire.writable


async def test_a_dropped_connection_may_not_be_written_to(hub: Running) -> None:
    async with client(hub) as ws:
        socket = await hub.next_socket()
        ws.transport.abort()
        await socket.gone.wait()
        assert not socket.wire.writable


async def test_the_kernel_holds_a_bounded_amount_for_a_bounded_time(plain: Running) -> None:
    async with client(plain):
        wire = (await plain.next_socket()).wire
        accepted = wire.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * 131_072
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert bytes_acknowledged(accepted) > 0
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0, "the wire looks itself"
        with (
            accepted.dup()
            if hasattr(accepted, "dup")
            else socket.fromfd(accepted.fileno(), socket.AF_INET, socket.SOCK_STREAM) as held
        ):
            wire.abort()
            assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000


async def test_nothing_is_left_running_when_a_connection_is_gone(hub: Running) -> None:
    async with client(hub, max_queue=1) as ws:
        socket = await hub.next_socket()
        ws.transport.pause_reading()
        await full(socket)
        assert socket.wire._stalled is not None
        ws.transport.abort()
        await socket.gone.wait()
    assert (socket.wire._stalled, socket.wire._ending, socket.wire._beating) == (None, None, None)
    assert not hub.server.server_state.connections


# hostile peers


BROKEN = {
    "unmasked": (b"\x81\x02hi", 1002),
    "a reserved bit": (b"\xc1\x82\0\0\0\0hi", 1002),
    "opcode 3": (b"\x83\x82\0\0\0\0hi", 1002),
    "a long ping": (b"\x89\xfe\0\x7e\0\0\0\0" + b"x" * 126, 1002),
    "close code 1005": (b"\x88\x82\0\0\0\0\x03\xed", 1002),
    "a continuation of nothing": (b"\x80\x80\0\0\0\0", 1002),
    "a length of 2^62": (b"\x81\xff\x40\0\0\0\0\0\0\0\0\0\0\0", 1009),
    "bad UTF-8": (b"\x81\x82\0\0\0\0\xff\xfe", 1007),
    "64 KiB + 1": (b"\x81\xff" + (65_537).to_bytes(8) + b"\0\0\0\0" + b"x" * 65_537, 1009),
    "16 MiB": (b"\x81\xff" + (16 * 1024**2).to_bytes(8) + b"\0\0\0\0" + b"x" * 1024**2, 1009),
}


async def test_a_broken_frame_is_answered_with_its_code(hub: Running, caplog: pytest.LogCaptureFixture) -> None:
    answers = {}
    for name, (sent, _) in BROKEN.items():
        async with Rude(hub) as rude:
            await rude.upgrade()
            socket = await hub.next_socket()
            rude.writer.write(sent)
            answers[name] = await rude.close_code()
            await socket.gone.wait()
            assert socket.heard.empty()
    assert answers == {name: code for name, (_, code) in BROKEN.items()}
    assert not caplog.records


async def test_a_peer_that_sends_far_too_much_before_it_reads_still_hears_why(hub: Running) -> None:
    async with Rude(hub) as rude:
        await rude.upgrade()
        rude.writer.write(b"\x81\xff" + (2**30).to_bytes(8) + b"\0\0\0\0")
        for _ in range(64):
            rude.writer.write(b"x" * 65_536)
            await rude.writer.drain()
        assert await rude.close_code() == 1009


async def test_bad_text_and_a_close_frame_in_one_go_end_the_connection_quietly(
    plain: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async with Rude(plain) as rude:
        await rude.upgrade()
        socket = await plain.next_socket()
        rude.writer.write(b"\x81\x82\0\0\0\0\xff\xfe\x88\x82\0\0\0\0\x03\xe8")
        await rude.everything()
        await socket.gone.wait()
    assert not caplog.records


async def test_the_largest_message_in_as_many_fragments_as_allowed_is_heard(hub: Running) -> None:
    async with client(hub) as ws:
        socket = await hub.next_socket()
        await ws.send(["x" * 1_024] * 63)  # and one empty frame at the end
        assert await socket.heard.get() == "x" * 1_024 * 63


async def test_a_message_of_65_fragments_is_too_much(hub: Running) -> None:
    async with Rude(hub) as rude:
        await rude.upgrade()
        rude.say(Opcode.TEXT, b"x", fin=False)
        for _ in range(64):
            rude.say(Opcode.CONT, fin=False)
        assert await rude.close_code() == 1009


async def test_pings_between_fragments_do_not_start_the_count_afresh(plain: Running) -> None:
    async with Rude(plain) as rude:
        await rude.upgrade()
        rude.say(Opcode.BINARY, b"x", fin=False)
        for _ in range(64):
            rude.say(Opcode.PING)
            rude.say(Opcode.CONT, fin=False)
        assert await rude.close_code() == 1009


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG, Opcode.TEXT])
async def test_a_flood_of_frames_is_cut_and_the_others_notice_nothing(hub: Running, opcode: Opcode) -> None:
    async with client(hub) as other, Rude(hub) as rude:
        await hub.next_socket()
        await rude.upgrade()
        flooded = await hub.next_socket()
        began = time.monotonic()
        for _ in range(40_000):
            rude.say(opcode, b"x")
        slowest = 0.0
        while not flooded.gone.is_set():
            asked = time.monotonic()
            await (await other.ping())
            slowest = max(slowest, time.monotonic() - asked)
        assert time.monotonic() - began < 2.0
        assert slowest < 0.5
        assert flooded.code == 1008
        assert flooded.heard.qsize() <= 200
    await hub.gone()


async def test_a_peer_that_floods_hears_why(hub: Running) -> None:
    async with Rude(hub) as rude:
        await rude.upgrade()
        for _ in range(300):
            rude.say(Opcode.PING)
        assert await rude.close_code() == 1008


async def test_a_busy_client_within_its_budget_is_served(plain: Running) -> None:
    async with client(plain) as ws:
        for _ in range(150):
            await ws.send("echo")
        assert [await ws.recv() for _ in range(150)] == ["echo"] * 150


# stuck peers


async def test_a_peer_that_never_reads_is_cut_off(hub: Running) -> None:
    async with stuck_peer(hub) as (_, socket):
        async with asyncio.timeout(PATIENCE):
            await socket.gone.wait()


async def test_a_peer_that_reads_slowly_is_not(plain: Running) -> None:
    async with stuck_peer(plain, receive_buffer=4_096) as (rude, socket):
        until = time.monotonic() + 4 * Impatient.STALL
        while time.monotonic() < until:
            await rude.reader.read(4_096)
            await asyncio.sleep(0.02)
        assert not socket.gone.is_set()
        assert not socket.wire.writable


@pytest.fixture
def impatient_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "UNACKNOWLEDGED_MS", 500)
    monkeypatch.setattr(Impatient, "STALL", 2.0)


@pytest.mark.usefixtures("impatient_kernel")
async def test_nor_is_one_that_never_comes_to_the_end(plain: Running) -> None:
    """The kernel by itself would have it that it takes nothing."""
    async with stuck_peer(plain, receive_buffer=16_384) as (rude, socket):
        descriptor = rude.writer.get_extra_info("socket").fileno()  # its reader has paused: too much waits for it
        until = time.monotonic() + 3.0
        while time.monotonic() < until:
            with suppress(BlockingIOError):
                assert os.read(descriptor, 1_000)
            await asyncio.sleep(0.02)
        assert not socket.gone.is_set()
        assert not socket.wire.writable


async def test_one_that_asks_for_pongs_but_takes_none_is_cut_off(plain: Running) -> None:
    async with stuck_peer(plain) as (rude, socket):
        async with asyncio.timeout(PATIENCE):
            while not socket.gone.is_set():
                rude.say(Opcode.PING, b"x" * 125)
                await asyncio.sleep(0.05)


async def test_closing_a_stuck_socket_ends_it(hub: Running) -> None:
    async with stuck_peer(hub) as (_, socket):
        socket.wire.close(4000)
        assert socket.code == 4000
        await hub.gone()


async def test_a_peer_that_never_answers_the_close_frame_is_cut_off(hub: Running) -> None:
    async with Rude(hub) as rude:
        await rude.upgrade()
        socket = await hub.next_socket()
        socket.wire.close(4000)
        await hub.gone()
        assert await rude.close_code() == 4000


async def test_a_stuck_peer_that_says_goodbye_is_cut_off(hub: Running) -> None:
    async with stuck_peer(hub) as (rude, _):
        rude.say(Opcode.CLOSE, (1000).to_bytes(2))
        await hub.gone()


async def test_a_peer_that_answers_no_ping_is_told_so_and_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "BEAT", 0.1)
    async with running(wire=Impatient) as hub, Rude(hub) as rude:
        await rude.upgrade()
        assert await rude.close_code() == 1011
        await hub.gone()


async def test_a_peer_that_answers_pings_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "BEAT", 0.1)
    async with running(wire=Impatient) as hub, client(hub):
        socket = await hub.next_socket()
        await asyncio.sleep(0.5)
        assert not socket.gone.is_set()
        await writable(socket)


async def test_a_pong_that_nobody_asked_for_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "BEAT", 0.1)
    async with running(wire=Impatient) as hub, Rude(hub) as rude:
        await rude.upgrade()
        socket = await hub.next_socket()
        async with asyncio.timeout(PATIENCE):
            while not socket.gone.is_set():
                rude.say(Opcode.PONG)
                await asyncio.sleep(0.02)
        assert socket.code == 1011


async def test_a_goodbye_of_ours_has_its_time_though_a_pong_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "BEAT", 0.1)
    monkeypatch.setattr(Impatient, "CLOSING", 1.0)
    async with running(wire=Impatient) as hub, Rude(hub) as rude:
        await rude.upgrade()
        socket = await hub.next_socket()
        while socket.wire._pinged is None:
            await asyncio.sleep(0.01)
        socket.wire.close(4000)
        await asyncio.sleep(0.5)
        assert hub.server.server_state.connections, "it still waits for the peer's answer"
        rude.say(Opcode.CLOSE, (4000).to_bytes(2))
        await hub.gone()


async def test_a_stuck_peer_whose_pong_is_missing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "BEAT", 0.1)
    monkeypatch.setattr(Impatient, "STALL", 60.0)
    async with running(wire=Impatient) as hub, stuck_peer(hub) as (_, socket):
        async with asyncio.timeout(PATIENCE):
            await socket.gone.wait()
        await hub.gone()


async def test_a_stuck_peer_that_hangs_up_its_own_side_is_cut_off(
    plain: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Impatient, "STALL", 60.0)
    async with stuck_peer(plain) as (rude, _):
        rude.writer.write_eof()
        await plain.gone()


async def test_aborting_ends_a_socket_at_once(hub: Running) -> None:
    async with stuck_peer(hub) as (_, socket):
        socket.wire.abort()
        assert not socket.wire.writable
        async with asyncio.timeout(0.2):
            await socket.gone.wait()


# by itself


class Line(asyncio.Transport):
    """A transport that only notes what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.said = bytearray()
        self.done: list[str] = []

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said += data

    @override
    def is_closing(self) -> bool:
        return bool(self.done)

    @override
    def close(self) -> None:
        self.done.append("close")

    @override
    def abort(self) -> None:
        self.done.append("abort")

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


def heard_on(line: Line, kind: type[Wire] = Impatient) -> tuple[Wire, list[object]]:
    """A wire by that line, and what its user is told."""
    wire, told = kind(line, set()), list[object]()
    wire.on_message = told.append
    wire.on_end = told.append
    wire.take_over()
    return wire, told


async def test_what_comes_after_our_goodbye_in_one_piece_is_not_heard() -> None:
    line = Line()
    wire, told = heard_on(line)
    wire.on_message = lambda text: wire.close(4000)
    wire.data_received(Frame(Opcode.TEXT, b"one").serialize(mask=True) * 2)
    assert (told, line.said) == ([4000], b"\x88\x02\x0f\xa0")
    wire.connection_lost(None)


async def test_what_is_to_be_written_soon_leaves_together_at_the_end_of_the_turn() -> None:
    line = Line()
    wire, _ = heard_on(line)
    for part in (b"one", b"two"):
        wire.write_soon(part)
        assert line.said == b""
    await asyncio.sleep(0)
    assert line.said == b"onetwo"
    wire.write_soon(b"x" * (SOON + 1))
    assert len(line.said) == 6 + SOON + 1, "so much does not wait"
    wire.connection_lost(None)


async def test_where_much_is_due_in_a_turn_it_is_written_at_once_and_in_order() -> None:
    lines = [Line() for _ in range(AT_MOST + 2)]
    wires = [heard_on(line)[0] for line in lines]
    for part in (b"one", b"two"):
        for wire in wires:
            wire.write_soon(part)
    assert [line.said for line in lines] == [b""] * AT_MOST + [b"onetwo"] * 2
    await asyncio.sleep(0)
    assert all(line.said == b"onetwo" for line in lines)
    for wire in wires:
        wire.connection_lost(None)


async def test_what_is_to_be_written_soon_is_overtaken_by_no_goodbye() -> None:
    ways: dict[Callable[[Wire], None], bytes] = {
        lambda wire: wire.close(4000): b"one\x88\x02\x0f\xa0",
        lambda wire: wire.data_received(Frame(Opcode.PING, b"a").serialize(mask=True)): b"one\x8a\x01a",
        lambda wire: wire.data_received(Frame(Opcode.CLOSE, b"").serialize(mask=True)): b"one\x88\x00",
        Wire.shutdown: b"one\x88\x02\x03\xf4",
        Wire.eof_received: b"one",
        Wire.stop: b"one",
        Wire.abort: b"",
        partial(Wire.connection_lost, exc=None): b"",
    }
    for end, said in ways.items():
        line = Line()
        wire, _ = heard_on(line)
        wire.write_soon(b"one")
        end(wire)
        await asyncio.sleep(0)
        assert line.said == said
        wire.connection_lost(None)


async def test_after_its_end_a_wire_says_nothing() -> None:
    ways: list[Callable[[Wire], None]] = [
        Wire.abort,
        Wire.eof_received,
        Wire.stop,
        partial(Wire.connection_lost, exc=None),
    ]
    for end in ways:
        line = Line()
        wire, told = heard_on(line)
        assert wire.writable
        end(wire)
        wire.write(b"late")
        wire.write_soon(b"late")
        await asyncio.sleep(0)
        assert (wire.writable, line.said) == (False, b"")
        wire.connection_lost(None)
        assert told == [1006], "its end is told once"


async def test_a_line_that_is_closing_when_it_is_handed_over_ends_though_nobody_says_that_it_is_lost() -> None:
    line = Line()
    line.close()
    wire, told = heard_on(line)
    assert not wire.writable
    await asyncio.sleep(0.01)
    assert (line.done, told) == (["close", "abort"], [1006])


async def test_the_last_bytes_have_their_time_once_the_goodbye_was_answered() -> None:
    line = Line()
    wire, _ = heard_on(line)
    wire.close(4000)
    await asyncio.sleep(0.7 * Impatient.CLOSING)
    wire.data_received(Frame(Opcode.CLOSE, b"").serialize(mask=True))
    await asyncio.sleep(0.7 * Impatient.CLOSING)
    assert line.done == ["close"]
    await asyncio.sleep(0.7 * Impatient.CLOSING)
    assert line.done == ["close", "abort"]
    wire.connection_lost(None)


async def test_a_line_is_closed_once() -> None:
    """asyncio's transport of TLS can not be aborted after a second time."""
    line = Line()
    wire, _ = heard_on(line)
    wire.data_received(Frame(Opcode.CLOSE, b"").serialize(mask=True))
    wire.eof_received()
    assert line.done == ["close"]
    wire.connection_lost(None)
