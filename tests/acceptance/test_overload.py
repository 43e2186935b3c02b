"""A hub that was asked for far more than it can do is itself again as soon as it is over."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from math import inf

from websockets.exceptions import ConnectionClosed

from protocol.commands import Command, MessageSend, SessionOpen
from protocol.ids import SessionId, fresh_message_id
from tests.device import Device, device
from tests.hostile import http
from tests.hub import Hub, running

DEVICES = 20
AT_ONCE = 190
"""Within the budget of frames, and of commands that may wait: seconds of work from all devices together."""
TOO_MANY = 270
QUICK = 0.25
SOON = 2.0


@asynccontextmanager
async def crowd(hub: Hub) -> AsyncGenerator[list[tuple[Device, SessionId]]]:
    async with AsyncExitStack() as stack:
        all_devices = [await stack.enter_async_context(device(hub, f"user-{number}")) for number in range(DEVICES)]
        yield [(each, await each.create()) for each in all_devices]


def opening(each: Device, session: SessionId) -> Command:
    return SessionOpen(ref=each._next(), session=session)


def sending(each: Device, session: SessionId) -> Command:
    return MessageSend(ref=each._next(), session=session, message=fresh_message_id(), content="Are you there?")


async def is_itself(hub: Hub) -> float:
    """Seconds until nothing is done any more for a device that is gone, and an ordinary request is answered quickly."""
    assert hub.door is not None
    began = time.monotonic()
    async with asyncio.timeout(60):
        while hub.door.inside or await answered_in(hub) > QUICK:
            await asyncio.sleep(0.02)
    return time.monotonic() - began


async def answered_in(hub: Hub) -> float:
    began = time.monotonic()
    answer = await http(hub, "GET", "/api/sessions", headers=hub.headers("bob"))
    return time.monotonic() - began if answer.status == 200 else inf


async def test_what_devices_asked_that_are_gone_is_done_for_nobody(database_url: str) -> None:
    async with running(database_url) as hub, crowd(hub) as everybody:
        for each, session in everybody:
            for _ in range(AT_ONCE):
                await each.say(opening(each, session))
        for each, _ in everybody:
            await each.leave()
        assert await is_itself(hub) < SOON


async def test_what_was_too_much_is_not_done_after_the_device_was_told_so(database_url: str) -> None:
    """It is told to come back, and says again what was not acknowledged."""

    async def say_too_much(each: Device, session: SessionId) -> None:
        with suppress(ConnectionClosed):
            for number in range(TOO_MANY):
                await each.say(sending(each, session))
                if number > AT_ONCE:
                    await asyncio.sleep(0.011)
        await each.until(lambda: each.closed is not None)

    async with running(database_url) as hub, crowd(hub) as everybody:
        async with asyncio.TaskGroup() as group:
            for each, session in everybody:
                group.create_task(say_too_much(each, session))
        assert {each.closed for each, _ in everybody} == {4005}
        assert await is_itself(hub) < SOON


async def test_what_was_said_before_an_ordinary_end_is_done(database_url: str) -> None:
    async with running(database_url) as hub, device(hub) as phone, device(hub) as tablet:
        session = await phone.create()
        await tablet.open(session)
        command = sending(phone, session)
        for _ in range(20):
            await phone.say(opening(phone, session))
        await phone.say(command)
        await phone.leave()
        await tablet.until(lambda: any(row.type == "user" for row in tablet.timeline.shown_messages(session)))
