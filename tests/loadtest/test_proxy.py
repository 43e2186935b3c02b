"""The fault proxy does to real connections what it says."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from loadtest.proxy import Link, Target, Way, link


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


class Peer:
    """A client behind the link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def echoes(self, data: bytes) -> None:
        self.writer.write(data)
        assert await self.reader.readexactly(len(data)) == data

    async def is_silent(self, data: bytes) -> None:
        self.writer.write(data)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await self.reader.readexactly(1)


@asynccontextmanager
async def wired() -> AsyncGenerator[Link]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with server, link(Target(port=server.sockets[0].getsockname()[1])) as wire:
        yield wire
        server.close()


@asynccontextmanager
async def connected(wire: Link) -> AsyncGenerator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


async def test_without_a_fault_everything_goes_through() -> None:
    async with wired() as wire, connected(wire) as peer:
        await peer.echoes(b"x" * 1_000_000)


async def test_a_cut_is_an_end_and_a_reset_is_an_error() -> None:
    async with wired() as wire, connected(wire) as cut:
        await cut.echoes(b"a")
        assert wire.cut() == 1
        assert await cut.reader.read() == b""
        async with connected(wire) as reset:
            await reset.echoes(b"a")
            wire.reset()
            with pytest.raises(ConnectionResetError):
                await reset.reader.read()


async def test_what_is_held_arrives_when_it_is_over() -> None:
    async with wired() as wire, connected(wire) as peer:
        await peer.echoes(b"a")
        with wire.weather(holds=True):
            await peer.is_silent(b"later")
        assert await peer.reader.readexactly(5) == b"later"


async def test_what_is_swallowed_is_gone_and_so_is_its_connection() -> None:
    async with wired() as wire, connected(wire) as peer, connected(wire) as bystander:
        await peer.echoes(b"a")
        await bystander.echoes(b"a")
        with wire.weather(swallows=True):
            await peer.is_silent(b"lost" * 1_000_000)
            await asyncio.wait_for(peer.writer.drain(), 1)  # it is taken, all of it
        with pytest.raises(ConnectionResetError):
            await peer.reader.read()
        await bystander.echoes(b"still here")


async def test_a_link_that_refuses_keeps_its_port() -> None:
    async with wired() as wire:
        async with connected(wire) as peer, wire.refusing():
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", wire.port)
            with pytest.raises(ConnectionResetError):
                await peer.reader.read()
        async with connected(wire) as peer:
            await peer.echoes(b"back")


async def test_delay_and_throttle_take_their_time() -> None:
    async with wired() as wire, connected(wire) as peer:
        await peer.echoes(b"a")
        began = time.monotonic()
        with wire.weather(delay=0.1, jitter=0.01):
            await peer.echoes(b"a")
        assert time.monotonic() - began >= 0.2
        began = time.monotonic()
        with wire.weather(rate=10_000):
            await peer.echoes(b"x" * 2_000)
        assert time.monotonic() - began >= 0.2


async def test_split_bytes_come_one_by_one() -> None:
    async with wired() as wire, connected(wire) as peer:
        await peer.echoes(b"a")
        with wire.weather(splits=True):
            peer.writer.write(b"x" * 1_000)
            sizes: list[int] = []
            while sum(sizes) < 1_000:
                sizes.append(len(await peer.reader.read(1_000)))
            assert len(sizes) > 100


async def test_an_answer_is_lost_once_and_its_question_was_heard() -> None:
    async with wired() as wire, connected(wire) as peer:
        wire.lose(Way.BACK, b"COMMIT")
        await peer.echoes(b"BEGIN")
        peer.writer.write(b"COMMIT")
        with pytest.raises(ConnectionResetError):
            await peer.reader.read()
        assert wire.lost.is_set()
        async with connected(wire) as second:
            await second.echoes(b"COMMIT")


async def test_a_connection_is_lost_after_so_many_bytes() -> None:
    async with wired() as wire, connected(wire) as peer:
        await peer.echoes(b"a")
        wire.lose_after(10)
        await peer.echoes(b"four")
        peer.writer.write(b"five.")
        with pytest.raises(ConnectionResetError):
            await peer.reader.read()


async def test_while_connections_break_each_does_at_some_byte_and_the_bytes_before_it_arrive() -> None:
    async with wired() as wire:
        with wire.weather(breaks=64):
            for broken in range(1, 6):
                async with connected(wire) as peer:
                    peer.writer.write(b"x" * 64)
                    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                        await peer.reader.readexactly(64)
                assert wire.broken == broken
        async with connected(wire) as peer:
            await peer.echoes(b"x" * 1_000)


async def test_two_faults_at_once_end_one_by_one() -> None:
    async with wired() as wire, connected(wire) as peer:
        await peer.echoes(b"a")
        with wire.weather(delay=0.05):
            with wire.weather(holds=True):
                await peer.is_silent(b"x")
            assert await peer.reader.readexactly(1) == b"x"


async def test_a_link_leads_to_a_unix_socket_and_may_be_led_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    server = await asyncio.start_unix_server(_echo, path)
    async with server, wired() as wire:
        wire.target = Target(path=path)
        async with connected(wire) as peer:
            await peer.echoes(b"over unix")
        wire.target = Target(port=1)
        async with connected(wire) as peer:
            with pytest.raises(ConnectionResetError):
                await peer.reader.read()
        server.close()
