"""What several instances ask about turns and heads."""

from collections.abc import AsyncGenerator
from uuid import UUID

import psycopg
import pytest_asyncio
from msgspec import structs
from psycopg.conninfo import make_conninfo

from protocol.ids import MessageId, SessionId, UserId
from server.store import turns, users
from server.store.pool import Database
from server.store.turns import Due, Saved, Written
from tests.postgres import postgres
from tests.timelines import since

ADA, BEN = UserId("ada"), UserId("ben")
EXPIRED, HELD, FREE = (SessionId(UUID(int=number)) for number in (1, 2, 3))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    await fill(database_url)
    async with Database(database_url, 2) as made:
        yield made


async def fill(database_url: str) -> None:
    """Ada has a turn past its lease, one that is held, and two that nobody holds in one session; Ben has the same."""
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        await conn.execute("SET session_replication_role = replica")
        await conn.execute("INSERT INTO users (user_id, seq) VALUES ('ada', 5), ('ben', 7)")
        await conn.execute(
            """INSERT INTO turns (user_id, message_id, session_id, position, attempt, owner, lease_until)
            SELECT u, m::text::uuid, s::uuid, p, (o IS NOT NULL)::int, o, now() + l * interval '1 s'
            FROM unnest(ARRAY['ada', 'ben']) AS u, (VALUES
                ('00000000-0000-0000-0000-000000000011', %s, 2, 'dead', -1),
                ('00000000-0000-0000-0000-000000000012', %s, 2, 'alive', 60),
                ('00000000-0000-0000-0000-000000000014', %s, 4, NULL, -9),
                ('00000000-0000-0000-0000-000000000013', %s, 2, NULL, -5)
            ) AS t (m, s, p, o, l)""",
            (EXPIRED, HELD, FREE, FREE),
        )


async def test_only_who_may_take_over_is_told_of_leases_that_have_expired(database: Database) -> None:
    async with database.connection() as conn:
        everything = await turns.due_of_all_users(conn, 10, take_over=True, places=9)
        free = await turns.due_of_all_users(conn, 10, take_over=False, places=9)
        first = await turns.due_of_all_users(conn, 1, take_over=True, places=9)
    assert set(everything) == {Due(user, session) for user in (ADA, BEN) for session in (EXPIRED, FREE)}
    assert set(free) == {Due(ADA, FREE), Due(BEN, FREE)}
    assert first[0].session_id == FREE, "whoever waits the longest"


async def test_only_who_may_take_over_claims_a_turn_whose_lease_has_expired(database: Database) -> None:
    async with database.connection() as conn:
        assert await turns.claim(conn, ADA, EXPIRED, owner="us", lease=6, take_over=False, places=9) is None
        assert await turns.claim(conn, ADA, HELD, owner="us", lease=6, take_over=True, places=9) is None
        free = await turns.claim(conn, ADA, FREE, owner="us", lease=6, take_over=False, places=9)
        taken = await turns.claim(conn, ADA, EXPIRED, owner="us", lease=6, take_over=True, places=9)
    assert free is not None
    assert (free.message_id.int & 0xFF, free.attempt, free.interrupted) == (0x13, 1, 0)
    assert taken is not None
    assert (taken.attempt, taken.interrupted, taken.owner) == (2, 1, "us")


async def test_an_attempt_that_a_fail_over_has_forgotten_does_not_meet_another_of_its_number() -> None:
    with postgres() as primary:
        url = await primary.database()
        await fill(url)
        async with primary.standby() as standby:
            await primary.lose(standby)
            async with Database(url, 2) as database, database.connection() as conn:
                forgotten = await turns.claim(conn, ADA, FREE, owner="us", lease=6, take_over=True, places=9)
            await standby.promote()
            async with Database(make_conninfo(url, host=str(standby.folder)), 2) as database:
                async with database.connection() as conn:
                    known = await turns.claim(conn, ADA, FREE, owner="us", lease=6, take_over=True, places=9)
                    assert forgotten is not None
                    assert await turns.keep(conn, structs.replace(forgotten, text="stale", chunks=1), lease=6) is None
                async with database.connection() as conn:
                    taken = await turns.claim(conn, ADA, EXPIRED, owner="us", lease=6, take_over=True, places=9)
    assert (forgotten.attempt, forgotten.former) == (1, 0)
    assert known is not None
    assert (known.attempt, known.former) == (1_001, 0), "numbers that no attempt has had"
    assert taken is not None
    assert (taken.attempt, taken.former) == (1_001, 1), "whose draft is still of use"


async def test_what_is_saved_late_does_not_undo_a_release(database: Database) -> None:
    async with database.connection() as conn:
        turn = await turns.claim(conn, ADA, FREE, owner="us", lease=60, take_over=True, places=9)
        assert turn is not None
        await turns.release(conn, structs.replace(turn, text="all of it", chunks=2))
        assert await turns.keep(conn, structs.replace(turn, text="some", chunks=1), lease=60) is None
        left = await turns.one(conn, ADA, turn.message_id)
        assert Due(ADA, FREE) in await turns.due_of_all_users(conn, 10, take_over=False, places=9)
    assert left is not None
    assert (left.owner, left.text) == (None, "all of it")


async def test_only_what_is_new_goes_over_if_the_row_has_what_was_saved_before(database: Database) -> None:
    async with database.connection() as conn:
        claimed = await turns.claim(conn, ADA, FREE, owner="us", lease=60, take_over=True, places=9)
        assert claimed is not None

        async def keep(text: str, chunks: int, saved: int) -> str | None:
            """The text that the row has then; None: it was passed over."""
            written = [
                Written(structs.replace(claimed, text=text, chunks=chunks), Saved(saved, len(text[:saved].encode())))
            ]
            kept = await turns.keep_of_users(conn, written, lease=60)
            row = await turns.one(conn, ADA, claimed.message_id)
            assert row is not None
            return row.text if kept == {0: False} else None

        assert await keep("phở", 1, saved=3) is None, "an attempt that has saved nothing"
        assert await keep("phở", 1, saved=0) == "phở"
        assert await keep("phở bò", 2, saved=3) == "phở bò"
        assert await keep("phở bò", 2, saved=6) == "phở bò"
        assert await keep("phở bò tái", 3, saved=3) is None, "the row has more than was thought"
        assert await keep("phở bò tái", 3, saved=8) is None, "the row has less"
        assert await keep("\1", 1, saved=0) == "\1"
        assert await keep("\1pho", 2, saved=1) == "\1pho", "what is not stored as it was said"
        others = await turns.claim(conn, ADA, EXPIRED, owner="us", lease=60, take_over=True, places=9)
        assert others is not None
        assert await turns.keep(conn, structs.replace(others, text="phở"), lease=60) is False
        again = [Written(structs.replace(others, text="phở!", chunks=1), Saved(3, 5))]
        assert await turns.keep_of_users(conn, again, lease=60) == {}, "a text of a former attempt"


async def test_of_many_that_are_kept_at_once_each_is_known_by_its_place(database: Database, database_url: str) -> None:
    """What somebody else holds is passed over, what is another attempt's is not written."""
    async with database.connection() as conn, await psycopg.AsyncConnection.connect(database_url) as other:
        locked, taken, *kept = (await turns.open_in_sessions_of_users(conn, [(ADA, HELD), (ADA, EXPIRED)])) + (
            await turns.open_in_sessions_of_users(conn, [(BEN, HELD), (BEN, EXPIRED)])
        )
        await turns.ask_to_stop(conn, kept[1].user_id, kept[1].message_id)
        statement = "SELECT FROM turns WHERE user_id = %s AND message_id = %s FOR UPDATE"
        await other.execute(statement, (locked.user_id, locked.message_id))
        written = [structs.replace(turn, text=f"text {place}", chunks=place) for place, turn in enumerate(kept)]
        asked = [locked, structs.replace(taken, attempt=9), *written]
        assert await turns.keep_of_users(conn, [Written(turn, Saved(0, 0)) for turn in asked], lease=60) == {
            2: False,
            3: True,
        }
        for turn in written:
            found = await turns.one(conn, turn.user_id, turn.message_id)
            assert found is not None
            assert (found.text, found.chunks) == (turn.text, turn.chunks)
        assert await turns.due_of_all_users(conn, 10, take_over=True, places=9) == [
            Due(ADA, FREE),
            Due(BEN, FREE),
            Due(ADA, EXPIRED),
        ]


async def test_a_turn_is_read_without_waiting_for_who_holds_its_row(database: Database, database_url: str) -> None:
    message = MessageId(UUID(int=0x12))
    async with await psycopg.AsyncConnection.connect(database_url) as ours:
        await ours.execute("SELECT FROM turns FOR UPDATE")
        async with database.connection() as conn:
            found = await turns.one(conn, ADA, message)
            assert await turns.one(conn, ADA, MessageId(UUID(int=9))) is None
        await ours.rollback()
    assert found is not None
    assert (found.user_id, found.message_id, found.owner) == (ADA, message, "alive")


async def test_the_open_replies_of_the_named_sessions_are_found_and_no_others(database: Database) -> None:
    async with database.connection() as conn:
        found = await turns.open_in_sessions_of_users(conn, [(BEN, FREE), (ADA, HELD), (BEN, SessionId(UUID(int=9)))])
        assert await turns.open_in_sessions_of_users(conn, []) == []
    assert [(turn.user_id, turn.message_id.int & 0xFF) for turn in found] == [(ADA, 0x12), (BEN, 0x13), (BEN, 0x14)]


async def test_the_heads_of_many_users_are_those_that_their_devices_are_told(database: Database) -> None:
    async with database.connection() as conn:
        found = await users.heads_of_users(conn, [BEN, UserId("nobody"), ADA])
        assert await users.heads_of_users(conn, []) == []
    assert {head.user_id: head.seq for head in found} == {ADA: 5, BEN: 7}
    for head in found:
        told, _ = await since(database, head.user_id, None)
        assert (head.seq, head.epoch) == (told.seq, told.epoch)
