"""Tests of what the name says."""

import asyncio
import gc
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import h11
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect

from server.edge.handshake import EXTENSION, Handshake
from server.edge.timely import TimelyHttp
from server.edge.wire import Wire
from tests.edge.sockets import BOTH_LOOPS, App, Rude, Running, Socket, running

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

LOOPS = BOTH_LOOPS
KEY, VERSION = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"
"""The key is that of RFC 6455, 1.3."""
ACCEPTED = b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
FRAME = b"\x81\x80\0\0\0\0"


class Deciding(App):
    """As it was told by the path: it accepts, refuses in one way or another, fails, says nothing, or waits first."""

    def __init__(self) -> None:
        super().__init__()
        self.scope: dict[str, Any] = {}

    @override
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await super().__call__(scope, receive, send)
            return
        self.scope = dict(scope)
        self.asked.set()
        assert await receive() == {"type": "websocket.connect"}
        match scope["path"]:
            case "/close":
                await send({"type": "websocket.close", "code": 1000})
            case "/no":
                headers = [(b"retry-after", b"7"), (b"content-length", b"3")]
                await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
                await send({"type": "websocket.http.response.body", "body": b"n", "more_body": True})
                await send({"type": "websocket.http.response.body", "body": b"o\n"})
            case "/fail":
                raise ValueError("for this test")
            case "/nothing":
                pass
            case "/wait":
                assert await receive() == {"type": "websocket.disconnect", "code": 1006}
                self.hold.set()
            case "/hold":
                await self.hold.wait()
                await self._accept(scope, send, None)
            case _:
                await self._accept(scope, send, next(iter(scope["subprotocols"]), None))

    async def _accept(self, scope: Any, send: Any, subprotocol: str | None) -> None:
        await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": [(b"x-own", b"1")]})
        self.sockets.put_nowait(Socket(scope["extensions"][EXTENSION]()))


@pytest.fixture
async def deciding() -> AsyncIterator[Running]:
    async with running(app=Deciding()) as hub:
        yield hub


def request(*headers: str, line: str = "GET / HTTP/1.1") -> bytes:
    return "\r\n".join([line, "Host: here", "Upgrade: websocket", "Connection: Upgrade", *headers, "", ""]).encode()


async def answer(hub: Running, asked: bytes) -> bytes:
    """All of it, until the server hangs up."""
    async with Rude(hub) as rude:
        rude.writer.write(asked)
        said = await rude.everything()
    await hub.gone()
    return said


async def test_nothing_of_a_handshake_is_kept(hub: Running) -> None:
    """Without the collector of cycles: it looks rarely."""
    kinds = {*Handshake.__subclasses__(), Handshake, TimelyHttp, h11.Connection}
    gc.collect()
    gc.disable()
    try:
        async with connect(hub.url, proxy=None):
            socket = await hub.next_socket()
            while hub.server.server_state.tasks:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)
            left = [each for each in gc.get_objects() if type(each) in kinds]
            assert not left
            assert not socket.gone.is_set()
            assert hub.server.server_state.connections == {socket.wire}
    finally:
        gc.enable()


async def test_a_good_request_is_accepted_as_the_protocol_says(deciding: Running) -> None:
    async with Rude(deciding) as rude:
        rude.writer.write(request(KEY, VERSION, "Sec-WebSocket-Protocol: b.v1 ,, a.v2", "Sec-WebSocket-Protocol: c"))
        head = await rude.reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    lines = head.lower().split(b"\r\n")
    assert {b"upgrade: websocket", b"connection: upgrade", ACCEPTED.lower(), b"x-own: 1"} < set(lines)
    assert [line for line in lines if line.startswith(b"sec-websocket-protocol")] == [b"sec-websocket-protocol: b.v1"]
    app = deciding.app
    assert isinstance(app, Deciding)
    assert app.scope["subprotocols"] == ["b.v1", "a.v2", "c"]
    assert (app.scope["type"], app.scope["scheme"], app.scope["path"]) == ("websocket", "ws", "/")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request(KEY, VERSION, line="POST / HTTP/1.1"), 400),
        (request(KEY, VERSION, line="GET / HTTP/1.0"), 400),
        (request(KEY), 426),
        (request(KEY, "Sec-WebSocket-Version: 8"), 426),
        (request(KEY, VERSION, VERSION), 426),
        (request(VERSION), 400),
        (request(VERSION, KEY, KEY), 400),
        (request(VERSION, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"), 400),
        (request(VERSION, "Sec-WebSocket-Key: dGhlIHNhbXBsZQ=="), 400),
        (request(VERSION, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q=="), 400),
        (request(VERSION, "Sec-WebSocket-Key:"), 400),
        (request(KEY, VERSION, "Content-Length: 4"), 400),
        (request(KEY, VERSION, "Transfer-Encoding: chunked"), 400),
    ],
)
async def test_a_request_that_is_none_for_a_websocket_is_answered_why(
    deciding: Running, asked: bytes, status: int
) -> None:
    said = await answer(deciding, asked)
    assert said.startswith(b"HTTP/1.1 %d " % status)
    head, _, body = said.partition(b"\r\n\r\n")
    assert body
    assert (b"sec-websocket-version: 13" in head) == (status == 426)
    assert deciding.app.sockets.empty()
    assert not deciding.app.asked.is_set()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/close", 403, b""), ("/no", 503, b"no\n"), ("/fail", 500, b""), ("/nothing", 500, b"")],
)
async def test_who_is_not_let_in_is_told_and_hung_up_on(deciding: Running, path: str, status: int, body: bytes) -> None:
    with capture_logs() as logs:
        said = await answer(deciding, request(KEY, VERSION, line=f"GET {path} HTTP/1.1"))
    head, _, rest = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert rest == body
    assert re.findall(rb"(?i)content-length: (\d+)", head) == [b"%d" % len(body)]
    assert (b"retry-after: 7" in head) == (path == "/no")
    assert [each["event"] for each in logs] == ["handshake_failed"] * (path == "/fail")


async def test_a_client_that_speaks_before_it_is_answered_is_cut_off(deciding: Running) -> None:
    asked = request(KEY, VERSION, line="GET /hold HTTP/1.1")
    assert await answer(deciding, asked + FRAME) == b""
    async with Rude(deciding) as rude:
        rude.writer.write(asked)
        await deciding.app.asked.wait()
        rude.writer.write(FRAME)
        assert await rude.everything() == b""
    await deciding.gone()


async def test_a_peer_that_leaves_before_it_is_answered_leaves_nothing(deciding: Running) -> None:
    async with Rude(deciding) as rude:
        rude.writer.write(request(KEY, VERSION, line="GET /hold HTTP/1.1"))
        await deciding.app.asked.wait()
    await deciding.gone()
    with capture_logs() as logs:
        deciding.app.hold.set()
        while deciding.server.server_state.tasks:
            await asyncio.sleep(0.001)
    assert logs == [], "it is nobody's fault"
    assert deciding.app.sockets.empty()


async def test_an_application_that_waits_for_more_hears_that_the_peer_has_left(deciding: Running) -> None:
    async with Rude(deciding) as rude:
        rude.writer.write(request(KEY, VERSION, line="GET /wait HTTP/1.1"))
        await deciding.app.asked.wait()
    unseen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: unseen.append(about))
    await asyncio.wait_for(deciding.app.hold.wait(), 5)
    while deciding.server.server_state.tasks:
        await asyncio.sleep(0.001)
    gc.collect()
    assert unseen == []


async def test_at_the_end_of_the_server_who_is_not_answered_yet_is_told(deciding: Running) -> None:
    async with Rude(deciding) as rude:
        rude.writer.write(request(KEY, VERSION, line="GET /hold HTTP/1.1"))
        await deciding.app.asked.wait()
        deciding.server.should_exit = True
        assert (await rude.everything()).startswith(b"HTTP/1.1 503 ")
        with capture_logs() as logs:
            deciding.app.hold.set()
            while deciding.server.server_state.tasks:
                await asyncio.sleep(0.001)
        assert logs == []
        assert deciding.app.sockets.empty(), "nobody is let in after that"


async def test_who_was_slow_before_the_upgrade_is_not_cut_off_after_it() -> None:
    class Hasty(TimelyHttp):
        READS_WITHIN = 0.3

    class Big(App):
        @override
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3000000")]})
                await send({"type": "http.response.body", "body": b"x" * 3_000_000})
            else:
                await super().__call__(scope, receive, send)

    async with running(app=Big(), http=Hasty) as hub, Rude(hub) as rude:
        rude.writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + request(KEY, VERSION))
        await rude.reader.readuntil(b"\r\n\r\n")
        await rude.reader.readexactly(3_000_000)
        assert (await rude.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        socket = await hub.next_socket()
        await asyncio.sleep(2 * Hasty.READS_WITHIN)
        assert not socket.gone.is_set()


async def test_over_tls_the_scheme_says_so(tmp_path: Path) -> None:
    async with running(app=Deciding(), folder=tmp_path) as hub, connect(hub.url, ssl=hub.trust, proxy=None) as peer:
        assert isinstance(hub.app, Deciding)
        assert hub.app.scope["scheme"] == "wss"
        socket = await hub.next_socket()
        await peer.close()
        await asyncio.wait_for(socket.gone.wait(), 5)


def test_the_parts_of_a_wire_that_uvicorns_server_builds_on_are_there() -> None:
    for kind in (Wire, Handshake):
        assert {"shutdown", "transport"} <= set(dir(kind)) | set(kind.__init__.__code__.co_names)
