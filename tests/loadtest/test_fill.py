"""A database that was filled is one that a hub has worked on: told apart by nothing but what was said and when."""

import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from loadtest.fill.shape import Wanted, spread
from protocol.timeline import Timeline
from server.words import words
from sql import migrations
from tests.client.stage import Stage, stage
from tests.conftest import _database
from tests.hub import running
from tests.provider import provider
from tests.rings import OLD, dump_of

SMALL = ("--users", "8", "--sessions", "4", "--messages", "6", "--many-sessions", "60", "--long-session", "300")
ALL = ("fill-many-sessions", "fill-long-session", *(f"fill-000000{number}" for number in range(1, 9)))
NO_RING = {"TUTORHUB_ENCRYPTION_KEYS": ""}

BROKEN = {
    "a user's number is that of their last change": """
        SELECT user_id FROM users AS u WHERE seq IS DISTINCT FROM (
            SELECT max(seq) FROM (
                SELECT user_id, seq FROM sessions UNION ALL SELECT user_id, seq FROM messages
            ) AS changes WHERE changes.user_id = u.user_id
        )""",
    "a number is that of one change: a send, a settled reply, or what was done to one session": """
        SELECT user_id, seq FROM (
            SELECT user_id, seq, CASE type WHEN 'user' THEN 'send' ELSE 'settled' END AS change FROM messages
            UNION ALL SELECT user_id, created_seq, 'send' FROM messages WHERE type = 'assistant'
            UNION ALL SELECT user_id, seq, CASE WHEN read_seq = 0 THEN 'settled' ELSE 'read' END FROM sessions
        ) AS numbers GROUP BY user_id, seq HAVING count(DISTINCT change) > 1""",
    "a session counts its messages": """
        SELECT id FROM sessions AS s WHERE (message_count, last_position) IS DISTINCT FROM (
            SELECT (count(*)::int, max(position)) FROM messages AS m WHERE (m.user_id, m.session_id) = (s.user_id, s.id)
        )""",
    "a preview is the beginning of the last text": """
        SELECT id FROM sessions AS s WHERE preview IS DISTINCT FROM (
            SELECT left(content, 200) FROM messages AS m
            WHERE (m.user_id, m.session_id) = (s.user_id, s.id) AND content <> '' ORDER BY position DESC LIMIT 1
        )""",
    "a message has a session, and a reply a message of its send before it": """
        SELECT m.id FROM messages AS m
        LEFT JOIN sessions AS s ON (m.user_id, m.session_id) = (s.user_id, s.id)
        LEFT JOIN messages AS asked ON (m.user_id, m.reply_to) = (asked.user_id, asked.id)
        WHERE s.id IS NULL OR (m.type = 'assistant' AND (
            asked.position, asked.created_seq, asked.session_id, asked.created_at
        ) IS DISTINCT FROM (m.position - 1, m.created_seq, m.session_id, m.created_at))""",
    "a session is touched last after all that was said in it": """
        SELECT s.id FROM sessions AS s INNER JOIN messages AS m ON (m.user_id, m.session_id) = (s.user_id, s.id)
        WHERE m.seq > s.seq OR m.created_at > s.updated_at OR m.created_at < s.created_at OR s.read_seq >= s.seq""",
    "words are in the order in which PostgreSQL puts them": """
        SELECT id FROM messages WHERE words <> array_to_tsvector(tsvector_to_array(words))""",
}


def _fill(url: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loadtest", "fill", "--database", url, *arguments]
    environment = os.environ | NO_RING | environ
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def _rows(url: str, statement: str, *parameters: object) -> list[Any]:
    with psycopg.connect(url, row_factory=namedtuple_row) as conn:
        return conn.execute(statement.encode(), parameters).fetchall()


def _everything(url: str, user: str = "") -> list[list[Any]]:
    return [
        _rows(url, f"SELECT * FROM {table} WHERE starts_with(user_id, %s) ORDER BY {order}", user)
        for table, order in (("users", "user_id"), ("sessions", "user_id, id"), ("messages", "user_id, id"))
    ]


@pytest.fixture(scope="module")
def filled(cluster: str) -> Generator[str]:
    """A database that had not even a schema."""
    with _database(cluster) as url:
        done = _fill(url, *SMALL)
        assert done.returncode == 0, done.stderr
        assert re.search(r"10 users, \d+ sessions and [\d,]+ messages in .* bytes a message", done.stdout), done.stdout
        yield url


@pytest.mark.parametrize("law", BROKEN)
def test_every_invariant_holds(filled: str, law: str) -> None:
    assert _rows(filled, BROKEN[law]) == [], law


def test_the_words_of_every_row_are_those_that_the_hub_would_have_stored(filled: str) -> None:
    for table, text in (("messages", "content"), ("sessions", "title")):
        found = _rows(filled, f"SELECT {text} AS text, tsvector_to_array(words) AS words FROM {table}")
        assert found
        for row in found:
            assert sorted(row.words) == words(row.text), row.text


def test_the_schema_is_as_the_migrations_make_it(filled: str, database_url: str) -> None:
    def schema(url: str) -> list[bytes]:
        text = dump_of(url)
        return [line for line in text.splitlines() if re.match(rb"CREATE|ALTER|COMMENT|    ", line)]

    assert schema(filled) == schema(database_url)


async def test_a_hub_that_is_told_the_same_writes_the_same_rows(filled: str, database_url: str) -> None:
    """All columns, but for the times, the ids that a hub makes by itself, and what is known of its model."""
    user, *_ = [
        each
        for each in ALL[2:]
        if _rows(filled, "SELECT count(*) FROM messages WHERE user_id = %s AND status <> 'complete'", each) == [(0,)]
    ]
    sessions = _rows(filled, "SELECT * FROM sessions WHERE user_id = %s ORDER BY seq", user)
    said = _rows(filled, "SELECT * FROM messages WHERE user_id = %s ORDER BY created_seq, position", user)
    answers = deque([row.content for row in said if row.type == "assistant"])
    async with provider(lambda _: [answers.popleft()]) as tutor, running(database_url, tutor.base_url) as hub:
        async with Stage(hub, tutor, None).device(user=user) as device:  # pyright: ignore[reportArgumentType]
            for session in sessions:
                await device.create_session(mode=session.mode, language=session.language, session=session.id)
                await device.open(session.id)
                for row in said:
                    if row.session_id == session.id and row.type == "user":
                        sent = await device.send(session.id, row.content, message=row.id)
                        await device.settled(sent.reply)
                if session.read_seq:
                    await device.mark_read(session.id, session.read_seq)
    compared = {
        "SELECT seq, horizon, key, sealed FROM users WHERE user_id = %s": 1,
        """SELECT id, title, preview, language, mode, message_count, last_position, read_seq, seq, body_hash, words,
            deleted_at FROM sessions WHERE user_id = %s ORDER BY seq""": len(sessions),
        """SELECT CASE type WHEN 'user' THEN id END, session_id, position, type, content, status, reply_to, seq,
            created_seq, body_hash, words, deleted_at, jsonb_object_keys(coalesce(metadata - 'usage', '{"": 1}'))
            FROM messages WHERE user_id = %s ORDER BY created_seq, position""": len(said),
    }
    for statement, count in compared.items():
        theirs = _rows(database_url, statement, user)
        assert len(theirs) == count
        assert _rows(filled, statement, user) == theirs


async def test_a_device_reads_searches_and_goes_on_with_what_was_filled_in(filled: str) -> None:
    async with stage(filled) as it, it.device(user="fill-many-sessions") as device:
        await device.in_step()
        while await device.list_older():
            pass
        assert len(device.timeline.sessions) == 60
        seq = _rows(filled, "SELECT seq FROM users WHERE user_id = 'fill-many-sessions'")[0].seq
        assert device.timeline.seq == seq
    async with stage(filled) as it, it.device(user="fill-long-session") as device:
        await device.in_step()
        longest = max(device.timeline.sessions.values(), key=lambda session: session.message_count)
        await device.open(longest.id, limit=100)
        while await device.open_older(longest.id):
            pass
        shown = [each for each in device.timeline.messages.values() if each.session_id == longest.id]
        assert len(shown) == longest.message_count == 300
        word = max(words(shown[7].content), key=len)
        assert longest.id in {hit.session.id for hit in (await device.search(word)).hits}
        sent = await device.send(longest.id, "And then?")
        assert sent.position == 301
        assert (await device.settled(sent.reply)).content == "You said: And then?"


async def test_a_device_that_was_away_catches_up_on_what_was_filled_in(filled: str) -> None:
    user = ALL[3]
    async with stage(filled) as it:
        async with it.device(user=user) as device:
            await device.in_step()
            whole = device.timeline
        behind = Timeline()
        behind.epoch, behind.seq = whole.epoch, 1
        for session in whole.sessions:
            behind.open(session)
        async with it.device("tablet", user=user, timeline=behind) as device:
            await device.in_step()
    assert behind.seq == whole.seq > 1
    assert behind.sessions == whole.sessions
    assert len(behind.messages) == _rows(filled, "SELECT count(*) FROM messages WHERE user_id = %s", user)[0].count


def test_the_same_seed_makes_the_same_rows_and_a_larger_set_holds_the_smaller(filled: str, cluster: str) -> None:
    larger = ["10" if each == "8" else each for each in SMALL]
    with _database(cluster) as url:
        assert _fill(url, *larger, "--processes", "1").returncode == 0
        for name in (ALL[0], ALL[2], ALL[9]):
            of_both = [_everything(each, name) for each in (url, filled)]
            assert of_both[0] == of_both[1]
        assert len(_everything(url)[0]) == 12
    with _database(cluster) as url:
        assert _fill(url, *SMALL, "--seed", "2").returncode == 0
        assert _everything(url, ALL[2])[2] != _everything(filled, ALL[2])[2]


def test_what_is_filled_already_is_refused_unless_it_is_resumed_or_others_are_made(cluster: str) -> None:
    with _database(cluster) as url:
        assert _fill(url, *SMALL[2:], "--users", "2").returncode == 0
        before = _everything(url)
        again = _fill(url, *SMALL)
        assert again.returncode == 1
        assert "It is filled already: 4 users are there whose names begin with fill-. `--resume`" in again.stderr
        assert _everything(url) == before
        assert "8 users with" not in (resumed := _fill(url, *SMALL, "--resume")).stdout
        assert resumed.stdout.startswith("6 users with"), resumed.stdout
        assert (
            _fill(url, "--users", "1", "--many-sessions", "0", "--long-session", "0", "--prefix", "x").returncode == 0
        )
        names = [row.user_id for row in _everything(url)[0]]
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
        assert len(_everything(url)[0]) >= int(found[1])
        for law, statement in BROKEN.items():
            assert _rows(url, statement) == [], law


def _some_are_there(url: str) -> bool:
    try:
        return bool(_rows(url, "SELECT FROM users LIMIT 1"))
    except psycopg.errors.UndefinedTable:
        return False


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(database_url: str) -> None:
    done = _fill(database_url, "--users", "100000", "--sessions", "10000", "--messages", "100")
    assert done.returncode == 1
    assert re.search(r"This needs about [\d,]+\.\d GB, and [\d,.]+ GB are free where the database lies", done.stderr)
    assert _everything(database_url) == [[], [], []]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://127.0.0.1:1/nothing", "The database cannot be reached: "),
        ("mysql://127.0.0.1/x", "is not the URL of a PostgreSQL"),
    ],
)
def test_a_database_that_is_not_there_is_said_in_a_line(url: str, said: str) -> None:
    done = _fill(url)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_database_of_another_version_is_left_alone(database_url: str) -> None:
    last = migrations()[-1]
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(last[2])
        conn.execute("DELETE FROM schema_migrations WHERE name = %s", (last[0],))
    done = _fill(database_url)
    assert done.returncode == 1
    assert (
        f"The database is of an older version: it lacks {last[0]}. Bring it up with `tutorhub migrate up`"
        in done.stderr
    )
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_later', '')")
    done = _fill(database_url)
    assert done.returncode == 1
    assert "The database is of a newer version: it has the migration 9999_later." in done.stderr


async def test_with_a_key_ring_all_is_sealed_and_a_hub_opens_it(cluster: str) -> None:
    few = ("--users", "2", "--sessions", "2", "--messages", "4", "--many-sessions", "0", "--long-session", "0")
    with _database(cluster) as url:
        assert _fill(url, *few, TUTORHUB_ENCRYPTION_KEYS=OLD).returncode == 0
        texts = [row.content for row in _everything(url)[2] if row.content]
        assert all(text.startswith("\x01") for text in texts)
        async with running(url, encryption_keys=OLD) as hub:
            async with Stage(hub, None, None).device(user="fill-0000001") as device:  # pyright: ignore[reportArgumentType]
                await device.in_step()
                for session in device.timeline.shown_sessions():
                    await device.open(session.id)
                    said = device.timeline.shown_messages(session.id)
                    assert len(said) == session.message_count
                    word = max(words(said[0].content), key=len)
                    assert session.id in {hit.session.id for hit in (await device.search(word)).hits}
        refused = _fill(url, *few, "--prefix", "plain")
        assert refused.returncode == 1
        assert "set TUTORHUB_ENCRYPTION_KEYS as the hub has it" in refused.stderr


def test_texts_are_those_of_a_corpus(cluster: str, tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl"
    file.write_text(
        '{"language": "fr", "turns": ['
        '{"type": "user", "content": "Pourquoi ?"}, {"type": "assistant", "content": "Ça."}]}'
    )
    few = ("--users", "1", "--sessions", "2", "--messages", "4", "--many-sessions", "0", "--long-session", "0")
    with _database(cluster) as url:
        assert _fill(url, *few, "--corpus", str(file)).returncode == 0
        assert {row.content for row in _everything(url)[2]} <= {"Pourquoi ?", "Ça.", ""}
        assert {row.language for row in _everything(url)[1]} == {"fr"}
    file.write_text("{}")
    done = _fill("postgresql://127.0.0.1:1/nothing", *few, "--corpus", str(file))
    assert f"{file}: line 1: expected `messages`" in done.stderr


def test_sizes_are_skewed_and_come_out_even() -> None:
    for mean in (1, 2, 10, 100):
        assert sum(spread(mean)) == 100 * mean
        assert min(spread(mean)) >= 1
    assert sorted(spread(100))[49] < 70
    assert max(spread(100)) > 500
    wanted = Wanted(prefix="x", seed=1, users=200, sessions=100, messages=20, many_sessions=10_000, long_session=10_000)
    members = {name: wanted.member(name) for name in wanted.names()}
    assert len(members["x-many-sessions"].exchanges) == 10_000
    assert max(members["x-long-session"].exchanges) == 5_000
    others = [member for name, member in members.items() if name[2:].isdigit()]
    assert sum(len(each.exchanges) for each in others) == 20_000
    assert 0.98 < sum(each.messages for each in others) / 400_000 < 1.02
