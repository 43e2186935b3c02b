"""What keeps a database from being filled is said in a line, and what is there stays whole."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from loadtest.process import children, title
from sql import migrations
from tests.conftest import _database
from tests.loadtest.filling import ALL, BROKEN, NO_RING, SMALL, everything, fill, rows

USERS = 1_000
"""Of a fill that is broken off: more than are there before it is."""


def test_what_is_filled_already_is_refused_unless_it_is_resumed_or_others_are_made(cluster: str) -> None:
    with _database(cluster) as url:
        assert fill(url, *SMALL[2:], "--users", "2").returncode == 0
        before = everything(url)
        again = fill(url, *SMALL)
        assert again.returncode == 1
        assert "It is filled already: 4 users are there whose names begin with fill-. `--resume`" in again.stderr
        assert everything(url) == before
        assert "8 users with" not in (resumed := fill(url, *SMALL, "--resume")).stdout
        assert resumed.stdout.startswith("6 users with"), resumed.stdout
        assert fill(url, "--users", "1", "--many-sessions", "0", "--long-session", "0", "--prefix", "x").returncode == 0
        names = [row.user_id for row in everything(url)[0]]
        assert names == sorted([*ALL, "x-0000001"])


@contextmanager
def _filling(url: str) -> Generator[subprocess.Popen[str]]:
    """Many batches, the first of which is there."""
    many = (
        "--users",
        str(USERS),
        "--sessions",
        "20",
        "--messages",
        "20",
        "--many-sessions",
        "0",
        "--long-session",
        "0",
    )
    command = [sys.executable, "-m", "loadtest", "fill", "--database", url, *many]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | NO_RING
    ) as process:
        while not _somebody_is_there(url):
            assert process.poll() is None
        yield process


def _somebody_is_there(url: str) -> bool:
    try:
        return bool(rows(url, "SELECT FROM users LIMIT 1"))
    except psycopg.errors.UndefinedTable:
        return False


def _some_as_a_whole(url: str) -> int:
    """How many users there are: some, and not all; and all that there is of them is right."""
    for law, statement in BROKEN.items():
        assert rows(url, statement) == [], law
    many = rows(url, "SELECT count(*) FROM users")[0].count
    assert 0 < many < USERS
    return many


def test_a_fill_that_is_interrupted_leaves_whole_users(cluster: str) -> None:
    with _database(cluster) as url, _filling(url) as process:
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate()
        assert process.returncode == 130, errors
        assert (
            f"Interrupted: {_some_as_a_whole(url):,} of {USERS:,} users are there. A user is there as a whole" in said
        )


def test_a_fill_whose_database_goes_away_leaves_whole_users(cluster: str) -> None:
    with _database(cluster) as url, _filling(url) as process:
        rows(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tutorhub fill'")
        _, errors = process.communicate()
        assert process.returncode == 1
        assert "Error: The database gave up: " in errors
        assert "the same again with --resume makes the others" in errors
        _some_as_a_whole(url)


def test_a_fill_of_which_a_process_is_killed_leaves_whole_users(cluster: str) -> None:
    with _database(cluster) as url, _filling(url) as process:
        [worker, *_] = [each for each in children(process.pid) if "spawn_main" in title(each)]
        os.kill(worker, signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == 1
        assert "Error: A process of ours was killed, as when memory is short. A user is there as a whole" in errors
        _some_as_a_whole(url)


def test_who_is_no_superuser_fills_a_database_of_their_own(cluster: str) -> None:
    """Every foreign key is looked up then, and where the data lie is not for them to know."""
    with _database(cluster) as url, psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE ROLE plain LOGIN")
        try:
            conn.execute(f"ALTER DATABASE {conn.info.dbname} OWNER TO plain".encode())
            done = fill(make_conninfo(url, user="plain"), *SMALL)
            assert done.returncode == 0, done.stderr
            assert "where the database lies cannot be seen from here" in done.stdout
            for law, statement in BROKEN.items():
                assert rows(url, statement) == [], law
        finally:
            conn.execute(f"ALTER DATABASE {conn.info.dbname} OWNER TO CURRENT_USER".encode())
            conn.execute("DROP OWNED BY plain; DROP ROLE plain")


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(database_url: str) -> None:
    done = fill(database_url, "--users", "100000", "--sessions", "10000", "--messages", "100")
    assert done.returncode == 1
    assert re.search(r"This needs about [\d,]+\.\d GB, and [\d,.]+ GB are free where the database lies", done.stderr)
    assert everything(database_url) == [[], [], []]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://127.0.0.1:1/nothing", "The database cannot be reached: "),
        ("mysql://127.0.0.1/x", "is not the URL of a PostgreSQL"),
    ],
)
def test_a_database_that_is_not_there_is_said_in_a_line(url: str, said: str) -> None:
    done = fill(url)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_database_of_another_version_is_left_alone(database_url: str) -> None:
    last = migrations()[-1]
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(last[2])
        conn.execute("DELETE FROM schema_migrations WHERE name = %s", (last[0],))
    done = fill(database_url)
    assert done.returncode == 1
    assert (
        f"The database is of an older version: it lacks {last[0]}. Bring it up with `tutorhub migrate up`"
        in done.stderr
    )
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_later', '')")
    done = fill(database_url)
    assert done.returncode == 1
    assert "The database is of a newer version: it has the migration 9999_later." in done.stderr
