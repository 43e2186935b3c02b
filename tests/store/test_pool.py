"""Connections that die, are silent, or are of a server that is of no use any more."""

import asyncio
import traceback
from collections.abc import Generator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from server.errors import ConnectionBroken, Unavailable
from server.store.failures import DatabaseFault
from server.store.pool import LENT_FOR, Database, execute
from sql import load
from tests.database_proxy import database_proxy
from tests.postgres import Postgres, postgres

_ALIVE = load("health")["alive"]
SIZE = 8


@pytest.fixture(scope="module")
def own() -> Generator[Postgres]:
    with postgres() as made:
        yield made


async def _at_once(database: Database, many: int = SIZE) -> None:
    """So many requests that each hold a connection at the same time."""
    together = asyncio.Barrier(many)

    async def request() -> None:
        async with database.connection() as conn:
            await execute(conn, _ALIVE, {})
            await together.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(many):
            group.create_task(request())


async def _one(database: Database) -> None:
    async with database.connection() as conn:
        await execute(conn, _ALIVE, {})


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_after_a_restart_the_next_requests_succeed_at_once(own: Postgres, mode: str) -> None:
    loop = asyncio.get_running_loop()
    async with Database(own.url, SIZE) as database:
        await _at_once(database)
        await own.restart(mode)
        began = loop.time()
        await _at_once(database)
        assert loop.time() - began < 0.9, "nobody has waited for the pool's pause of a second"
        assert not database.away


async def test_a_connection_that_is_terminated_while_it_is_used_is_a_broken_one(own: Postgres) -> None:
    async with Database(own.url, SIZE) as database:
        await _at_once(database)
        assert not database.failed_within(60)
        with pytest.raises(ConnectionBroken) as broken:
            await _terminated(own, database)
        assert (broken.value.unsure, database.failed_within(60)) == (False, True)
        await _at_once(database)
        assert not database.away


async def _terminated(own: Postgres, database: Database) -> None:
    async with database.connection() as conn:
        async with await psycopg.AsyncConnection.connect(own.url, autocommit=True) as ours:
            await ours.execute("SELECT pg_terminate_backend(%s, 5000)", (conn.info.backend_pid,))
        await execute(conn, _ALIVE, {})


async def test_while_the_database_is_down_it_is_away_and_then_it_is_not(own: Postgres) -> None:
    async with Database(own.url, SIZE) as database:
        await _one(database)
        await own.stop()
        for lend in (database.connection, database.reserved):
            with pytest.raises(ConnectionBroken):
                async with lend() as conn:
                    await execute(conn, _ALIVE, {})
        assert database.away
        await own.start()
        async with asyncio.timeout(2):
            while database.away:
                try:
                    await _one(database)
                except Unavailable:
                    await asyncio.sleep(0.05)


async def test_all_connections_in_use_is_not_away(own: Postgres) -> None:
    async with Database(own.url, 2) as database:
        async with database.connection(), database.connection():
            with pytest.raises(Unavailable) as refused:
                await _one(database)
        assert (type(refused.value), database.away, database.failed_within(60)) == (Unavailable, False, False)


async def test_a_silent_connection_is_cut_and_what_waits_on_it_ends(own: Postgres) -> None:
    """Also where it is said to a server that takes everything and answers nothing, as the way to cancel would be."""
    loop = asyncio.get_running_loop()
    async with database_proxy(own.url) as proxy, Database(proxy.url, 2) as database:
        await _at_once(database, 2)
        proxy.hole = True
        began = loop.time()
        with pytest.raises(ConnectionBroken):
            await _one(database)
        assert LENT_FOR <= loop.time() - began < LENT_FOR + 1
        proxy.hole = False


async def test_who_is_cancelled_while_waiting_for_a_silent_server_does_not_wait_on(own: Postgres) -> None:
    loop = asyncio.get_running_loop()
    async with database_proxy(own.url) as proxy, Database(proxy.url, 2) as database:
        await _at_once(database, 2)
        proxy.hole = True
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await _one(database)
        assert loop.time() - began < 0.6
        proxy.hole = False


async def test_of_several_hosts_the_one_that_can_be_written_to_is_taken(own: Postgres) -> None:
    async with own.standby() as standby:
        hosts = f"{standby.folder},{own.folder}"
        url = make_conninfo(own.url, host=hosts, port="5432,5432", target_session_attrs="read-write")
        async with Database(url, SIZE) as database:
            await _at_once(database)
            async with database.connection() as conn:
                assert conn.info.host == str(own.folder)


async def test_a_connection_to_a_standby_is_of_no_use_and_is_replaced_after_a_promotion(own: Postgres) -> None:
    """As when what was the primary comes back behind the same address."""
    async with own.standby() as standby, Database(standby.url, 2) as database:
        await _at_once(database, 2)
        with pytest.raises(ConnectionBroken):
            await _write(database)
        await standby.promote()
        await _write(database)
        await _write(database)


async def _write(database: Database) -> None:
    async with database.connection() as conn:
        await conn.execute("CREATE TABLE IF NOT EXISTS written (n int)")


async def test_what_the_database_says_of_a_fault_of_ours_holds_no_row(database_url: str) -> None:
    """It repeats the row that it refuses, and what is raised is logged."""
    async with Database(database_url, 2) as database:
        with pytest.raises(DatabaseFault) as fault:
            async with database.connection() as conn:
                await conn.execute(b"INSERT INTO users (user_id, seq) VALUES ('canary', -1)")
    said = "".join(traceback.format_exception(fault.value))
    assert "CheckViolation 23514" in said
    assert "Failing row" not in said
    assert "(canary" not in said


async def test_statements_are_planned_for_any_user_once(own: Postgres) -> None:
    """As tests/sql/test_plans_of_users.py looks at them."""
    async with Database(own.url, SIZE) as database, database.connection() as conn:
        row = await (await conn.execute("SHOW plan_cache_mode")).fetchone()
    assert row == ("force_generic_plan",)
