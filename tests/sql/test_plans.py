"""What is asked again and again is answered from indexes, however many turns are open."""

from collections.abc import Generator
from uuid import UUID

import psycopg
import pytest

from tests.conftest import _database
from tests.sql.plans import plan

TURNS = 100_000
USERS = 20_000


def user_of(number: int) -> str:
    return f"user-{number % USERS}"


def session_of(number: int) -> UUID:
    return UUID(int=number)


@pytest.fixture(scope="module")
def crowded(cluster: str, migrated: str) -> Generator[str]:
    """Many open replies, each in its own session; one in ten is held, and half of those are past their lease."""
    with _database(cluster, template=migrated) as url:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("SET session_replication_role = replica")  # the rows that turns refer to are not needed here
            conn.execute(
                "INSERT INTO users (user_id) SELECT 'user-' || n FROM generate_series(0, %s) AS n", (USERS - 1,)
            )
            conn.execute(
                """INSERT INTO turns (user_id, message_id, session_id, position, attempt, owner, lease_until)
                SELECT
                    'user-' || n %% %s, gen_random_uuid(), lpad(to_hex(n), 32, '0')::uuid, 2,
                    (n %% 10 = 0)::integer, CASE WHEN n %% 10 = 0 THEN 'hub' END,
                    now() + make_interval(secs => CASE WHEN n %% 20 = 0 THEN 3600 ELSE -n END)
                FROM generate_series(0, %s) AS n""",
                (USERS, TURNS - 1),
            )
            conn.execute("VACUUM ANALYZE")
        yield url


@pytest.fixture(scope="module")
def full_of_files(cluster: str, migrated: str) -> Generator[str]:
    """Many old files, half of them named by a message, among many messages that name none."""
    with _database(cluster, template=migrated) as url:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(
                "SET session_replication_role = replica"
            )  # the rows that messages refer to are not needed here
            conn.execute(
                """INSERT INTO media (user_id, id, state, type, size, seconds, sha256, body_hash, sealed, created_at)
                SELECT
                    'user-' || n % 5000, lpad(to_hex(n), 32, '0')::uuid, 'ready', 'audio/ogg', 1, 1,
                    sha256(''), sha256(''), false, now() - interval '3 days'
                FROM generate_series(1, 40000) AS n"""
            )
            conn.execute(
                """INSERT INTO messages (
                    user_id, session_id, position, type, content, seq, created_seq, body_hash, metadata
                )
                SELECT
                    'user-' || n % 5000, lpad(to_hex(n % 5000), 32, '0')::uuid, n, 'user', 'x', n, n, sha256(''),
                    CASE WHEN n % 4 = 0 THEN
                        jsonb_build_object('audioUrl', '/api/media/' || (lpad(to_hex(n / 2), 32, '0')::uuid)::text)
                    END
                FROM generate_series(1, 80000) AS n"""
            )
            conn.execute("VACUUM ANALYZE")
        yield url


@pytest.mark.parametrize("take_over", [True, False])
def test_what_is_due_is_found_by_the_leases(crowded: str, take_over: bool) -> None:
    found = plan(
        crowded, "turns", "due_of_all_users", {"limit": 100, "take_over": take_over, "places": 3, "key_names": ["a"]}
    )
    assert found.read_whole == []
    assert found.rows_read < 1_000


def test_a_claim_reads_its_session_only(crowded: str) -> None:
    values = {
        "user": user_of(1),
        "session": session_of(1),
        "owner": "hub",
        "lease": 6,
        "take_over": True,
        "places": 3,
        "key_names": ["a"],
    }
    found = plan(crowded, "turns", "claim", values)
    assert found.read_whole == []
    assert found.rows_read < 10


def test_the_open_replies_of_many_sessions_are_found_one_by_one(crowded: str) -> None:
    numbers = range(0, 3_000, 3)
    users, sessions = [user_of(number) for number in numbers], [session_of(number) for number in numbers]
    found = plan(crowded, "turns", "open_in_sessions_of_users", {"users": users, "sessions": sessions})
    assert found.read_whole == []
    assert found.rows_read <= 3 * len(users)


def test_the_heads_of_five_thousand_users_are_read_at_once(crowded: str) -> None:
    users = [user_of(number) for number in range(0, USERS, 4)]
    found = plan(crowded, "users", "heads_of_users", {"users": users})
    assert found.milliseconds < 500
    assert found.nodes[0]["Actual Rows"] == len(users)


def test_orphans_are_looked_for_some_at_a_time_by_their_keys(full_of_files: str) -> None:
    values = {"after_user": "user-2500", "after_media": UUID(int=0), "limit": 200, "age": 86_400, "pending_age": 3_600}
    found = plan(full_of_files, "media", "candidates_of_all_users", values)
    assert found.read_whole == []
    assert found.rows_read < 3_000, found


def test_an_orphan_is_deleted_by_its_key(full_of_files: str) -> None:
    values = {"user": "user-7", "media": UUID(int=7), "age": 86_400, "pending_age": 3_600}
    found = plan(full_of_files, "media", "delete_orphan", values)
    assert found.read_whole == []
    assert found.rows_read < 20, found


def test_whose_the_bytes_are_is_found_by_their_ids(full_of_files: str) -> None:
    found = plan(full_of_files, "media", "known_of_all_users", {"ids": [UUID(int=number) for number in range(1, 201)]})
    assert found.read_whole == []
    assert found.rows_read < 3_000, found
