"""Every limit at n, at n + 1 and after it has filled again: on one instance, and across two that count together.

Long because every limit is told from its beginning to its end.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from protocol.answers import Nothing
from protocol.commands import ReplyStop, SessionList, TypingSet
from protocol.errors import CloseCode, Reason
from protocol.events import Refused, TypingChanged
from protocol.model import Message
from tests import files
from tests.device import Device, RefusedError, device
from tests.hub import Hub, running
from tests.provider import HOLD, Provider, provider
from tests.redis_server import redis_server

HOUR = "3/3600"
"""Three, and nothing more in this test."""
SOON = "3/9"
"""Three, and the next after three seconds."""

Ask = Callable[[Hub], Awaitable[httpx2.Response]]


@asynccontextmanager
async def hubs(database_url: str, count: int, base_url: str | None = None, **changes: Any) -> AsyncGenerator[list[Hub]]:
    """One hub without Redis, or two that count together."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server()) if count > 1 else None
        url = redis.url if redis else None
        made = [
            await stack.enter_async_context(running(database_url, base_url, redis_url=url, **changes))
            for _ in range(count)
        ]
        async with asyncio.timeout(5):
            while count > 1 and not all(hub.instance and hub.instance.broker.well for hub in made):
                await asyncio.sleep(0.05)
        yield made


async def request(hub: Hub, method: str, path: str, token: str | None = None, **more: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token or hub.token('ada')}"}
    async with httpx2.AsyncClient(base_url=hub.url, verify=False) as client:
        return await client.request(method, path, headers=headers, **more)


def is_out(each: Device) -> bool:
    return each.closed is not None


async def listed(hub: Hub) -> httpx2.Response:
    return await request(hub, "GET", "/api/sessions")


async def missed(hub: Hub) -> httpx2.Response:
    return await request(hub, "GET", f"/api/sessions/{uuid4()}")


async def guessed(hub: Hub) -> httpx2.Response:
    return await request(hub, "GET", "/api/sessions", "a.b.c")


async def signed_in(hub: Hub) -> httpx2.Response:
    return await request(hub, "POST", "/auth/dev", json={"user": "ada"})


async def uploaded(hub: Hub) -> httpx2.Response:
    return await request(hub, "POST", "/api/media", content=b"no picture")


RATES: dict[str, tuple[str, int, Ask]] = {
    "commands": ("commands", 200, listed),
    "misses": ("misses", 404, missed),
    "uploads": ("uploads", 415, uploaded),
    "tokens that are not good": ("sign_ins", 401, guessed),
    "signing in": ("sign_ins", 200, signed_in),
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("limit", "status", "ask"), RATES.values(), ids=RATES)
async def test_a_rate_holds_at_n_and_n_plus_1_and_fills_again(
    database_url: str, limit: str, status: int, ask: Ask, count: int
) -> None:
    async with hubs(database_url, count, limits={limit: SOON}, dev_sign_in=True) as made:
        answers = [await ask(made[number % count]) for number in range(3)]
        assert [answer.status_code for answer in answers] == [status] * 3
        refused = await ask(made[0])
        problem = refused.json()
        assert (refused.status_code, problem["code"], problem["retryable"]) == (429, "rate_limited", True)
        assert 0 < problem["retryAfterMs"] <= 3_001
        assert 1 <= int(refused.headers["Retry-After"]) <= 4
        await asyncio.sleep(problem["retryAfterMs"] / 1_000)
        assert (await ask(made[-1])).status_code == status


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("door", ["socket", "rest"])
async def test_so_many_messages_may_be_sent(database_url: str, door: str, count: int) -> None:
    async with (
        provider(lambda _: ["yes"]) as tutor,
        hubs(database_url, count, tutor.base_url, limits={"sends": HOUR}) as made,
        device(made[0]) as one,
    ):
        session = await one.create()

        async def send(hub: Hub) -> tuple[str, int]:
            path = f"/api/sessions/{session}/messages"
            answer = (await request(hub, "POST", path, json={"content": "what is light?"})).json()
            return answer.get("code", "sent"), answer.get("retryAfterMs", 0)

        async def say(hub: Hub) -> tuple[str, int]:
            async with device(hub) as other:
                try:
                    await other.send(session, "what is light?")
                except RefusedError as error:
                    return str(error.reason), error.refused.retry_after_ms or 0
                return "sent", 0

        act = send if door == "rest" else say
        assert [await act(made[number % count]) for number in range(3)] == [("sent", 0)] * 3
        code, wait = await act(made[-1])
        assert (code, wait > 1_000_000) == ("rate_limited", True)
        assert (await say(made[0]))[0] == "rate_limited", "both doors count together"
        async with device(made[0], "bob") as bob:
            await bob.send(await bob.create(), "and I?")


async def test_commands_of_a_socket_are_counted_too(database_url: str) -> None:
    async with hubs(database_url, 1, limits={"commands": HOUR}) as [hub], device(hub) as one:
        for _ in range(2):  # after hello
            await one.ask(SessionList, dict)
        with pytest.raises(RefusedError) as refused:
            await one.ask(SessionList, dict)
        assert refused.value.reason is Reason.RATE_LIMITED
        assert one.closed is None


@pytest.mark.parametrize("count", [1, 2])
async def test_what_the_tutor_has_used_is_counted_and_when_it_is_spent_it_is_said(
    database_url: str, count: int
) -> None:
    async with (
        provider(lambda _: ["much"] * 3) as tutor,
        hubs(database_url, count, tutor.base_url, limits={"tokens": "4/86400"}) as made,
        device(made[0]) as one,
        device(made[-1], name="other") as other,
    ):
        session, sent = await one.begin("what is light?")
        await one.settled(sent.reply)
        await asyncio.sleep(0.2)  # it is counted after that
        for each in (one, other):
            await each.open(session)
            with pytest.raises(RefusedError) as refused:
                await each.send(session, "and now?")
            assert refused.value.reason is Reason.BUDGET_SPENT
            assert (refused.value.refused.retry_after_ms or 0) > 10_000_000
        async with device(made[0], "bob") as bob:
            await bob.send(await bob.create(), "and I?")


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
async def test_so_many_devices_may_be_connected(database_url: str, limit: str, count: int) -> None:
    users = ["ada"] * 3 if limit == "connections" else ["ada", "bob", "eve"]
    async with (
        hubs(database_url, count, limits={limit: 2}) as made,
        device(made[0], users[0]),
        Device(made[-1], users[1]) as second,
        Device(made[0], users[2]) as third,
    ):
        await second.connect()
        await third.connect()
        said = next(event for event in third.events if isinstance(event, Refused))
        if limit == "connections":
            assert third.closed == CloseCode.TOO_MANY_CONNECTIONS
            assert (said.code, said.retryable) == (Reason.TOO_MANY_CONNECTIONS, False)
        else:  # others have the address too, and may go
            assert third.closed == CloseCode.OVERLOADED
            assert (said.code, said.retryable) == (Reason.OVERLOADED, True)
        await second.leave()
        async with asyncio.timeout(5):
            while is_out(third):
                await third.connect()
        if limit == "connections":
            async with Device(made[0], "bob") as somebody_else:
                await somebody_else.connect()
                assert somebody_else.closed is None


async def test_so_many_of_an_address_may_be_silent(database_url: str) -> None:
    async with hubs(database_url, 1, limits={"unauthenticated_per_address": 2}) as [hub]:
        async with connect(hub.socket_url), connect(hub.socket_url):
            with pytest.raises(InvalidStatus) as refused:
                await connect(hub.socket_url)
            assert refused.value.response.status_code == 503
            assert "Retry-After" in refused.value.response.headers
        async with asyncio.timeout(5):
            while True:
                try:
                    async with device(hub), device(hub), device(hub), connect(hub.socket_url):
                        break  # those that have said who they are do not count
                except InvalidStatus:
                    await asyncio.sleep(0.05)


@pytest.mark.parametrize("count", [1, 2])
async def test_so_many_replies_of_a_user_are_written_at_once(database_url: str, count: int) -> None:
    holding = True
    async with (
        provider(lambda request: [HOLD, "done"] if holding else ["done"]) as tutor,
        hubs(database_url, count, tutor.base_url, limits={"running": 2}) as made,
        device(made[0]) as one,
    ):
        sent = [(await one.begin(f"question {number}"))[1] for number in range(4)]
        await begun(tutor, 2)
        await asyncio.sleep(1.0)  # four looks for what is due
        assert len(tutor.requests) == 2
        async with device(made[0], "bob") as bob:
            await bob.begin("and I?")
            await begun(tutor, 3)
        holding = False
        tutor.release()
        for each in sent:
            assert (await one.settled(each.reply)).content == "done"
        assert len(tutor.requests) == 5


async def begun(tutor: Provider, count: int) -> None:
    async with asyncio.timeout(10):
        while len(tutor.requests) < count:
            await asyncio.sleep(0.05)


async def test_typing_that_is_said_too_often_is_dropped_without_a_word(database_url: str) -> None:
    async with hubs(database_url, 1) as [hub], device(hub) as one, device(hub, name="other") as other:
        session = await one.create()
        await one.open(session)
        await other.open(session)
        for number in range(50):
            await one.ask(TypingSet, Nothing, session=session, active=number % 2 == 0)
        sent = await one.send(session, "what is light?")
        await other.until(lambda: sent.message in other.timeline.messages)
        heard = [event for event in other.events if isinstance(event, TypingChanged) and event.who == one.named.id]
        assert 1 <= len(heard) <= 5


async def test_when_redis_is_gone_what_costs_is_given_by_a_share_and_the_rest_as_before(database_url: str) -> None:
    with redis_server() as redis:
        limits = {"sign_ins": "8/3600", "misses": "8/3600"}
        async with running(database_url, redis_url=redis.url, limits=limits) as hub:
            redis.kill()
            assert [(await guessed(hub)).status_code for _ in range(3)] == [401, 401, 429], "a fourth part of eight"
            assert [(await missed(hub)).status_code for _ in range(9)] == [404] * 8 + [429]


async def test_an_address_that_is_only_said_is_not_believed_but_of_a_trusted_proxy(database_url: str) -> None:
    async def guess_from(hub: Hub, address: str) -> int:
        headers = {"Authorization": "Bearer a.b.c", "X-Forwarded-For": address}
        async with httpx2.AsyncClient(base_url=hub.url, verify=False) as client:
            return (await client.get("/api/sessions", headers=headers)).status_code

    async with running(database_url, limits={"sign_ins": HOUR}) as hub:
        assert [await guess_from(hub, f"1.2.3.{number}") for number in range(4)] == [401, 401, 401, 429]
    async with running(database_url, limits={"sign_ins": HOUR}, trusted_proxies=("127.0.0.1",)) as hub:
        assert [await guess_from(hub, f"1.2.3.{number}") for number in range(4)] == [401] * 4
        assert [await guess_from(hub, "9.9.9.9, 1.2.3.9") for _ in range(4)] == [401, 401, 401, 429]
        assert [await guess_from(hub, f"2001:db8::{number}") for number in range(4)] == [401, 401, 401, 429]


async def test_a_place_of_a_lost_instance_is_free_after_a_while(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.fanout.shares.PLACE_SECONDS", 2)
    monkeypatch.setattr("server.limits.STAY_EVERY", 0.5)
    with redis_server() as redis:
        limits = {"connections": 1}
        async with running(database_url, redis_url=redis.url, limits=limits) as hub:
            async with device(hub) as held, Device(hub, "ada") as other:
                await asyncio.sleep(3.0)  # it is held on
                await other.connect()
                assert (held.closed, other.closed) == (None, CloseCode.TOO_MANY_CONNECTIONS)
            assert hub.instance is not None
            hub.instance.limits._shared.leave = lambda *place: None  # type: ignore[union-attr,method-assign]  # as if it were killed
            async with device(hub):
                pass
            async with asyncio.timeout(6), Device(hub, "ada") as late:
                await late.connect()
                assert late.closed == CloseCode.TOO_MANY_CONNECTIONS
                while is_out(late):
                    await asyncio.sleep(0.2)
                    await late.connect()


async def test_a_device_that_comes_back_has_the_place_that_it_had(database_url: str) -> None:
    """Nobody knows yet that its former socket is dead, as after the loss of an instance."""
    async with hubs(database_url, 2, limits={"connections": 2}) as made, device(made[0]), Device(made[0], "ada") as one:
        await one.connect()
        assert made[0].instance is not None
        shared = made[0].instance.limits._shared
        assert shared is not None
        shared.leave = lambda owner, name, who: None
        await one.drop()
        one.hub = made[1]
        await one.connect()
        assert one.closed is None


async def test_an_expired_token_is_said_to_be_one_however_many_were_bad_and_a_good_one_is_good(
    database_url: str,
) -> None:
    async with hubs(database_url, 1, limits={"sign_ins": HOUR}) as [hub]:
        assert [(await guessed(hub)).status_code for _ in range(5)] == [401, 401, 401, 429, 429]
        expired = hub.token("ada", lifetime=0.001)
        await asyncio.sleep(0.01)
        assert [(await request(hub, "GET", "/api/sessions", expired)).status_code for _ in range(5)] == [401] * 5
        assert (await listed(hub)).status_code == 200


async def test_what_was_stopped_has_cost_something_too(database_url: str) -> None:
    async with (
        provider(lambda _: ["much", HOLD]) as tutor,
        hubs(database_url, 1, tutor.base_url, limits={"tokens": "4/86400"}) as [hub],
        device(hub) as one,
    ):
        session, sent = await one.begin("what is light? " * 20)
        await one.until(lambda: one.text(sent.reply) == "much")
        await one.ask(ReplyStop, Message, message=sent.reply)
        await asyncio.sleep(0.2)  # it is counted after that
        with pytest.raises(RefusedError) as refused:
            await one.send(session, "and now?")
        assert refused.value.reason is Reason.BUDGET_SPENT


async def test_a_link_to_what_is_gone_is_nobodys_miss(database_url: str, data_dir: Path) -> None:
    async with hubs(database_url, 1, limits={"misses": "1/3600"}, data_dir=data_dir) as [hub]:
        made = (await request(hub, "POST", "/api/media", content=files.picture("PNG", (12, 9)))).json()
        link = (await request(hub, "POST", made["url"] + "/url")).json()["url"]
        assert (await request(hub, "DELETE", made["url"])).status_code == 200
        assert [(await request(hub, "GET", link)).status_code for _ in range(4)] == [404] * 4
        assert (await missed(hub)).status_code == 404
        assert (await missed(hub)).status_code == 429


@pytest.mark.parametrize("count", [1, 2])
async def test_sockets_that_come_at_once_as_one_device_are_counted(database_url: str, count: int) -> None:
    async with hubs(database_url, count, limits={"connections": 3}) as made, AsyncExitStack() as stack:
        coming = [await stack.enter_async_context(Device(made[0], "ada")) for _ in range(12)]
        for each in coming:
            each.named = coming[0].named
        async with asyncio.TaskGroup() as group:
            for each in coming:
                group.create_task(each.connect())
        assert sum(not is_out(each) for each in coming) == 3


@pytest.mark.parametrize("nonsense", ["inf", "9e12", "nan"])
async def test_nonsense_in_redis_is_no_fault_and_is_not_remembered(database_url: str, nonsense: str) -> None:
    with redis_server() as redis:
        async with running(database_url, redis_url=redis.url, limits={"commands": "400/20000"}) as hub:
            async with asyncio.timeout(5):
                while not redis.run("KEYS", "*:limit:*"):
                    await listed(hub)
            found = redis.run("KEYS", "*:limit:*")
            assert isinstance(found, list)
            for key in cast("list[bytes]", found):
                redis.run("SET", key, nonsense)
            assert (await listed(hub)).status_code in (200, 429)
            redis.run("FLUSHALL")
            assert (await listed(hub)).status_code == 200
