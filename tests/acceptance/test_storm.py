"""Many devices come at once: they are let in a bounded number at a time, asked for together, and requests go on."""

import asyncio
from contextlib import AsyncExitStack
from random import uniform

import pytest
from msgspec import Struct
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from server import erasure, sightings, standing
from server.edge import door
from server.fanout import watch as watch_of_the_hub
from tests.database_proxy import database_proxy
from tests.device import Device
from tests.hostile import http
from tests.hub import Hub, running

SOCKETS = 300
AT_ONCE = 100
USERS = 60


class Storm(Struct):
    """What sockets were refused with, for how many seconds they were sent away, how many joined at once at most."""

    statuses: set[int] = set()
    waits: list[int] = []
    joining: int = 0


async def come_in(each: Device, seen: Storm) -> None:
    """As a client does: when it is asked to come again, after as long as it was told."""
    while True:
        try:
            await each.connect()
        except InvalidStatus as error:
            seen.statuses.add(error.response.status_code)
            seen.waits.append(int(error.response.headers["Retry-After"]))
            await asyncio.sleep(seen.waits[-1] * uniform(0.5, 1.0))
        else:
            assert each.closed is None
            return


async def watch(hub: Hub, seen: Storm) -> None:
    """Looks in every turn of the loop that something else takes."""
    assert hub.door is not None
    while True:
        seen.joining = max(seen.joining, len(hub.door._joining))
        await asyncio.sleep(0)


async def storm(hub: Hub, all_devices: list[Device]) -> Storm:
    """All come at once. Returns when all are in step."""
    seen = Storm()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch(hub, seen))
        await asyncio.wait([group.create_task(come_in(each, seen)) for each in all_devices])
        watching.cancel()
    return seen


async def ask_on(hub: Hub, answers: list[int]) -> None:
    """Somebody who wants a page, again and again."""
    while True:
        answers.append((await http(hub, "GET", "/api/sessions", headers=hub.headers("bob"))).status)


async def everybody(stack: AsyncExitStack, hub: Hub) -> list[Device]:
    """Not yet connected."""
    return [
        await stack.enter_async_context(Device(hub, f"user-{number % USERS}", str(number))) for number in range(SOCKETS)
    ]


async def test_who_comes_while_too_many_join_is_asked_to_come_again_and_requests_go_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "JOINING", AT_ONCE)
    answers: list[int] = []
    async with running(database_url) as hub, AsyncExitStack() as stack:
        coming = await everybody(stack, hub)
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(ask_on(hub, answers))
            seen = await storm(hub, coming)
            asking.cancel()
        assert seen.joining == AT_ONCE
        assert len(seen.waits) >= SOCKETS - AT_ONCE
        assert (seen.statuses, set(seen.waits) <= {1, 2, 3}) == ({503}, True)
        assert len(answers) > 3
        assert set(answers) == {200}


async def test_when_all_sockets_break_at_once_they_cost_a_question_for_several_of_them(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (watch_of_the_hub, standing, sightings, erasure):  # they ask by themselves, too
        for name in {"EVERY", "LOOKED_EVERY", "WRITTEN_EVERY"} & set(vars(file)):
            monkeypatch.setattr(file, name, 3_600.0)
    async with (
        database_proxy(database_url) as proxy,
        running(proxy.url, turns={"due_every": 60.0}) as hub,
        AsyncExitStack() as stack,
    ):
        assert hub.door is not None
        coming = await everybody(stack, hub)
        await storm(hub, coming)
        for each in coming:
            await each.drop()
        await hub.door._empty.wait()
        before = proxy.statements
        await storm(hub, coming)
        assert 0 < proxy.statements - before <= SOCKETS / 3


async def test_who_joins_slowly_takes_no_place_from_others(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "JOINING", 1)
    monkeypatch.setattr(door, "JOINING_FOR", 0.2)
    async with running(database_url) as hub, connect(hub.socket_url), Device(hub, "ada") as phone:
        assert hub.door is not None
        await come_in(phone, Storm())
        assert len(hub.door._inside) == 2


async def test_sockets_that_say_nothing_take_no_place_from_others(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "JOINING", 3)
    monkeypatch.setattr(door, "SILENT_FOR", 0.3)
    async with running(database_url) as hub, AsyncExitStack() as stack:
        address = f"ws://127.0.0.1:{hub.port}/ws"
        for _ in range(3):
            await stack.enter_async_context(connect(address))
        with pytest.raises(InvalidStatus):
            await connect(address)
        await asyncio.sleep(0.4)
        device = await stack.enter_async_context(Device(hub, "ada", "phone"))
        await device.connect()
        assert device.closed is None
