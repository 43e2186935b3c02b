"""What is read for many at once is for each what it would be alone, and nobody bears what is wrong with another."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from uuid import uuid4

import msgspec
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from protocol.events import Changes, Snapshot
from protocol.ids import UserId
from protocol.model import Cursor
from server.errors import NotFound, SealedWithMissingKey, Unavailable
from server.store.pool import LENT_FOR, MAX_WAITING, Database
from server.store.revocations import subject
from server.store.timeline import Page
from server.tasks import Tasks
from server.timelines import AT_ONCE, MOST_WAITING, TOGETHER, Timelines
from tests.database_proxy import database_proxy
from tests.timelines import since

CROWD = [UserId(f"learner-{number}") for number in range(2 * TOGETHER)]
SESSIONS = """INSERT INTO sessions (user_id, id, title, seq, body_hash)
    SELECT user_id, gen_random_uuid(), 'of ' || user_id, n, sha256('') FROM users, generate_series(1, users.seq) AS n"""


@asynccontextmanager
async def timelines(url: str) -> AsyncGenerator[Timelines]:
    async with Database(url, 4) as database, Tasks() as tasks:
        yield Timelines(database, tasks, 8)


def furnish(url: str) -> None:
    with psycopg.connect(url) as conn:
        for number, user in enumerate(CROWD):
            conn.execute("INSERT INTO users (user_id, seq) VALUES (%s, %s)", (user, number % 4))
        conn.execute(SESSIONS)


async def outcome(asked: Awaitable[Page]) -> Page | type[Exception]:
    try:
        return await asked
    except Exception as error:
        return type(error)


async def all_at_once(them: Timelines, asked: Mapping[UserId, Cursor | None]) -> dict[UserId, Page | type[Exception]]:
    async with asyncio.TaskGroup() as group:
        tasks = {user: group.create_task(outcome(them.since(user, cursor))) for user, cursor in asked.items()}
    return {user: task.result() for user, task in tasks.items()}


async def test_each_of_a_crowd_reads_what_it_would_read_alone_in_a_few_statements(database_url: str) -> None:
    furnish(database_url)
    async with Database(database_url, 2) as database:
        epochs = {user: (await since(database, user, None))[0].epoch for user in CROWD}
        asked = {
            user: [None, Cursor(epoch, 1), Cursor("another", 1), Cursor(epoch, 9), Cursor(epoch, 0)][number % 5]
            for number, (user, epoch) in enumerate(epochs.items())
        }
        alone = {user: await since(database, user, cursor) for user, cursor in asked.items()}
    async with database_proxy(database_url) as proxy, timelines(proxy.url) as them:
        await them.since(CROWD[0], None)
        before = proxy.statements
        assert await all_at_once(them, asked) == alone
        assert proxy.statements - before <= 10
    kinds = {type(page) for _, page in alone.values()}
    assert kinds == {Changes, Snapshot}
    assert all(row.title == f"of {user}" for user, (_, page) in alone.items() for row in page.sessions)


async def test_what_is_wrong_with_one_is_borne_by_nobody_else(database_url: str) -> None:
    furnish(database_url)
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO users (user_id, seq, key, key_name, sealed) VALUES ('sealed', 1, 'x', 'gone', true)")
        conn.execute("INSERT INTO users (user_id, seq) VALUES ('unreadable', 1)")
        conn.execute(
            """INSERT INTO sessions (user_id, id, title, updated_at, seq, body_hash)
            VALUES ('unreadable', gen_random_uuid(), 'x', 'infinity', 1, sha256(''))"""
        )
        erased = (subject(UserId("erased")),)
        conn.execute("INSERT INTO revocations (subject, token_id, erasing) VALUES (%s, '', 'erasing')", erased)
    async with timelines(database_url) as them:
        found = await all_at_once(
            them, dict.fromkeys([*CROWD[:5], UserId("sealed"), UserId("unreadable"), UserId("erased"), *CROWD[5:]])
        )
    wrong = {user: each for user, each in found.items() if isinstance(each, type)}
    assert issubclass(wrong.pop(UserId("unreadable")), msgspec.ValidationError)
    assert wrong == {"sealed": SealedWithMissingKey, "erased": NotFound}
    assert set(found) == {*CROWD, "sealed", "unreadable", "erased"}


BROKEN = {
    "an answer that does not come": "PERFORM pg_sleep(5);",
    "a block that cannot be read": "RAISE EXCEPTION 'could not read block' USING ERRCODE = 'io_error';",
}


@contextmanager
def broken_for(url: str, user: str, fault: str) -> Generator[str]:
    """The URL of somebody for whom PostgreSQL fails as soon as it looks at the rows of the user."""
    role = f"reader_{uuid4().hex}"
    made = f"""
        CREATE ROLE {role} LOGIN IN ROLE pg_monitor;
        GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog TO {role};
        CREATE FUNCTION looked_at(who text) RETURNS bool LANGUAGE plpgsql
            AS $$ BEGIN IF who = '{user}' THEN {fault} END IF; RETURN true; END $$;
        ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
        CREATE POLICY looked_at ON sessions TO {role} USING (looked_at(user_id))"""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(made.encode())
        try:
            yield make_conninfo(url, user=role)
        finally:
            conn.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
async def test_a_user_whom_the_database_cannot_read_is_refused_alone(database_url: str, fault: str) -> None:
    furnish(database_url)
    bad, others = CROWD[5], [user for user in CROWD[:40] if user != CROWD[5]]
    with broken_for(database_url, bad, fault) as url:
        async with timelines(url) as them:
            for _ in range(2):  # it comes again
                found = await all_at_once(them, dict.fromkeys([bad, *others]))
                assert {user for user, each in found.items() if isinstance(each, type)} == {bad}
                assert found[bad] is Unavailable


async def test_a_database_that_can_read_nobody_is_waited_for_by_two_and_not_by_each(database_url: str) -> None:
    furnish(database_url)
    async with timelines(database_url) as them, await psycopg.AsyncConnection.connect(database_url) as locking:
        await them.since(CROWD[0], None)
        await locking.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
        began = monotonic()
        found = await all_at_once(them, dict.fromkeys(CROWD[:TOGETHER]))
        assert set(found.values()) == {Unavailable}
        assert monotonic() - began < 3 * LENT_FOR + 1
        await locking.rollback()
        found = await all_at_once(them, dict.fromkeys(CROWD))
        assert not any(isinstance(each, type) for each in found.values())


async def test_over_a_slow_way_fewer_are_read_together(database_url: str) -> None:
    """Fifty pages take longer there than a connection is lent for."""
    furnish(database_url)
    with psycopg.connect(database_url) as conn:
        conn.execute(
            """INSERT INTO sessions (user_id, id, title, seq, body_hash)
            SELECT user_id, gen_random_uuid(), repeat('x', 500), 9, sha256('') FROM users, generate_series(1, 50)"""
        )
    async with database_proxy(database_url) as proxy, timelines(proxy.url) as them:
        await them.since(CROWD[0], None)
        proxy.bytes_per_second = 500_000
        found = await all_at_once(them, dict.fromkeys(CROWD[:TOGETHER]))
        assert not any(isinstance(each, type) for each in found.values())
        assert them._together < TOGETHER
        proxy.bytes_per_second = 1e9
        for _ in range(10):
            await them.since(CROWD[0], None)
        assert them._together == TOGETHER


async def test_a_crowd_of_new_users_has_timelines(database_url: str) -> None:
    """Also when they are more than may wait for a connection."""
    new = [UserId(f"new-{number}") for number in range(MAX_WAITING + 20)]
    async with timelines(database_url) as them:
        found = await all_at_once(them, dict.fromkeys(new))
        assert [type(each) for each in found.values()] == [tuple] * len(new)
        assert await them.since(new[0], None) == found[new[0]]


async def test_a_page_has_all_that_was_committed_before_it_was_asked_for(database_url: str) -> None:
    """Whatever is under way for others just then."""
    furnish(database_url)

    async def write_and_read(them: Timelines, user: UserId) -> None:
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
            for _ in range(20):
                changed = await conn.execute("UPDATE users SET seq = seq + 1 WHERE user_id = %s RETURNING seq", (user,))
                (wrote,) = await changed.fetchone() or (None,)
                head, _ = await them.since(user, None)
                assert wrote is not None
                assert wrote <= head.seq

    async with timelines(database_url) as them, asyncio.TaskGroup() as group:
        for user in [*CROWD[:4], *CROWD[:4]]:  # what is read for the one is no answer to the other
            group.create_task(write_and_read(them, user))


async def test_one_who_gives_up_is_read_for_no_more_and_the_others_are(database_url: str) -> None:
    furnish(database_url)
    async with timelines(database_url) as them:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await them.since(CROWD[0], None)
        assert (await them.since(CROWD[1], None))[0].seq == 1
        them._under_way = AT_ONCE  # nobody takes the next
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await them.since(CROWD[0], None)
        assert them._take(TOGETHER) == []
        them._under_way = 0


async def test_a_crowd_that_is_too_large_is_asked_to_come_again(database_url: str) -> None:
    furnish(database_url)
    async with timelines(database_url) as them, asyncio.TaskGroup() as group:
        crowd = [group.create_task(outcome(them.since(CROWD[0], None))) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await them.since(CROWD[0], None)
        first, *others = [await each for each in crowd]
        assert all(each == first for each in others)
        assert await them.since(CROWD[0], None) == first
