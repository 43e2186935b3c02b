"""A token that was revoked lets nobody in any more, and those whom it let in are out, on every instance at once."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from protocol.answers import Nothing
from protocol.commands import AuthRefresh, Ping
from protocol.errors import CloseCode, Reason
from protocol.events import Pong, TokenExpiring
from protocol.ids import UserId
from server.edge import expiry
from server.edge.identity import mint
from server.store import migrations, revocations
from server.store.revocations import Revocation
from tests.device import Device, RefusedError, device
from tests.hub import SECRET, Hub, hub_settings, running
from tests.tokens import signed

HEARD_WITHIN = 2.0
"""Seconds, by the row B20 of the product."""


@pytest_asyncio.fixture
async def hubs(database_url: str) -> AsyncGenerator[tuple[Hub, Hub]]:
    """Two instances that do not hear each other: there is no Redis."""
    async with running(database_url) as here, running(database_url) as there:
        yield here, there


@contextmanager
def soon() -> Generator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < HEARD_WITHIN


async def asked(hub: Hub, method: str, path: str, token: str, **more: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=hub.url) as client:
        return await client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)


async def closed(each: Device) -> int | None:
    await each.until(lambda: each.closed is not None)
    return each.closed


async def well(each: Device) -> bool:
    ref = each._next()
    await each.say(Ping(ref=ref))
    await each.until(lambda: ref in each._answers or each.closed is not None)
    return isinstance(each._answers.get(ref), Pong)


async def test_signing_out_closes_what_the_token_let_in_everywhere_and_nothing_else(hubs: tuple[Hub, Hub]) -> None:
    here, there = hubs
    lost, kept = here.token("ada"), here.token("ada")
    async with Device(here, "ada", "a") as one, Device(there, "ada", "b") as two, Device(there, "ada", "c") as other:
        await one.connect(token=lost)
        await two.connect(token=lost)
        await other.connect(token=kept)
        with soon():
            assert (await asked(here, "POST", "/auth/sign-out", lost, json={})).status_code == 200
            assert await closed(one) == await closed(two) == CloseCode.SIGNED_OUT
        assert await well(other)
        for hub in hubs:
            refused = await asked(hub, "GET", "/api/sessions", lost)
            assert (refused.status_code, refused.json()["title"]) == (401, "Signed out")
            assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
            assert (await asked(hub, "GET", "/api/sessions", kept)).status_code == 200
        await one.connect(token=lost)
        assert await closed(one) == CloseCode.SIGNED_OUT


async def test_signing_out_everywhere_leaves_nobody_and_a_new_token_is_good(hubs: tuple[Hub, Hub]) -> None:
    here, there = hubs
    tokens = [here.token("ada"), signed({"sub": "ada"}), signed({"sub": "ada", "jti": "x", "iat": time.time() - 60})]
    async with Device(here, "ada", "a") as one, Device(there, "ada", "b") as two, device(there, "bob") as bob:
        await one.connect(token=tokens[1])
        await two.connect(token=tokens[2])
        with soon():
            answer = await asked(there, "POST", "/auth/sign-out", tokens[0], json={"everywhere": True})
            assert answer.status_code == 200
            assert await closed(one) == await closed(two) == CloseCode.SIGNED_OUT
        assert await well(bob)
        assert [(await asked(here, "GET", "/api/sessions", token)).status_code for token in tokens] == [401] * 3
        await one.connect(token=here.token("ada"))
        assert await well(one)


async def test_a_token_without_an_id_cannot_be_revoked_alone(hubs: tuple[Hub, Hub]) -> None:
    token = signed({"sub": "ada"})
    answer = await asked(hubs[0], "POST", "/auth/sign-out", token, json={})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "everywhere")


async def test_a_refresh_kicks_nobody_and_the_token_before_it_no_longer_matters(hubs: tuple[Hub, Hub]) -> None:
    here, there = hubs
    first, second = here.token("ada"), here.token("ada")
    async with Device(here, "ada", "a") as refreshed, Device(here, "ada", "b") as beside:
        await refreshed.connect(token=first)
        await beside.connect(token=second)
        await refreshed.ask(AuthRefresh, Nothing, token=here.token("ada"))
        assert await well(beside)
        await asked(there, "POST", "/auth/sign-out", first, json={})
        await asyncio.sleep(HEARD_WITHIN)  # nothing happens, which takes time
        assert await well(refreshed)
        with pytest.raises(RefusedError) as refused:
            await refreshed.ask(AuthRefresh, Nothing, token=first)
        assert refused.value.reason is Reason.UNAUTHENTICATED
        assert await well(refreshed)


async def test_the_end_of_a_token_is_said_and_then_it_closes(
    hubs: tuple[Hub, Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "SAID_BEFORE", 1.0)
    async with Device(hubs[0], "ada") as each:
        await each.connect(token=hubs[0].token("ada", lifetime=2.0))
        told = await each.until_event(TokenExpiring)
        assert 0 < told.in_ms <= 1_000
        assert await closed(each) == CloseCode.TOKEN_EXPIRED


async def test_who_is_let_in_while_somebody_revokes_is_found(hubs: tuple[Hub, Hub]) -> None:
    """The revocation was heard before the device was in its room, so it is looked for again."""
    here, there = hubs
    token = here.token("ada")
    await asked(here, "POST", "/auth/sign-out", token, json={})
    await asyncio.sleep(HEARD_WITHIN)
    assert there.instance is not None
    there.instance.standing._held.clear()

    async def nothing(whose: bytes) -> dict[str, Revocation]:
        return {}

    read, there.instance.standing._read = there.instance.standing._read, nothing  # as it was read before
    async with Device(there, "ada") as late:
        with soon():
            await late.connect(token=token)
            assert await closed(late) == CloseCode.SIGNED_OUT
    there.instance.standing._read = read


async def test_a_user_sees_their_devices_and_signs_one_out_there(hubs: tuple[Hub, Hub]) -> None:
    here, there = hubs
    mine, theirs = here.token("ada"), here.token("ada")
    async with Device(here, "ada", "phone") as phone, Device(there, "ada", "tablet") as tablet, device(here, "bob"):
        await phone.connect(token=mine)
        await tablet.connect(token=theirs)
        async with asyncio.timeout(10):
            while len(listed := (await asked(here, "GET", "/api/devices", mine)).json()["devices"]) < 2:
                await asyncio.sleep(0.1)
        assert {each["name"]: each["current"] for each in listed} == {
            phone.named.name: True,
            tablet.named.name: False,
        }
        for named, status in ((phone.named.id, 403), ("unknown", 404), ("no%20id", 404)):
            assert (await asked(here, "DELETE", f"/api/devices/{named}", mine)).status_code == status
        as_bob = await asked(here, "DELETE", f"/api/devices/{tablet.named.id}", here.token("bob"))
        assert as_bob.status_code == 404
        with soon():
            assert (await asked(here, "DELETE", f"/api/devices/{tablet.named.id}", mine)).status_code == 200
            assert await closed(tablet) == CloseCode.SIGNED_OUT
        assert await well(phone)
        left = (await asked(here, "GET", "/api/devices", mine)).json()["devices"]
        assert [each["id"] for each in left] == [phone.named.id]


async def test_a_user_has_no_more_devices_than_are_kept(hubs: tuple[Hub, Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.store.devices.LISTED", 3)
    names = []
    for number in range(5):
        async with device(hubs[0], "ada", f"d{number}") as each:
            async with asyncio.timeout(10):
                while each.named.name not in names:
                    await asyncio.sleep(0.1)
                    listed = (await asked(hubs[0], "GET", "/api/devices", hubs[0].token("ada"))).json()["devices"]
                    names = [each["name"] for each in listed]
    assert [name.split()[0] for name in names] == ["d4", "d3", "d2"]


@pytest.mark.parametrize("by", ["token", "user", "id"])
async def test_an_operator_revokes_from_the_command_line(hubs: tuple[Hub, Hub], database_url: str, by: str) -> None:
    here, there = hubs
    token = mint(SECRET, "ada")
    known = signed({"sub": "ada", "jti": "known"}) if by == "id" else token
    arguments = {"token": [token], "user": ["--user", "ada"], "id": ["--user", "ada", "--id", "known"]}[by]
    async with Device(there, "ada") as each:
        await each.connect(token=known)
        said = await revoke(database_url, *arguments)
        assert said.startswith("revoked: ")
        assert token not in said
        with soon():
            assert await closed(each) == CloseCode.SIGNED_OUT
        assert (await asked(here, "GET", "/api/sessions", known)).status_code == 401


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Which tokens?"),
        (["x.y.z"], "This token lets nobody in"),
        (["x.y.z", "--user", "ada"], "Which tokens?"),
        (["--id", "known"], "Which tokens?"),
        (["--user", "ada", "--id", ""], "Which tokens?"),
        (["--user", ""], "Which tokens?"),
        (["WITHOUT ID"], "This token has no id"),
    ],
)
async def test_what_cannot_be_revoked_is_said_in_a_line(database_url: str, arguments: list[str], says: str) -> None:
    without_id = signed({"sub": "ada"})  # made now: it expires
    said = await revoke(database_url, *(without_id if each == "WITHOUT ID" else each for each in arguments))
    assert said.startswith(f"Error: {says}")
    assert "Traceback" not in said


async def revoke(database_url: str, *arguments: str) -> str:
    """What `tutorhub token revoke` says."""
    settings = hub_settings(database_url, None)
    environ = {"TUTORHUB_DATABASE_URL": database_url, "TUTORHUB_JWT_SECRET": settings.jwt_secret or ""}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        "token",
        "revoke",
        *arguments,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode()


async def test_a_device_that_has_just_taken_a_fresh_token_is_signed_out_all_the_same(hubs: tuple[Hub, Hub]) -> None:
    here, _ = hubs
    async with Device(here, "ada", "phone") as phone, Device(here, "ada", "tablet") as tablet:
        await phone.connect(token=here.token("ada"))
        await tablet.connect(token=here.token("ada"))
        await tablet.ask(AuthRefresh, Nothing, token=here.token("ada"))
        path = f"/api/devices/{tablet.named.id}"
        assert (await asked(here, "DELETE", path, here.token("ada"))).status_code == 200
        with soon():
            assert await closed(tablet) == CloseCode.SIGNED_OUT
        assert await well(phone)


async def test_a_thousand_revocations_are_heard_at_once(hubs: tuple[Hub, Hub], database_url: str) -> None:
    here, _ = hubs
    async with migrations.in_use(database_url) as conn:
        for number in range(1_000):
            await revocations.revoke(conn, UserId(f"user-{number}"), "token", time.time() + 60)
    async with device(here, "user-7") as one:
        begun = time.monotonic()
        assert await well(one)
        assert time.monotonic() - begun < 0.5


async def test_a_device_is_signed_out_with_all_its_sockets_whatever_let_them_in(hubs: tuple[Hub, Hub]) -> None:
    here, there = hubs
    async with Device(here, "ada", "laptop") as one, Device(there, "ada", "tab") as other, device(here, "bob") as bob:
        other.named = bob.named = one.named
        await one.connect(token=here.token("ada"))
        second = there.token("ada")
        await other.connect(token=second)
        async with asyncio.timeout(10):
            while not (await asked(here, "GET", "/api/devices", here.token("ada"))).json()["devices"]:
                await asyncio.sleep(0.1)
        with soon():
            path = f"/api/devices/{one.named.id}"
            assert (await asked(here, "DELETE", path, here.token("ada"))).status_code == 200
            assert await closed(one) == await closed(other) == CloseCode.SIGNED_OUT
        assert await well(bob)
        await other.connect(token=second)
        assert await closed(other) == CloseCode.SIGNED_OUT
        await one.connect(token=here.token("ada"))
        assert await well(one)
