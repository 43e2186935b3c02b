"""Requests over connections of their own: what HTTP allows is read, what it does not is a failure, on either loop."""

import asyncio
import gc
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.tutor import direct
from server.tutor.direct import HEAD_BYTES, WAITING_BYTES, Answer, Direct
from tests.edge.sockets import BOTH_LOOPS, certified
from tests.provider import request_of

LOOPS = BOTH_LOOPS
PARTS = 50


@asynccontextmanager
async def answered(
    *parts: bytes,
    stays: bool = False,
    pause: float = 0.0,
    address: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[str]:
    """A server that answers whatever it is asked with this, part by part."""

    answers = list[asyncio.Event]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.append(ended := asyncio.Event())
        try:
            await request_of(reader)
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            if stays:
                await reader.read()
        except (OSError, EOFError):
            pass  # whoever asked has gone
        finally:
            writer.close()
            ended.set()

    server = await asyncio.start_server(answer, address, port, ssl=tls)
    async with server:
        yield f"{'https' if tls else 'http'}://{address}:{server.sockets[0].getsockname()[1]}/"
        for ended in answers:
            await ended.wait()


async def parts_of(url: str, **extensions: Any) -> list[bytes]:
    async with (
        httpx2.AsyncClient(transport=Direct()) as client,
        client.stream("POST", url, json={"a": 1}, extensions=extensions) as response,
        aclosing(response.aiter_raw()) as arriving,
    ):
        return [part async for part in arriving]


async def body_of(*parts: bytes, stays: bool = False) -> bytes:
    async with answered(*parts, stays=stays) as url:
        return b"".join(await parts_of(url))


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("parts", [
    [OK + b"Content-Length: 3\r\n\r\nyes"],
    [OK + b"Content-Length: 3\r\n\r\n", b"y", b"es"],
    [CHUNKED + b"1\r\ny\r\n2;x=1\r\nes\r\n0\r\nA: trailer\r\n\r\n"],
    [CHUNKED + b"3\r\ny", b"es\r", b"\n0\r\n\r\n"],
    [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK + b"Content-Length: 3\r\n\r\nyes"],
])  # fmt: skip
async def test_a_body_ends_where_its_length_or_its_last_chunk_says_though_the_host_stays(parts: list[bytes]) -> None:
    assert await body_of(*parts, stays=True) == b"yes"


async def test_a_body_of_no_length_ends_with_its_connection() -> None:
    assert await body_of(b"HTTP/1.0 200 OK\r\n\r\n", b"yes") == b"yes"


@pytest.mark.parametrize("parts", [
    [],
    [b"HTTP/1.1 200"],
    [OK + b"Content-Length: 4\r\n\r\nyes"],
    [CHUNKED + b"3\r\nyes\r\n"],
    [CHUNKED + b"x\r\nyes\r\n"],
    [b"SSH-2.0-hello\r\n"],
    [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
    [OK, b"A: " + b"x" * 2 * HEAD_BYTES],
])  # fmt: skip
async def test_what_is_cut_or_is_no_http_is_a_failure(parts: list[bytes]) -> None:
    with pytest.raises(httpx2.TransportError):
        await body_of(*parts)


async def test_what_came_before_the_cut_is_given() -> None:
    async with answered(CHUNKED + b"3\r\nyes\r\n") as url, httpx2.AsyncClient(transport=Direct()) as client:
        async with client.stream("GET", url) as response, aclosing(response.aiter_raw()) as arriving:
            assert await anext(arriving) == b"yes"
            with pytest.raises(httpx2.ReadError):
                await anext(arriving)


async def test_a_host_that_is_not_there_is_a_failure_to_connect() -> None:
    async with answered() as url:
        pass
    with pytest.raises(httpx2.ConnectError):
        await parts_of(url)
    with pytest.raises(httpx2.ConnectError):
        await parts_of("http://nowhere.invalid/")


async def test_a_host_of_several_addresses_is_found_at_the_one_that_answers() -> None:
    async with answered(OK + b"Content-Length: 3\r\n\r\nyes") as url:
        assert await parts_of(url.replace("127.0.0.1", "localhost")) == [b"yes"]


SILENT, REFUSES, ONE, OTHER = (f"127.0.0.{number}" for number in (2, 3, 4, 5))


@contextmanager
def silent(address: str, port: int) -> Generator[None]:
    """Where nobody says yes or no: more have come than may wait."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind((address, port))
        listening.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex((address, port))
        yield


def lead_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """These are the addresses of any host, in this order."""

    async def found(host: str, port: int) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)


async def test_a_hosts_addresses_are_tried_in_turn_after_the_one_that_has_answered_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(direct, "ADDRESS_SECONDS", 0.2)
    head = OK + b"Content-Length: 3\r\n\r\n"
    async with httpx2.AsyncClient(transport=Direct()) as client, AsyncExitStack() as stack, AsyncExitStack() as brief:
        url = await stack.enter_async_context(answered(head + b"one", address=ONE))
        port = int(url.rpartition(":")[2].strip("/"))
        stack.enter_context(silent(SILENT, port))
        named = f"http://host.invalid:{port}/"

        async def who_answers() -> tuple[bytes, bool]:
            """And whether silence was waited for."""
            began = time.monotonic()
            content = (await client.get(named)).content
            return content, time.monotonic() - began >= direct.ADDRESS_SECONDS

        lead_to(monkeypatch, REFUSES, SILENT, ONE)
        assert await who_answers() == (b"one", True)
        assert await who_answers() == (b"one", False)
        await brief.enter_async_context(answered(head + b"two", address=OTHER, port=port))
        lead_to(monkeypatch, OTHER, ONE)
        assert await who_answers() == (b"one", False), "others are as good, but this one is known"
        lead_to(monkeypatch, SILENT, OTHER)
        assert await who_answers() == (b"two", True)
        lead_to(monkeypatch, ONE, OTHER)
        assert await who_answers() == (b"two", False)
        await brief.aclose()
        assert await who_answers() == (b"one", False)
        lead_to(monkeypatch, REFUSES, SILENT)
        with pytest.raises(httpx2.ConnectTimeout):
            await client.get(named, timeout=0.5)
        lead_to(monkeypatch, SILENT, REFUSES)
        with pytest.raises(httpx2.ConnectError):
            await client.get(named)


async def test_only_who_has_a_certificate_that_is_trusted_is_told_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key, _ = certified(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with answered(OK + b"Content-Length: 3\r\n\r\nyes", tls=tls) as url:
        with pytest.raises(httpx2.ConnectError, match="certificate verify failed"):
            await parts_of(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await parts_of(url) == [b"yes"]


async def test_nothing_of_an_answer_is_left_to_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        assert await body_of(CHUNKED + b"3\r\nyes\r\n0\r\n\r\n", stays=True) == b"yes"
        await asyncio.sleep(0.05)
        assert not [each for each in gc.get_objects() if type(each) is Answer]
    finally:
        gc.enable()


async def test_a_header_of_two_lines_is_not_sent() -> None:
    async with answered() as url, httpx2.AsyncClient(transport=Direct()) as client:
        with pytest.raises(httpx2.LocalProtocolError):
            await client.get(url, headers={"A": "b\r\nC: d"})


async def test_whoever_does_not_read_makes_the_host_wait_and_gets_all_in_the_end() -> None:
    part = b"x" * WAITING_BYTES
    head = OK + f"Content-Length: {PARTS * len(part)}\r\n\r\n".encode()
    async with answered(head, *[part] * PARTS) as url, httpx2.AsyncClient(transport=Direct()) as client:
        async with client.stream("GET", url) as response, aclosing(response.aiter_raw()) as arriving:
            first = await anext(arriving)
            await asyncio.sleep(0.2)
            second = await anext(arriving)
            assert len(second) < 4 * WAITING_BYTES
            assert len(first) + len(second) + sum([len(each) async for each in arriving]) == PARTS * len(part)


async def test_what_comes_within_a_while_is_taken_together() -> None:
    """Of many small parts that come over half a second, few are made; none waits longer than it must."""
    body = [b"1\r\nx\r\n"] * PARTS
    async with answered(CHUNKED, *body, b"0\r\n\r\n", pause=0.01) as url:
        began = time.monotonic()
        parts = await parts_of(url, gather=lambda: 0.1)
        took = time.monotonic() - began
        assert b"".join(parts) == b"x" * PARTS
        assert len(parts) <= took / 0.1 + 2
        assert len(await parts_of(url)) > PARTS / 2
