"""Several hubs on one data folder or one database: who starts what, who stops it, and who is refused."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import scalar_row

from server.store.embedded import embedded
from server.store.shared import listens
from sql import load
from tests.hostile import http
from tests.hub import SECRET, Hub

WITHIN = 30.0

# `tutorhub serve`, but for what a line before it changes.
PROGRAM = "from server import cli\n{}\ncli.main(['serve'])"
NO_PROGRAM = "from server.fanout import embedded_redis; embedded_redis.redis_program = lambda: None"
IMPATIENT = "from server.store import presence; presence.PATIENCE = 0.5"
NOBODY = "redis://:canary-password@127.0.0.1:1"


@asynccontextmanager
async def start(*changes: str, **environ: str) -> AsyncGenerator[Process]:
    """A process that is ended, if it still runs, by its id."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TUTORHUB_", "OPENAI_", "DATABASE_", "REDIS_"))
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM.format("\n".join(changes)),
        env=clean | {"TUTORHUB_PORT": "0", "TUTORHUB_JWT_SECRET": SECRET} | environ,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(WITHIN):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        for unread in await process.communicate():
            sys.stderr.write(unread.decode())  # the test's own output, which is searched for canaries


async def listening(process: Process) -> Hub:
    assert process.stdout is not None
    assert process.stderr is not None
    first = (await process.stdout.readline()).decode()
    assert "listens on" in first, (await process.stderr.read()).decode()
    return Hub(int(first.rsplit(":", 1)[1]))


async def ready(hub: Hub) -> bool:
    return (await http(hub, "GET", "/readyz")).status == 200


async def end(process: Process) -> None:
    process.terminate()
    assert await process.wait() == 0


async def refusal(process: Process) -> str:
    """The one line of a hub that does not start, after what it may have said while it waited."""
    assert process.stderr is not None
    *before, last = (await process.stderr.read()).decode().splitlines()
    assert await process.wait() == 1
    assert all("Waiting" in line for line in before), before
    assert last.startswith("Error: ")
    assert "canary" not in last
    return last


def servers(data_dir: Path) -> list[bool]:
    """Which servers of a folder run: PostgreSQL, Redis."""
    return [listens(data_dir / "postgres/.s.PGSQL.5432"), listens(data_dir / "redis/redis.sock")]


def value(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo, autocommit=True, row_factory=scalar_row) as conn:
        return conn.execute(query.encode()).fetchone()


async def test_hubs_that_start_together_on_a_folder_share_its_servers_until_the_last_has_left(data_dir: Path) -> None:
    folder = {"TUTORHUB_DATA_DIR": str(data_dir)}
    async with start(**folder) as one, start(**folder) as two, start(**folder) as three:
        hubs = [await listening(process) for process in (one, two, three)]
        assert [await ready(hub) for hub in hubs] == [True] * 3
        await end(one)
        assert servers(data_dir) == [True, True]
        two.kill()
        await two.wait()
        assert await ready(hubs[2])
        async with start(**folder) as four:
            assert await ready(await listening(four))
            await end(three)
            assert servers(data_dir) == [True, True]
            await end(four)
    assert servers(data_dir) == [False, False]


async def test_without_a_redis_one_hub_runs_and_says_so_and_a_second_is_told_what_to_do(data_dir: Path) -> None:
    folder = {"TUTORHUB_DATA_DIR": str(data_dir)}
    async with start(NO_PROGRAM, **folder) as first:
        hub = await listening(first)
        assert first.stdout is not None
        said = [(await first.stdout.readline()).decode().strip() for _ in range(3)]
        assert "redis     none: a single instance" in said
        async with start(NO_PROGRAM, IMPATIENT, **folder) as second:
            told = await refusal(second)
            assert "tutorhub[laptop]" in told
        async with start(IMPATIENT, **folder) as third:  # it has a Redis, but the first does not listen to it
            told = await refusal(third)
            assert "hears nobody" in told
        assert await ready(hub)
        await end(first)
    assert servers(data_dir) == [False, False]


async def test_a_hub_without_a_redis_is_refused_where_another_is(database_url: str) -> None:
    async with start(TUTORHUB_DATABASE_URL=database_url, TUTORHUB_REDIS_URL=NOBODY) as first:
        assert await ready(await listening(first))  # its Redis may come later
        async with start(IMPATIENT, TUTORHUB_DATABASE_URL=database_url) as second:
            told = await refusal(second)
            assert "TUTORHUB_REDIS_URL" in told


async def test_a_hub_with_a_redis_is_refused_where_one_without_is(database_url: str) -> None:
    async with start(TUTORHUB_DATABASE_URL=database_url) as first:
        await listening(first)
        async with start(IMPATIENT, TUTORHUB_DATABASE_URL=database_url, TUTORHUB_REDIS_URL=NOBODY) as second:
            told = await refusal(second)
            assert "hears nobody" in told


async def test_hubs_with_a_redis_run_together(database_url: str) -> None:
    urls = {"TUTORHUB_DATABASE_URL": database_url, "TUTORHUB_REDIS_URL": NOBODY}
    async with start(**urls) as first, start(TUTORHUB_ROLES="tutor, hub", **urls) as second:
        assert await ready(await listening(first))
        assert await ready(await listening(second))


async def test_a_hub_waits_for_the_one_that_it_replaces(database_url: str) -> None:
    async with start(TUTORHUB_DATABASE_URL=database_url) as old:
        await listening(old)
        async with start(TUTORHUB_DATABASE_URL=database_url) as new:
            assert new.stderr is not None
            assert b"Waiting up to 15 s" in await new.stderr.readline()
            await end(old)
            assert await ready(await listening(new))


async def test_of_hubs_without_a_redis_that_look_at_the_same_moment_one_serves(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("BEGIN")
            conn.execute(load("health")["look_one_at_a_time"])
            started = [
                await stack.enter_async_context(start(IMPATIENT, TUTORHUB_DATABASE_URL=database_url)) for _ in range(3)
            ]
            while value(database_url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") != 3:
                await asyncio.sleep(0.05)
        outputs = [process.stdout for process in started if process.stdout is not None]
        said = [(await output.readline()).decode() for output in outputs]
        assert sum("listens on" in line for line in said) == 1


async def test_a_sigterm_while_it_waits_to_start_ends_it_in_order(data_dir: Path) -> None:
    async with AsyncExitStack() as stack:
        with embedded(data_dir, durable=False) as conninfo:
            stack.enter_context(closing(psycopg.connect(conninfo, application_name="tutorhub alone")))
            waits = await stack.enter_async_context(start(TUTORHUB_DATA_DIR=str(data_dir)))
            assert waits.stderr is not None
            assert b"Waiting" in await waits.stderr.readline()
        assert servers(data_dir) == [True, True]
        waits.send_signal(signal.SIGUSR1)  # somebody wants its counts, which it has not yet
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waits.wait(), 0.5)
        waits.terminate()
        assert b"Traceback" not in await waits.stderr.read()
        await waits.wait()
        assert servers(data_dir) == [False, False]


@pytest.mark.parametrize("role", ["hub", "tutor"])
async def test_a_hub_and_a_tutor_apart_need_a_redis(database_url: str, role: str) -> None:
    async with start(TUTORHUB_DATABASE_URL=database_url, TUTORHUB_ROLES=role) as process:
        told = await refusal(process)
        assert f"TUTORHUB_ROLES={role}" in told
        assert "TUTORHUB_REDIS_URL" in told


async def test_a_role_is_said_at_start(data_dir: Path) -> None:
    async with start(TUTORHUB_DATA_DIR=str(data_dir), TUTORHUB_ROLES="tutor") as process:
        await listening(process)
        assert process.stdout is not None
        said = [(await process.stdout.readline()).decode().strip() for _ in range(4)]
        assert "role      tutor" in said
        assert f"redis     its own, in {data_dir}" in said
        await end(process)


@pytest.mark.parametrize(
    "wrong",
    [
        "redis://:canary@cache:port",
        "redis://:canary@cache/0?db=first",
        "redis://:canary@cache?no_such_option=1",
        "rediss://:canary@cache?ssl_ca_certs=/nowhere/ca.pem",
    ],
)
async def test_a_redis_url_that_is_none_is_one_line_that_names_it(database_url: str, wrong: str) -> None:
    async with start(TUTORHUB_DATABASE_URL=database_url, TUTORHUB_REDIS_URL=wrong) as process:
        assert "TUTORHUB_REDIS_URL" in await refusal(process)


async def test_a_redis_that_was_set_is_used_instead_of_one_of_its_own(data_dir: Path) -> None:
    async with start(TUTORHUB_DATA_DIR=str(data_dir), TUTORHUB_REDIS_URL=NOBODY) as process:
        await listening(process)
        assert servers(data_dir) == [True, False]
        await end(process)
