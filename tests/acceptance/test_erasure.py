"""A user who is erased is gone: from the database, from Redis, from every device; also if who began it is lost.

Long because each way back is tried.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import httpx2
import psycopg
import pytest
import pytest_asyncio

from protocol.commands import SessionCreate
from protocol.errors import CloseCode
from protocol.ids import UserId
from server import erasure
from server.edge import connection
from server.fanout.broker_redis import RedisBroker
from server.store import migrations
from server.store.erasure import mark
from tests import files
from tests.device import device
from tests.hub import SECRET, Hub, child, running
from tests.provider import HOLD, Provider, provider
from tests.redis_server import RedisServer, redis_server
from tests.tokens import signed

PICTURE = files.picture("PNG", (120, 90))
TABLES = ("users", "sessions", "messages", "turns", "devices", "media")
HEARD_WITHIN = 2.0
GONE_WITHIN = 60.0
"""Seconds, by the row B22 of the product."""


@pytest_asyncio.fixture
async def world(
    database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[tuple[Hub, Hub, Provider, RedisServer]]:
    """Two instances, a tutor that waits in the middle of its answer, and a Redis; all clocks are the same."""
    monkeypatch.setattr(erasure, "LEEWAY", 0.0)
    with redis_server() as redis:
        async with (
            provider(lambda _: ["light is ", HOLD, "a wave"]) as tutor,
            running(database_url, tutor.base_url, redis_url=redis.url, data_dir=data_dir) as here,
            running(database_url, tutor.base_url, redis_url=redis.url, data_dir=data_dir) as there,
        ):
            yield here, there, tutor, redis


async def ask(hub: Hub, method: str, path: str, token: str, **more: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=hub.url, verify=False) as client:
        return await client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)


def rows(database_url: str, user: str) -> dict[str, int]:
    with psycopg.connect(database_url) as conn:
        counts = {
            table: conn.execute(f"SELECT count(*) FROM {table} WHERE user_id = %s", (user,)).fetchone()
            for table in TABLES
        }
        erasing = conn.execute("SELECT count(*) FROM revocations WHERE erasing IS NOT NULL").fetchone()
    return {table: found[0] for table, found in {**counts, "erasing": erasing}.items() if found and found[0]}


def lying(data_dir: Path) -> list[Path]:
    return [path for path in data_dir.rglob("*") if path.is_file()]


def keys(redis: RedisServer, hub: Hub, user: str) -> list[bytes]:
    """In Redis nobody has a name; an instance knows the hash."""
    assert hub.instance is not None
    assert isinstance(hub.instance.broker, RedisBroker)
    found = redis.run("KEYS", hub.instance.broker.seal.drafts(UserId(user)))
    assert isinstance(found, list)
    return cast("list[bytes]", found)


async def gone(database_url: str, redis: RedisServer, hub: Hub, user: str) -> float:
    """Seconds until nothing of the user is left."""
    begun = time.monotonic()
    async with asyncio.timeout(GONE_WITHIN):
        while rows(database_url, user) or keys(redis, hub, user):
            await asyncio.sleep(0.2)
    return time.monotonic() - begun


async def test_everything_of_a_user_is_gone_within_a_minute_and_their_devices_are_told(
    world: tuple[Hub, Hub, Provider, RedisServer], database_url: str, data_dir: Path
) -> None:
    here, there, tutor, redis = world
    async with device(here) as one, device(there, name="other") as other, device(there, "bob") as bob:
        session, sent = await one.begin("what is light?")
        await other.open(session)
        await other.until(lambda: other.text(sent.reply) == "light is ")
        _, kept = await bob.begin("what is light?")
        await bob.until(lambda: bob.text(kept.reply) == "light is ")
        added = await ask(here, "POST", "/api/media", here.token("ada"), content=files.picture("PNG", (120, 90)))
        assert added.status_code == 201
        assert set(rows(database_url, "ada")) >= {"users", "sessions", "messages", "turns", "media"}
        assert lying(data_dir)
        assert keys(redis, here, "ada")
        token = there.token("ada")
        assert (await ask(there, "DELETE", "/api/me", token)).status_code == 202
        for each in (one, other):
            await each.until(lambda each=each: each.closed is not None)
            assert each.closed == CloseCode.ERASED
        assert (await ask(here, "GET", "/api/sessions", here.token("ada"))).status_code == 401, "not even a new token"
        assert await gone(database_url, redis, here, "ada") < GONE_WITHIN
        assert not lying(data_dir)
        tutor.release()
        assert (await bob.settled(kept.reply)).content == "light is a wave"
        await asyncio.sleep(HEARD_WITHIN)
        assert (rows(database_url, "ada"), keys(redis, here, "ada")) == ({}, [])
        assert (await ask(here, "GET", "/api/sessions", token)).status_code == 401
        async with device(here) as again:
            assert again.timeline.sessions == {}
            assert again.welcome is not None


async def test_what_a_lost_instance_has_begun_another_one_ends(
    world: tuple[Hub, Hub, Provider, RedisServer], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _, _, redis = world
    monkeypatch.setattr(erasure, "LEFT_AFTER", 1.0)
    async with device(here) as one:
        await one.begin("what is light?")
    async with migrations.in_use(database_url) as conn:
        await mark(conn, UserId("ada"))  # and then nothing more is done by whoever did it
    assert await gone(database_url, redis, here, "ada") < GONE_WITHIN


async def test_a_large_user_goes_piece_by_piece(
    world: tuple[Hub, Hub, Provider, RedisServer], database_url: str
) -> None:
    here, there, _, redis = world
    async with device(there) as one:
        session = await one.create()
    with psycopg.connect(database_url) as conn:
        conn.execute(
            """INSERT INTO messages
                (user_id, id, session_id, position, type, content, seq, created_seq, body_hash)
            SELECT 'ada', gen_random_uuid(), %s, n, 'user', 'light', 1, 1, sha256('x')
            FROM generate_series(1, 20000) AS n""",
            (session,),
        )
    begun = time.monotonic()
    assert (await ask(here, "DELETE", "/api/me", here.token("ada"))).status_code == 202
    assert time.monotonic() - begun < 2.0
    async with device(here, "bob") as bob:
        await bob.create()
    assert await gone(database_url, redis, here, "ada") < GONE_WITHIN


async def test_an_operator_erases_from_the_command_line_and_a_hub_that_runs_does_it(
    database_url: str, data_dir: Path
) -> None:
    """The command does not know where the files lie; the hub does."""
    with redis_server() as redis:
        environ = {"TUTORHUB_REDIS_URL": redis.url, "TUTORHUB_DATA_DIR": str(data_dir)}
        async with child(database_url, None, **environ) as made, device(made.hub) as one:
            await one.create()
            added = await ask(made.hub, "POST", "/api/media", made.hub.token("ada"), content=PICTURE)
            assert added.status_code == 201
            assert "erased: ada" in await erase(database_url, redis)
            await one.until(lambda: one.closed is not None)
            assert one.closed == CloseCode.ERASED
            assert (rows(database_url, "ada"), lying(data_dir)) == ({}, [])


async def test_without_a_hub_the_command_erases_if_it_knows_where_the_files_lie(
    database_url: str, data_dir: Path
) -> None:
    with redis_server() as redis:
        async with running(database_url, redis_url=redis.url, data_dir=data_dir) as hub, device(hub) as one:
            await one.begin("what is light?")
            assert (await ask(hub, "POST", "/api/media", hub.token("ada"), content=PICTURE)).status_code == 201
        assert "do not lie where this command looks" in await erase(database_url, redis)
        assert set(rows(database_url, "ada")) >= {"users", "media"}, "nothing was begun"
        assert "erased: ada" in await erase(database_url, redis, TUTORHUB_DATA_DIR=str(data_dir))
        assert (rows(database_url, "ada"), lying(data_dir)) == ({}, [])
        assert redis.run("KEYS", "*:draft:*") == []
        assert "Nothing is kept of a user ada." in await erase(database_url, redis)


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ("", "A user's name has 1 to 255 characters"),
        ("x" * 8_000, "A user's name has 1 to 255"),
        ("\udcff", "A user's"),
        ("who", "Nothing is kept"),
    ],
    ids=["nobody", "long", "no letter", "never seen"],
)
async def test_whom_there_cannot_be_or_is_not_is_said_in_a_line(database_url: str, user: str, says: str) -> None:
    with redis_server() as redis:
        said = await erase(database_url, redis, user)
    assert says in said
    assert "Traceback" not in said


async def test_a_database_that_is_away_is_said_in_a_line() -> None:
    with redis_server() as redis:
        said = await erase("postgresql://127.0.0.1:1/x", redis)
    assert said.startswith("Error: The database cannot be reached")


async def test_a_token_of_a_clock_that_is_ahead_brings_nobody_back(database_url: str) -> None:
    async with running(database_url) as hub:
        ahead = signed({"sub": "ada", "iat": time.time() + 25, "jti": "x"})
        assert (await ask(hub, "POST", "/api/sessions", ahead, json={})).status_code == 201
        assert (await ask(hub, "DELETE", "/api/me", ahead)).status_code == 202
        async with asyncio.timeout(GONE_WITHIN):
            while rows(database_url, "ada"):
                await asyncio.sleep(0.2)
        await asyncio.sleep(HEARD_WITHIN)
        assert (await ask(hub, "POST", "/api/sessions", ahead, json={})).status_code == 401
        assert rows(database_url, "ada") == {}


async def erase(database_url: str, redis: RedisServer, user: str = "ada", **more: str) -> str:
    """What `tutorhub user erase` says."""
    environ = {
        "TUTORHUB_DATABASE_URL": database_url,
        "TUTORHUB_REDIS_URL": redis.url,
        "TUTORHUB_JWT_SECRET": SECRET,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "user", "erase", user, "--yes"),
        env=environ | {"TUTORHUB_DATA_DIR": "/nonexistent"} | more,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode()


async def test_an_upload_that_was_under_way_brings_nobody_back(
    world: tuple[Hub, Hub, Provider, RedisServer], database_url: str, data_dir: Path
) -> None:
    here, there, _, redis = world
    picture, token, gate = files.picture("PNG", (120, 90)), here.token("ada"), asyncio.Event()

    async def slowly() -> AsyncGenerator[bytes]:
        yield picture[:100]
        await gate.wait()
        yield picture[100:]

    async with asyncio.TaskGroup() as group:
        uploading = group.create_task(ask(here, "POST", "/api/media", token, content=slowly()))
        async with asyncio.timeout(10):
            while not lying(data_dir):
                await asyncio.sleep(0.05)
        assert (await ask(there, "DELETE", "/api/me", token)).status_code == 202
        await gone(database_url, redis, here, "ada")
        gate.set()
    assert uploading.result().status_code == 401
    assert (rows(database_url, "ada"), lying(data_dir)) == ({}, [])


async def test_what_was_asked_for_before_the_socket_was_closed_is_not_done_after_it(
    world: tuple[Hub, Hub, Provider, RedisServer], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there, _, redis = world
    holding = asyncio.Event()
    obeyed, real = list[object](), connection.obey

    async def slow(*arguments: Any) -> Any:
        obeyed.append(arguments[-1])
        await holding.wait()
        return await real(*arguments)

    monkeypatch.setattr(connection, "obey", slow)
    async with device(here) as one:
        for number in range(5):
            await one.say(SessionCreate(ref=900 + number))
        await ask(there, "DELETE", "/api/me", there.token("ada"))
        await one.until(lambda: one.closed is not None)
        holding.set()
    assert await gone(database_url, redis, here, "ada") < GONE_WITHIN
    assert len(obeyed) == 1


async def test_who_comes_back_keeps_what_they_make_whoever_else_has_begun_to_erase(
    world: tuple[Hub, Hub, Provider, RedisServer], database_url: str
) -> None:
    """An instance that goes on with what another one has finished finds nothing to do."""
    here, there, _, redis = world
    assert here.instance is not None
    async with device(there) as one:
        await one.create()
    ada = UserId("ada")
    await ask(there, "DELETE", "/api/me", there.token("ada"))
    await gone(database_url, redis, here, "ada")
    await asyncio.sleep(HEARD_WITHIN)
    async with device(there) as again:
        session = await again.create()
        await erasure.erase(here.instance, ada)
        assert session in again.timeline.sessions
        assert rows(database_url, "ada")["sessions"] == 1


async def test_without_redis_a_user_is_erased_all_the_same(
    world: tuple[Hub, Hub, Provider, RedisServer], database_url: str
) -> None:
    here, _, _, redis = world
    async with device(here) as one:
        await one.create()
        redis.kill()
        await ask(here, "DELETE", "/api/me", here.token("ada"))
        async with asyncio.timeout(GONE_WITHIN):
            while rows(database_url, "ada"):
                await asyncio.sleep(0.2)
