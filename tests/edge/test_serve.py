import asyncio
import logging
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from server.edge import serve
from server.errors import StartupError
from tests.edge.sockets import BOTH_LOOPS, PATIENCE, App, Rude, Running, nothing, running, text_frame

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

LOOPS = BOTH_LOOPS


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def left(hub: Running) -> None:
    async with asyncio.timeout(12):
        assert hub.server._task is not None
        await asyncio.wait([hub.server._task])


async def stuck(hub: Running, rude: Rude) -> None:
    await rude.upgrade()
    sock = await hub.next_socket()
    while sock.wire.writable:
        sock.wire.write(text_frame(b"z" * 60_000))
        await asyncio.sleep(0.005)


class NeverStops(App):
    @override
    async def live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await asyncio.Event().wait()


class NeverStarts(App):
    @override
    async def live(self, receive: Any, send: Any) -> None:
        self.asked.set()
        await asyncio.Event().wait()


# leaving


async def test_a_signal_lets_the_app_say_goodbye_before_any_socket_is_closed() -> None:
    said: list[bool] = []

    async def goodbye() -> None:
        sock = await hub.next_socket()
        said.append(sock.wire.writable)
        sock.wire.close(4000)
        await sock.gone.wait()

    async with running(drain=goodbye) as hub:
        async with connect(hub.url, proxy=None) as ws:
            terminate()
            with pytest.raises(ConnectionClosed) as closed:
                await ws.recv()
        await left(hub)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4000
    assert said == [True]
    assert hub.app.stopped


async def test_a_stuck_peer_does_not_keep_the_server() -> None:
    async with running() as hub, Rude(hub) as rude:
        await stuck(hub, rude)
        began = time.monotonic()
        terminate()
        await left(hub)
        assert time.monotonic() - began < 1.8
    assert hub.app.stopped


async def test_a_request_that_is_never_answered_does_not_keep_the_server() -> None:
    async with running() as hub, Rude(hub) as rude:
        rude.writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        await hub.app.asked.wait()
        began = time.monotonic()
        terminate()
        await left(hub)
        assert time.monotonic() - began < 3.0


async def test_a_goodbye_that_takes_too_long_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve.Server, "DRAIN", 0.3)
    forever = asyncio.Event()
    async with running(drain=forever.wait) as hub, Rude(hub) as rude:
        await stuck(hub, rude)
        terminate()
        await left(hub)
    assert hub.app.stopped


async def test_a_goodbye_that_fails_does_not_keep_the_server() -> None:
    async def fails() -> None:
        raise OSError("no database")

    async with running(drain=fails) as hub:
        terminate()
        await left(hub)
    assert hub.app.stopped


async def test_a_second_signal_ends_the_goodbye_at_once() -> None:
    begun, forever = asyncio.Event(), asyncio.Event()

    async def goodbye() -> None:
        begun.set()
        await forever.wait()

    async with running(drain=goodbye) as hub, Rude(hub) as rude:
        await stuck(hub, rude)
        terminate()
        await begun.wait()
        began = time.monotonic()
        terminate()
        await left(hub)
        assert time.monotonic() - began < 1.0


async def test_a_lifespan_that_hangs_at_its_end_does_not_keep_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve.Server, "LEAVE", 0.5)
    server = serve.Server(serve.config(NeverStops()), nothing)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(server.serve([serve.bind("127.0.0.1", 0)]))
        await server.ready.wait()
        terminate()


async def test_a_signal_during_the_start_ends_it() -> None:
    app = NeverStarts()
    listener = serve.bind("127.0.0.1", 0)
    server = serve.Server(serve.config(app), nothing)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(server.serve([listener]))
        await app.asked.wait()
        terminate()
    assert not server.ready.is_set()
    assert listener.fileno() == -1


# listening


async def test_a_port_in_use_is_one_clear_line() -> None:
    with serve.bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=f"^cannot listen on 127.0.0.1:{port}: Address already in use$"):
            serve.bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port"),
    [("203.0.113.1", 0), ("no.such.host.invalid", 80), ("a" * 70, 80), ("127.0.0.1", 70_000), ("..", 0)],
)
async def test_an_address_that_is_not_ours_is_one_clear_line(host: str, port: int) -> None:
    with pytest.raises(StartupError) as refused:
        serve.bind(host, port)
    assert "\n" not in str(refused.value)


async def test_a_port_is_free_again_after_the_server_has_left() -> None:
    async with running() as hub, connect(hub.url, proxy=None):
        pass
    serve.bind("127.0.0.1", hub.port).close()


async def test_giant_headers_are_refused(hub: Running) -> None:
    async with Rude(hub) as rude:
        rude.writer.write(b"GET / HTTP/1.1\r\nHost: here\r\nX: ")
        with suppress(ConnectionError):
            for _ in range(64):
                rude.writer.write(b"x" * 1_024)
                await rude.writer.drain()
        assert (await rude.everything()).startswith(b"HTTP/1.1 400")


# logs


async def test_no_query_string_and_no_frame_is_ever_logged(hub: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "uvicorn.error")
    async with connect(hub.url + "?token=canary", proxy=None, logger=logging.getLogger("quiet")) as ws:
        await ws.send("canary")
        await (await hub.next_socket()).heard.get()
    assert "canary" not in "".join(record.getMessage() for record in caplog.records if record.name != "quiet")


async def test_the_server_does_not_say_what_it_is(hub: Running) -> None:
    hub.app.hold.set()
    async with Rude(hub) as rude:
        rude.writer.write(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        assert b"uvicorn" not in (await rude.everything()).lower()


async def test_accepted_sockets_inherit_the_limits_of_the_listener(hub: Running) -> None:
    async with Rude(hub) as rude:
        rude.writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        await hub.app.asked.wait()
        (connection,) = hub.server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
