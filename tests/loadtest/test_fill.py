"""A database that was filled is one that a hub has worked on: told apart by nothing but what was said and when."""

import re
from collections import deque
from collections.abc import Generator
from pathlib import Path

import pytest

from loadtest.fill.shape import Wanted, spread
from protocol.timeline import Timeline
from server.words import words
from tests.client.stage import stage
from tests.conftest import _database
from tests.hub import running
from tests.loadtest.filling import ALL, BROKEN, SMALL, device_of, everything, fill, rows
from tests.provider import provider
from tests.rings import OLD, dump_of


@pytest.fixture(scope="module")
def filled(cluster: str) -> Generator[str]:
    """A database that had not even a schema."""
    with _database(cluster) as url:
        done = fill(url, *SMALL)
        assert done.returncode == 0, done.stderr
        assert re.search(r"10 users, \d+ sessions and [\d,]+ messages in .* bytes a message", done.stdout), done.stdout
        yield url


@pytest.mark.parametrize("law", BROKEN)
def test_every_invariant_holds(filled: str, law: str) -> None:
    assert rows(filled, BROKEN[law]) == [], law


def test_the_words_of_every_row_are_those_that_the_hub_would_have_stored(filled: str) -> None:
    for table, text in (("messages", "content"), ("sessions", "title")):
        found = rows(filled, f"SELECT {text} AS text, tsvector_to_array(words) AS words FROM {table}")
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
        if rows(filled, "SELECT count(*) FROM messages WHERE user_id = %s AND status <> 'complete'", each) == [(0,)]
    ]
    sessions = rows(filled, "SELECT * FROM sessions WHERE user_id = %s ORDER BY seq", user)
    said = rows(filled, "SELECT * FROM messages WHERE user_id = %s ORDER BY created_seq, position", user)
    answers = deque([row.content for row in said if row.type == "assistant"])
    async with (
        provider(lambda _: [answers.popleft()]) as tutor,
        running(database_url, tutor.base_url, encryption_keys=None) as hub,
    ):
        async with device_of(hub, user) as device:
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
        theirs = rows(database_url, statement, user)
        assert len(theirs) == count
        assert rows(filled, statement, user) == theirs


async def test_a_device_reads_searches_and_goes_on_with_what_was_filled_in(filled: str) -> None:
    async with stage(filled) as it, it.device(user="fill-many-sessions") as device:
        await device.in_step()
        while await device.list_older():
            pass
        assert len(device.timeline.sessions) == 60
        seq = rows(filled, "SELECT seq FROM users WHERE user_id = 'fill-many-sessions'")[0].seq
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
    assert len(behind.messages) == rows(filled, "SELECT count(*) FROM messages WHERE user_id = %s", user)[0].count


def test_the_same_seed_makes_the_same_rows_and_a_larger_set_holds_the_smaller(filled: str, cluster: str) -> None:
    larger = ["10" if each == "8" else each for each in SMALL]
    with _database(cluster) as url:
        assert fill(url, *larger, "--processes", "1").returncode == 0
        for name in (ALL[0], ALL[2], ALL[9]):
            of_both = [everything(each, name) for each in (url, filled)]
            assert of_both[0] == of_both[1]
        assert len(everything(url)[0]) == 12
    with _database(cluster) as url:
        assert fill(url, *SMALL, "--seed", "2").returncode == 0
        assert everything(url, ALL[2])[2] != everything(filled, ALL[2])[2]


async def test_with_a_key_ring_all_is_sealed_and_a_hub_opens_it(cluster: str) -> None:
    few = ("--users", "2", "--sessions", "2", "--messages", "4", "--many-sessions", "0", "--long-session", "0")
    with _database(cluster) as url:
        assert fill(url, *few, TUTORHUB_ENCRYPTION_KEYS=OLD).returncode == 0
        texts = [row.content for row in everything(url)[2] if row.content]
        assert all(text.startswith("\x01") for text in texts)
        async with running(url, encryption_keys=OLD) as hub:
            async with device_of(hub, "fill-0000001") as device:
                await device.in_step()
                for session in device.timeline.shown_sessions():
                    await device.open(session.id)
                    said = device.timeline.shown_messages(session.id)
                    assert len(said) == session.message_count
                    word = max(words(said[0].content), key=len)
                    assert session.id in {hit.session.id for hit in (await device.search(word)).hits}
        refused = fill(url, *few, "--prefix", "plain")
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
        assert fill(url, *few, "--corpus", str(file)).returncode == 0
        assert {row.content for row in everything(url)[2]} <= {"Pourquoi ?", "Ça.", ""}
        assert {row.language for row in everything(url)[1]} == {"fr"}
    file.write_text("{}")
    done = fill("postgresql://127.0.0.1:1/nothing", *few, "--corpus", str(file))
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
