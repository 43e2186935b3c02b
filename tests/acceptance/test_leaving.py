"""An instance leaves: each device at its own moment, replies to their end, everything in time whatever peers do."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from msgspec import Struct
from websockets.asyncio.client import connect as upgraded
from websockets.exceptions import InvalidStatus
from websockets.frames import Opcode

from client.device import connect
from protocol import model
from protocol.codec import encode
from protocol.commands import Hello, SessionOpen
from protocol.events import Draining
from protocol.ids import SessionId
from server.edge.door import LEAVING_A_SECOND
from tests.database_proxy import database_proxy
from tests.device import Device, device
from tests.edge.sockets import Rude
from tests.hostile import http
from tests.hub import Child, Hub, child, running
from tests.provider import HOLD, provider, said
from tests.redis_server import redis_server
from tests.relay import relay

DEVICES = 100
LONG = "x" * 6_000
IN_TIME = 0.4
"""Seconds that a close may come beside its moment, on a machine that does much else."""


@asynccontextmanager
async def devices(hub: Hub, count: int, user: str = "ada") -> AsyncGenerator[list[Device]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(device(hub, user, name=str(number))) for number in range(count)]


class Farewell(Struct):
    """When a device was to leave, in seconds after it was told, and when it was closed."""

    seconds: float
    closed_at: float

    @property
    def told_at(self) -> float:
        """If it was closed at its moment. When it has heard that it was told says less, on a busy machine."""
        return self.closed_at - self.seconds


async def farewells(hub: Hub, leaving: list[Device]) -> list[Farewell]:
    """Of all of them, when the hub leaves."""

    async def farewell(each: Device) -> Farewell:
        told = await each.until_event(Draining)
        await each.until(lambda: each.closed is not None)
        return Farewell(told.reconnect_in_ms / 1_000, time.monotonic())

    async with asyncio.TaskGroup() as group:
        heard = [group.create_task(farewell(each)) for each in leaving]
        hub.leave()
    return [each.result() for each in heard]


async def test_devices_leave_one_after_the_other_each_at_the_moment_that_it_was_told(database_url: str) -> None:
    async with running(database_url, drain=5.0) as hub, devices(hub, DEVICES) as leaving:
        began = time.monotonic()
        heard = await farewells(hub, leaving)
        moments = sorted(each.seconds for each in heard)
        assert moments == pytest.approx([place / LEAVING_A_SECOND for place in range(DEVICES)], abs=0.002)
        told_at = [each.told_at for each in heard]
        assert began < min(told_at), "nobody before the moment"
        assert max(told_at) < began + IN_TIME
        assert {each.closed for each in leaving} == {4000}


async def test_however_many_devices_there_are_they_have_left_within_the_time_that_is_set(database_url: str) -> None:
    async with running(database_url, drain=0.1) as hub, devices(hub, 60) as leaving:
        assert max(each.seconds for each in await farewells(hub, leaving)) < 0.1


async def test_while_replies_come_to_their_end_requests_are_answered_and_nobody_new_is_let_in(
    database_url: str,
) -> None:
    async with provider(lambda _: ["One ", HOLD, "two."]) as tutor:
        async with running(database_url, tutor.base_url, drain=20.0) as hub, device(hub) as phone:
            session, sent = await phone.begin("Count.")
            await tutor.held()
            hub.leave()
            await phone.until(lambda: phone.closed == 4000)
            assert (await http(hub, "GET", "/readyz")).status == 503
            with pytest.raises(InvalidStatus) as refused:
                await upgraded(hub.socket_url)
            assert refused.value.response.status_code == 503
            assert int(refused.value.response.headers["Retry-After"]) >= 1
            page = await http(hub, "GET", f"/api/sessions/{session}/messages", headers=hub.headers("ada"))
            assert page.json["messages"][0]["content"] == "Count."
            tutor.release()
            began = time.monotonic()
        assert time.monotonic() - began < 5.0, "once the reply has ended there is nothing to wait for"
        async with running(database_url, tutor.base_url) as hub, device(hub) as phone:
            await phone.until(lambda: session in phone.timeline.sessions)
            await phone.open(session)
            reply = phone.timeline.messages[sent.reply]
            assert (reply.content, reply.status, len(tutor.requests)) == ("One two.", "complete", 1)


async def fill(rude: Rude, hub: Hub, session: SessionId, number: int) -> None:
    """Have the hub say more than the way to this peer holds, which reads nothing of it."""
    await rude.upgrade("/ws")
    stuck = model.Device(id=f"stuck-{number}", name="stuck")
    rude.say(Opcode.TEXT, encode(Hello(ref=1, token=hub.token("ada"), device=stuck)))
    for ref in range(2, 60):
        rude.say(Opcode.TEXT, encode(SessionOpen(ref=ref, session=session)))


async def test_a_hundred_devices_and_some_that_are_stuck_are_gone_in_time_and_it_ends_with_0(
    database_url: str,
) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        child(database_url, tutor.base_url, TUTORHUB_DRAIN="1") as leaving,
        devices(leaving.hub, DEVICES) as phones,
        AsyncExitStack() as stack,
    ):
        session = await phones[0].create()
        for number in range(15):
            await phones[0].send(session, f"{number} {LONG}")
        for number in range(5):
            rude = await stack.enter_async_context(Rude(leaving.hub, receive_buffer=8_192))
            await fill(rude, leaving.hub, session, number)
        began = time.monotonic()
        assert await leaving.end() == 0
        assert time.monotonic() - began < 8.0
        for each in phones:
            await each.until(lambda each=each: each.closed is not None)
        assert {each.closed for each in phones} == {4000}


async def when_it_is_not_ready_any_more(leaving: Child, phone: Device) -> None:
    while (await http(leaving.hub, "GET", "/readyz")).status == 200:
        pass


async def when_its_devices_are_gone(leaving: Child, phone: Device) -> None:
    await phone.until(lambda: phone.closed is not None)


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("moment", [when_it_is_not_ready_any_more, when_its_devices_are_gone])
async def test_a_second_signal_ends_it_at_once_without_a_traceback(
    database_url: str, moment: Callable[[Child, Device], Awaitable[None]], silent: bool
) -> None:
    """Whether a database that says nothing more is in the way or not."""
    async with (
        database_proxy(database_url) as proxy,
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        child(proxy.url, tutor.base_url, asyncio.subprocess.PIPE, TUTORHUB_DRAIN="20") as leaving,
        device(leaving.hub) as phone,
        Rude(leaving.hub, receive_buffer=8_192) as rude,
    ):
        session, _ = await phone.begin(LONG)
        await tutor.held()
        await fill(rude, leaving.hub, session, 0)
        proxy.hole = silent
        leaving.process.send_signal(signal.SIGTERM)
        await moment(leaving, phone)
        leaving.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert leaving.process.stderr is not None
        errors = await leaving.process.stderr.read()
        assert await leaving.process.wait() == 0
        assert time.monotonic() - began < 2.0
        assert b"Traceback" not in errors, errors.decode()


async def test_while_instances_are_replaced_one_by_one_no_send_fails(database_url: str) -> None:
    who = model.Device(id="phone", name="phone")
    said_so_far: list[str] = []
    async with provider(lambda request: ["You said ", said(request)]) as tutor, AsyncExitStack() as stack:
        environ = {"TUTORHUB_REDIS_URL": stack.enter_context(redis_server()).url, "TUTORHUB_TURN_PENDING": "1000"}
        first, *others = [
            await stack.enter_async_context(child(database_url, tutor.base_url, **environ)) for _ in range(3)
        ]
        network = await stack.enter_async_context(relay(first.hub.port))
        phone = await stack.enter_async_context(connect(network.url, first.hub.token("ada"), who))
        session = (await phone.create_session()).id
        await phone.open(session)
        replaced = asyncio.Event()

        async def talk() -> None:
            while not replaced.is_set():
                said_so_far.append(str(len(said_so_far)))
                await phone.send(session, said_so_far[-1])
                await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as group:
            group.create_task(talk())
            for other in others:
                network.lead_to(other.hub.port)
                assert await first.end() == 0
                first = other
                await phone.in_step()
            replaced.set()
        said_so_far.append("the last")
        await phone.settled((await phone.send(session, "the last")).reply)
        shown = phone.timeline.shown_messages(session)
        assert [row.content for row in shown if row.type == "user"] == said_so_far
        for each in [row.id for row in shown if row.type == "assistant"]:
            assert (await phone.settled(each)).status == "complete"
