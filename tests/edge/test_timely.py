"""Who takes too long to ask is cut off; who waits for an answer, and who has become a websocket, is not."""

import asyncio
import time

import pytest
from websockets.asyncio.client import connect

from server.edge.timely import TimelyHttp
from tests.edge.sockets import BOTH_LOOPS, PATIENCE, Rude, Running, running

LOOPS = BOTH_LOOPS
WITHIN = 0.4
HEAD = b"GET / HTTP/1.1\r\nHost: here\r\n"
POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n"


class Hasty(TimelyHttp):
    READ_WITHIN = WITHIN


async def drip(hub: Running, said: bytes, rest: bytes) -> tuple[bytes, float]:
    """What is answered to one who says this, and the rest byte by byte, and after how many seconds it is over."""
    async with Rude(hub) as rude, asyncio.TaskGroup() as group:
        began = time.monotonic()
        rude.writer.write(said)

        async def go_on() -> None:
            for byte in rest:
                rude.writer.write(bytes([byte]))
                await asyncio.sleep(WITHIN / 5)

        dripping = group.create_task(go_on())
        answer = await rude.everything()
        dripping.cancel()
        return answer, time.monotonic() - began


@pytest.mark.parametrize(
    ("said", "rest"),
    [(b"", b""), (HEAD, b"x" * 100), (b"", HEAD), (POST, b"x" * 100), (HEAD + b"\r\n" + HEAD, b"x" * 100)],
    ids=["nothing", "a head without end", "a head letter by letter", "a body letter by letter", "a second request"],
)
async def test_who_takes_too_long_to_ask_is_cut_off(said: bytes, rest: bytes) -> None:
    async with running(http=Hasty) as hub:
        hub.app.hold.set()
        answer, seconds = await drip(hub, said, rest)
        await hub.gone()
    assert WITHIN * 0.9 < seconds < WITHIN + 1.5
    assert b"408" in answer or b"204" in answer


UPLOAD = POST.replace(b"POST / ", b"POST /api/media ")


class HastyWithFiles(Hasty):
    UPLOADED_WITHIN = 4 * WITHIN


@pytest.mark.parametrize(
    ("rest", "seconds"), [(b"x" * 100, 4 * WITHIN), (b"x" * 3, 1.4 * WITHIN)], ids=["without end", "and then silence"]
)
async def test_a_file_may_come_slowly_but_not_for_ever_and_not_with_long_pauses(rest: bytes, seconds: float) -> None:
    async with running(http=HastyWithFiles) as hub:
        hub.app.hold.clear()
        answer, took = await drip(hub, UPLOAD, rest)
        hub.app.hold.set()
        await hub.gone()
    assert seconds * 0.9 < took < seconds + 1.5
    assert b"408" in answer


async def test_who_goes_on_with_a_file_that_was_answered_has_no_more_time_than_others() -> None:
    async with running(http=HastyWithFiles) as hub:
        hub.app.hold.set()
        answer, took = await drip(hub, UPLOAD, b"x" * 100)
        await hub.gone()
    assert b"204" in answer
    assert took < 2 * WITHIN + 1.5


async def test_who_has_asked_may_wait_for_the_answer() -> None:
    async with running(http=Hasty) as hub, Rude(hub) as rude:
        rude.writer.write(HEAD + b"Connection: close\r\n\r\n")
        await hub.app.asked.wait()
        await asyncio.sleep(2 * WITHIN)
        hub.app.hold.set()
        assert b"204" in await rude.everything()


async def test_who_has_become_a_websocket_stays() -> None:
    async with running(http=Hasty) as hub, connect(hub.url) as device:
        await hub.next_socket()
        await asyncio.sleep(2 * WITHIN)
        await device.send("echo")
        async with asyncio.timeout(PATIENCE):
            assert await device.recv() == "echo"
