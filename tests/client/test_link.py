import asyncio
import json
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from client.device import connect
from client.errors import GaveUp
from client.link import FIRST_WAIT, LONGEST_WAIT, Backoff
from client.watchers import Away
from protocol import model
from tests.client.test_device import first_away

WHO = model.Device(id="phone", name="phone")


async def end_of(handler: Any, **options: Any) -> GaveUp:
    """Why a device gives up on a server that does this."""
    async with asyncio.timeout(10), serve(handler, "127.0.0.1", 0, **options) as server:
        async with connect(url_of(server), "token", WHO) as device:
            with pytest.raises(GaveUp) as gave_up:
                await device.in_step()
    return gave_up.value


def url_of(server: Any) -> str:
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def silent(socket: ServerConnection) -> None:
    await socket.wait_closed()


def test_each_wait_is_random_and_the_longest_one_doubles_up_to_a_limit() -> None:
    longest = [max(waits) for waits in zip(*([backoff.wait() for _ in range(9)] for backoff in many()), strict=True)]
    for attempt, wait in enumerate(longest):
        limit = min(LONGEST_WAIT, 0.5 * 2**attempt)
        assert limit * 0.8 < wait <= limit


def many() -> list[Backoff]:
    return [Backoff() for _ in range(300)]


def test_after_a_good_connection_the_waits_begin_again() -> None:
    backoff = Backoff()
    for _ in range(8):
        backoff.wait()
    backoff.reset()
    assert backoff.wait() <= 0.5


@pytest.mark.parametrize("code", [4500, 4501, 4503, 4507, 1003, 1008])
async def test_a_code_that_says_so_is_given_up(code: int) -> None:
    async def close(socket: ServerConnection) -> None:
        await socket.close(code, "because")

    gave_up = await end_of(close)
    assert (gave_up.code, gave_up.reason) == (code, "because")


async def test_who_said_hello_too_late_comes_back() -> None:
    """Its line was slow, or it slept: the program is not at fault."""

    async def close(socket: ServerConnection) -> None:
        await socket.close(4502, "no hello in time")

    async with asyncio.timeout(10), serve(close, "127.0.0.1", 0) as server:
        async with connect(url_of(server), "token", WHO) as device:
            events = device.events()
            assert [(await first_away(events)).code for _ in range(2)] == [4502, 4502]


async def test_a_server_that_says_something_else_is_given_up() -> None:
    async def mumble(socket: ServerConnection) -> None:
        await socket.send("mumble")
        await socket.wait_closed()

    assert (await end_of(mumble)).code == 1002


async def test_an_event_that_is_not_known_is_ignored() -> None:
    async def speak(socket: ServerConnection) -> None:
        await socket.send('{"type":"weather.changed","sun":true}')
        await socket.close(4507, "signed out")

    assert (await end_of(speak)).code == 4507


async def test_a_door_that_stays_shut_is_given_up() -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(HTTPStatus.FORBIDDEN, "no")

    assert (await end_of(silent, process_request=refuse)).code == HTTPStatus.FORBIDDEN


async def test_a_door_that_is_shut_for_now_is_tried_again() -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "later")

    async with asyncio.timeout(10), serve(silent, "127.0.0.1", 0, process_request=refuse) as server:
        async with connect(url_of(server), "token", WHO) as device:
            events = device.events()
            assert isinstance(await first_away(events), Away)
            assert isinstance(await first_away(events), Away)


async def test_a_door_that_says_when_to_come_again_is_left_alone_until_then() -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        response = socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "later")
        response.headers["Retry-After"] = "7"
        return response

    async with asyncio.timeout(10), serve(silent, "127.0.0.1", 0, process_request=refuse) as server:
        waits: set[float] = set()
        for _ in range(5):
            async with connect(url_of(server), "token", WHO) as device:
                waits.add((await first_away(device.events())).back_in)
        assert all(6.9 < wait < 7 + FIRST_WAIT for wait in waits)
        assert len(waits) == 5, "or all who were sent away would come together"


@pytest.mark.parametrize(("closes_after", "shortest", "longest"), [(0.0, 0.25, 0.3), (0.35, 0.0, 0.0)])
async def test_who_was_told_when_to_come_back_comes_then_whenever_it_was_closed(
    closes_after: float, shortest: float, longest: float
) -> None:
    async def leave(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send('{"type":"draining","reconnectInMs":300}')
        await asyncio.sleep(closes_after)
        await socket.close(4000)

    async with asyncio.timeout(10), serve(leave, "127.0.0.1", 0) as server:
        async with connect(url_of(server), "token", WHO) as device:
            assert shortest <= (await first_away(device.events())).back_in <= longest


async def test_who_has_asked_too_much_comes_back_no_earlier_than_it_was_told() -> None:
    async def forbid(socket: ServerConnection) -> None:
        await socket.recv()
        told = {"code": "rate_limited", "status": 429, "retryable": True, "retryAfterMs": 7_000}
        await socket.send(json.dumps({"type": "refused", "ref": None, "problem": "", "title": "", "detail": ""} | told))
        await socket.close(4005)

    async with asyncio.timeout(10), serve(forbid, "127.0.0.1", 0) as server:
        waits: set[float] = set()
        for _ in range(5):
            async with connect(url_of(server), "token", WHO) as device:
                waits.add((await first_away(device.events())).back_in)
        assert all(7 <= wait <= 7 * 1.5 for wait in waits)
        assert len(waits) == 5, "or all who were sent away would come together"


async def test_a_token_source_that_is_broken_is_given_up() -> None:
    async def source() -> str:
        raise LookupError("no such key")

    async with connect("http://127.0.0.1:9", source, WHO) as device:
        with pytest.raises(GaveUp, match="no such key"):
            await device.in_step()


async def test_an_address_that_is_none_is_given_up() -> None:
    async with connect("nonsense", "token", WHO) as device:
        with pytest.raises(GaveUp, match="nonsense"):
            await device.in_step()
