"""How large the head of a request may be, and that nothing is kept of one that is larger."""

import gc
import sys
from collections.abc import AsyncIterator
from typing import Any

import h11
import pytest

from server.edge.framing import HEAD_BYTES, Framing
from server.edge.handshake import Handshake
from server.edge.timely import TimelyHttp
from tests.edge.sockets import BOTH_LOOPS, App, Rude, Running, running

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

LOOPS = BOTH_LOOPS
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
KINDS: dict[str, dict[str, str]] = {"request": {}, "handshake": HANDSHAKE}


class Framed(App):
    @override
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Framing(super().__call__)(scope, receive, send)


@pytest.fixture
async def hub() -> AsyncIterator[Running]:
    async with running(app=Framed()) as hub:
        hub.app.hold.set()
        yield hub


def head(size: int, named: dict[str, str]) -> bytes:
    """Of so many bytes, as they are counted."""
    headers = {"Host": "here", **named}
    rest = size - len("/") - len("X") - sum(len(name) + len(value) for name, value in headers.items())
    lines = [f"{name}: {value}" for name, value in {**headers, "X": "x" * rest}.items()]
    return "\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_head_of_the_limit_is_taken(hub: Running, kind: str) -> None:
    async with Rude(hub) as rude:
        rude.writer.write(head(HEAD_BYTES, KINDS[kind]))
        said = await rude.reader.readuntil(b"\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 101 " if kind == "handshake" else b"HTTP/1.1 204 ")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("whole", [True, False], ids=["in one piece", "without an end"])
async def test_a_larger_head_is_refused_and_nothing_of_it_is_kept(hub: Running, kind: str, *, whole: bool) -> None:
    gc.collect()
    gc.disable()
    try:
        async with Rude(hub) as rude:
            if whole:
                rude.writer.write(head(HEAD_BYTES + 1, KINDS[kind]))
            else:
                rude.writer.write(head(HEAD_BYTES + 100, KINDS[kind]).removesuffix(b"\r\n\r\n"))
            said = await rude.everything()
        await hub.gone()
        kinds = {*Handshake.__subclasses__(), Handshake, TimelyHttp, h11.Connection}
        left = [each for each in gc.get_objects() if type(each) in kinds]
    finally:
        gc.enable()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert not left
    assert not hub.app.asked.is_set()
    assert hub.app.sockets.empty()
