"""What keeps a database from being filled is said in a line, and what is there stays whole."""

import os
import re
import signal
import subprocess
import sys

import psycopg
import pytest

from sql import migrations
from tests.conftest import _database
from tests.loadtest.filling import ALL, BROKEN, NO_RING, SMALL, everything, fill, rows


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


def test_a_fill_that_is_interrupted_leaves_whole_users_and_can_be_gone_on_with(cluster: str, filled: str) -> None:
    many = ("--users", "2000", "--sessions", "20", "--messages", "20", "--many-sessions", "0", "--long-session", "0")
    with _database(cluster) as url:
        command = [sys.executable, "-m", "loadtest", "fill", "--database", url, *many]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | NO_RING) as filling:
            while not _some_are_there(url):
                assert filling.poll() is None
            filling.send_signal(signal.SIGINT)
            assert filling.stdout is not None
            said = filling.stdout.read()
        assert filling.returncode == 130
        assert (found := re.search(r"Interrupted: (\d+) of 2,000 users are there, each as a whole", said)), said
        assert len(everything(url)[0]) >= int(found[1])
        for law, statement in BROKEN.items():
            assert rows(url, statement) == [], law


def _some_are_there(url: str) -> bool:
    try:
        return bool(rows(url, "SELECT FROM users LIMIT 1"))
    except psycopg.errors.UndefinedTable:
        return False


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
