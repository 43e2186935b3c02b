"""Tests of what the name says."""

import asyncio
import gc
import sys

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.server import ServerProtocol

from server.edge.handshake import Handshake
from server.edge.wire import Wire
from tests.edge.sockets import BOTH_LOOPS, App, Rude, Running

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

LOOPS = BOTH_LOOPS


async def test_nothing_of_a_handshake_is_kept(hub: Running) -> None:
    """Without the collector of cycles: it looks rarely."""
    gc.collect()
    gc.disable()
    try:
        async with connect(hub.url, proxy=None):
            socket = await hub.next_socket()
            while hub.server.server_state.tasks:
                await asyncio.sleep(0.001)
            left = [each for each in gc.get_objects() if isinstance(each, Handshake | ServerProtocol)]
            assert not left
            assert not socket.gone.is_set()
            assert hub.server.server_state.connections == {socket.wire}
    finally:
        gc.enable()


async def test_frames_before_the_answer_to_the_handshake_are_refused(hub: Running) -> None:
    connection = Handshake(hub.server.config, ServerState(), {})
    ended: list[str] = []

    class Transport(asyncio.Transport):
        @override
        def abort(self) -> None:
            ended.append("aborted")

    connection.transport = Transport()
    connection.handshake_initiated = True
    connection.data_received(b"\x81\x80\0\0\0\0")
    connection.data_received(b"\x81\x80\0\0\0\0")
    assert (ended, connection.queue.empty()) == (["aborted"], True)


async def test_a_request_line_too_long_is_answered(hub: Running) -> None:
    async with Rude(hub) as rude:
        assert (await rude.upgrade("/" + "x" * 9_000)).startswith(b"HTTP/1.1 414")
        await rude.everything()
    await hub.gone()


def test_the_parts_of_uvicorn_and_websockets_that_we_build_on_are_there() -> None:
    config = Config(App(), ws=Handshake, log_config=None)
    config.load()
    stock = WebSocketsSansIOProtocol(config, ServerState(), {}, asyncio.new_event_loop())
    try:
        for name in [
            "conn",
            "queue",
            "handshake_initiated",
            "handshake_complete",
            "writable",
            "transport",
            "loop",
            "connections",
        ]:
            assert hasattr(stock, name), name
    finally:
        stock.loop.close()
    overridden = {name for name in vars(Handshake) if callable(getattr(Handshake, name))}
    for name in overridden & {
        "connection_made",
        "connection_lost",
        "run_asgi",
        "data_received",
        "eof_received",
        "shutdown",
    }:
        assert name in vars(WebSocketsSansIOProtocol), name
    for name in ["data_to_send"]:
        assert callable(getattr(ServerProtocol, name)), name
    for name in ["parser", "handshake_exc"]:
        assert hasattr(ServerProtocol(), name), name
    assert {"shutdown", "transport"} <= set(dir(Wire)), "uvicorn's server ends a connection by these"
