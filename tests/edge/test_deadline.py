"""Time in which our own loop was late does not count against a peer."""

import asyncio
import time
from typing import Any

import pytest
from websockets.frames import Opcode

from server.edge.deadline import A_TURN, within
from server.edge.timely import TimelyHttp
from server.edge.wire import Wire
from tests.edge.sockets import BOTH_LOOPS, PATIENCE, Rude, running

LOOPS = BOTH_LOOPS
LIMIT = 0.2
ASK = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


def hold_up(seconds: float) -> None:
    """As a loop that has too much to do: nothing is read, and nobody called."""
    time.sleep(seconds)


async def test_the_limit_holds_for_who_says_nothing() -> None:
    over = asyncio.Event()
    began = time.monotonic()
    within(LIMIT, over.set)
    await over.wait()
    assert LIMIT <= time.monotonic() - began < LIMIT + A_TURN + 1.0


async def test_as_long_as_the_loop_was_late_the_limit_is_put_off() -> None:
    over = asyncio.Event()
    within(LIMIT, over.set)
    hold_up(LIMIT + 0.5)
    resumed = time.monotonic()
    await over.wait()
    assert time.monotonic() - resumed > 0.4


@pytest.mark.parametrize("moment", [0.0, LIMIT * 1.5], ids=["at once", "at its second look"])
async def test_what_was_called_off_is_not_called(moment: float) -> None:
    called: list[bool] = []
    deadline = within(LIMIT, lambda: called.append(True))
    hold_up(moment)
    await asyncio.sleep(0.02)
    deadline.cancel()
    await asyncio.sleep(LIMIT + A_TURN)
    assert called == []


class Hasty(TimelyHttp):
    READ_WITHIN = LIMIT


class Quick(TimelyHttp):
    """Between two requests, too; uvicorn's configuration takes whole seconds only."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.timeout_keep_alive = LIMIT


async def test_a_request_that_came_while_the_loop_was_late_is_answered() -> None:
    async with running(http=Hasty) as hub, Rude(hub) as rude:
        hub.app.hold.set()
        rude.writer.write(ASK[:9])
        await asyncio.sleep(LIMIT / 4)
        rude.writer.write(ASK[9:])
        hold_up(2 * LIMIT)
        async with asyncio.timeout(PATIENCE):
            assert b"204" in await rude.reader.readuntil(b"\r\n\r\n")


async def test_the_next_request_that_came_while_the_loop_was_late_is_answered() -> None:
    async with running(http=Quick) as hub, Rude(hub) as rude:
        hub.app.hold.set()
        rude.writer.write(ASK)
        await rude.reader.readuntil(b"\r\n\r\n")
        rude.writer.write(ASK)
        hold_up(2 * LIMIT)
        async with asyncio.timeout(PATIENCE):
            assert b"204" in await rude.reader.readuntil(b"\r\n\r\n")


async def test_a_pong_that_came_while_the_loop_was_late_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wire, "BEAT", LIMIT)
    async with running() as hub, Rude(hub) as rude:
        await rude.upgrade()
        socket = await hub.next_socket()
        frame = await rude.reader.readexactly(2 + 4)
        rude.say(Opcode.PONG, frame[2:])
        hold_up(2 * LIMIT)
        await asyncio.sleep(3 * A_TURN)
        assert not socket.gone.is_set()
        assert socket.wire.writable
