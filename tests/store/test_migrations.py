"""The schema goes up and down and up again, all or nothing, one instance at a time."""

import asyncio
import re
import subprocess
from hashlib import blake2b
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from server import words
from server.errors import StartupError
from server.store import migrations
from server.store.programs import programs
from sql import Statement


def dumped(url: str) -> str:
    """The schema as pg_dump tells it, without what differs between any two dumps."""
    where = conninfo_to_dict(url)
    text = subprocess.run(
        [
            programs() / "pg_dump",
            "--schema-only",
            "--no-owner",
            f"--host={where['host']}",
            f"--port={where['port']}",
            f"--username={where['user']}",
            str(where["dbname"]),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return "\n".join(line for line in text.splitlines() if not re.match(r"^(--|\\|$)", line))


async def revert_all(url: str) -> list[str]:
    reverted: list[str] = []
    while (name := await migrations.revert(url)) is not None:
        reverted.append(name)
    return reverted


async def test_up_down_and_up_again_is_the_same_as_up(empty_database_url: str) -> None:
    applied = await migrations.migrate(empty_database_url)
    fresh = await asyncio.to_thread(dumped, empty_database_url)
    assert "CREATE TABLE public.messages" in fresh
    assert await revert_all(empty_database_url) == applied[::-1]
    assert "CREATE TABLE public.messages" not in await asyncio.to_thread(dumped, empty_database_url)
    assert await migrations.migrate(empty_database_url) == applied
    assert await asyncio.to_thread(dumped, empty_database_url) == fresh


async def test_a_second_time_there_is_nothing_to_do(empty_database_url: str) -> None:
    assert await migrations.migrate(empty_database_url)
    assert await migrations.migrate(empty_database_url) == []
    assert all(applied for _, applied in await migrations.status(empty_database_url))


async def test_many_instances_that_start_at_once_apply_each_migration_once(empty_database_url: str) -> None:
    async with asyncio.TaskGroup() as group:
        starting = [group.create_task(migrations.migrate(empty_database_url)) for _ in range(5)]
    applied = [name for task in starting for name in task.result()]
    assert sorted(applied) == [name for name, _ in await migrations.status(empty_database_url)]


async def test_a_migration_that_was_changed_afterwards_is_noticed(empty_database_url: str) -> None:
    await migrations.migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        conn.execute("UPDATE schema_migrations SET checksum = 'another'")
    with pytest.raises(StartupError, match="was changed after it had been applied"):
        await migrations.migrate(empty_database_url)


async def test_a_migration_that_fails_leaves_the_old_schema(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrations.migrate(empty_database_url)
    before = await asyncio.to_thread(dumped, empty_database_url)
    broken = Statement(b"CREATE TABLE half (id int); SELECT 1 / 0;")
    known = migrations.migrations()
    monkeypatch.setattr(migrations, "migrations", lambda: [*known, ("9999_broken", broken, broken)])
    with pytest.raises(StartupError, match="9999_broken failed; the schema is as it was"):
        await migrations.migrate(empty_database_url)
    assert await asyncio.to_thread(dumped, empty_database_url) == before


async def test_indexes_for_search_that_were_made_beforehand_are_taken_as_they_are(empty_database_url: str) -> None:
    """As docs/operations.md says: on a large database they are made while messages are sent."""
    told = (Path("docs") / "operations.md").read_text(encoding="utf-8")
    beforehand = [block for block in re.findall(r"```sql\n(.*?)```", told, re.DOTALL) if "CONCURRENTLY" in block]
    assert len(beforehand) == 1
    function, made = beforehand[0].removesuffix("\\gexec\n").split(";\n\n")
    await migrations.migrate(empty_database_url)
    while await migrations.revert(empty_database_url) != "0006_search":
        pass
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute(function.encode())
        for (statement,) in conn.execute(made.encode()).fetchall():
            conn.execute(str(statement).encode())
        before = conn.execute("SELECT oid FROM pg_class WHERE relname LIKE '%by_word_of_user_prepared'").fetchall()
        assert len(before) == 16
        await migrations.migrate(empty_database_url)
        attached = conn.execute(
            "SELECT inhrelid FROM pg_inherits WHERE inhparent IN ("
            "'messages_by_word_of_user'::regclass, 'sessions_by_word_of_user'::regclass)"
        ).fetchall()
    assert sorted(before) == sorted(attached)


async def test_a_user_s_mark_is_put_before_words_as_it_was_when_that_took_a_query(empty_database_url: str) -> None:
    """The indexes were made by the function of before. The one of now is none any more where it is called."""
    keyed = blake2b(key=b"a key", digest_size=words.HASH_BYTES)
    said = [
        "",
        "Why does my PHO stay cloudy?",
        "phở, 汤が = C:\\pho + l'été 'x' ½",
        ' \u00a0\x1f"q" ' * 9,
        "ﬁne 한국어 1_000",
    ]
    stored = [made for text in said for made in (words.words(text), words.hidden(text, keyed))]

    def marked() -> list[tuple[str]]:
        with psycopg.connect(empty_database_url) as conn:
            made = "SELECT of_user('ada', array_to_tsvector(words::text[]))::text FROM unnest(%s::text[]) AS words"
            return conn.execute(
                made, [["{" + ",".join(f'"{word}"' for word in each) + "}" for each in stored]]
            ).fetchall()

    await migrations.migrate(empty_database_url)
    now = await asyncio.to_thread(marked)
    with psycopg.connect(empty_database_url) as conn:
        plan = conn.execute("EXPLAIN (VERBOSE) SELECT of_user(user_id, words) FROM messages").fetchall()
    while await migrations.revert(empty_database_url) != "0007_of_user":
        pass
    assert now == await asyncio.to_thread(marked)
    assert len(set(now)) > len(said)
    assert "of_user" not in str(plan)
