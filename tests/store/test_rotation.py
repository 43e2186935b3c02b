"""Another key for all, while instances run, and whatever interrupts it."""

import asyncio
import re
import subprocess
import sys
from contextlib import suppress

import psycopg
import pytest

from protocol.answers import SearchPage, SessionPage
from protocol.commands import SessionList, SessionSearch
from protocol.events import Changes
from protocol.ids import SessionId, UserId
from protocol.model import Cursor
from server.key_ring import KeyRing, parsed
from server.store import rotation
from server.store.deployments import deployment
from server.store.pool import Database
from server.store.rotation import Rotated
from tests.device import Device, device
from tests.hub import running
from tests.provider import HOLD, provider
from tests.rings import NEW, OLD, dump_of, rows
from tests.timelines import since

BOTH = f"{NEW},{OLD}"
USERS = 60
MESSAGES = 40
NOTHING = KeyRing({})


def tell(done: Rotated) -> None:
    assert done.users >= 0


async def rotated(database_url: str, ring: str = BOTH) -> Rotated:
    return await rotation.rotate_in(database_url, parsed(ring), tell)


def crowd(database_url: str) -> None:
    """Many users with messages that were stored before there was a ring."""
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO users (user_id, seq) SELECT 'user-' || n, %s FROM generate_series(1, %s) AS n",
            (MESSAGES, USERS),
        )
        conn.execute(
            """INSERT INTO sessions (user_id, id, title, preview, seq, body_hash, words)
            SELECT user_id, gen_random_uuid(), 'canary title', 'canary preview', 1, sha256(''), 'canary title'::tsvector
            FROM users"""
        )
        conn.execute(
            """INSERT INTO messages (user_id, session_id, position, type, content, seq, created_seq, body_hash, words)
            SELECT s.user_id, s.id, n, 'user', 'canary ' || n, n, n, sha256(n::text::bytea), 'canary'::tsvector
            FROM sessions AS s, generate_series(1, %s) AS n""",
            (MESSAGES,),
        )


async def texts(database_url: str, ring: KeyRing) -> dict[str, list[str]]:
    """What each user reads, as a device that has nothing yet."""
    async with Database(database_url, 2, ring) as database:
        found = dict[str, list[str]]()
        for number in range(1, USERS + 1):
            user = UserId(f"user-{number}")
            head, _ = await since(database, user, None)
            _, page = await since(database, user, Cursor(epoch=head.epoch, seq=0))
            assert isinstance(page, Changes)
            assert head.seq == MESSAGES, "no number was given"
            found[user] = [*(row.title for row in page.sessions), *(row.content for row in page.messages)]
        return found


def key_names(database_url: str) -> set[object]:
    return {name for (name,) in rows(database_url, "SELECT key_name FROM users")}


async def test_a_rotation_that_is_killed_is_gone_on_with_and_leaves_nothing_behind(database_url: str) -> None:
    crowd(database_url)
    before = await texts(database_url, NOTHING)
    assert set(map(len, before.values())) == {MESSAGES + 1}
    await _killed_in_the_midst(database_url, OLD, "sealed", "NOT sealed")
    assert await texts(database_url, parsed(OLD)) == before, "half of it is sealed, and all of it is read"
    assert (await rotated(database_url, OLD)).missing == 0
    assert b"canary" not in dump_of(database_url)
    assert await texts(database_url, parsed(OLD)) == before
    old, new = f"'{parsed(OLD).names[0]}'", f"'{parsed(NEW).names[0]}'"
    await _killed_in_the_midst(database_url, BOTH, f"key_name = {new}", f"key_name = {old}")
    assert await texts(database_url, parsed(BOTH)) == before, "under two keys"
    await rotated(database_url)
    assert key_names(database_url) == {parsed(NEW).names[0]}
    assert await texts(database_url, parsed(NEW)) == before, "the old key is of no use any more"
    assert await rotated(database_url) == Rotated(), "there is nothing left to be done"


async def _killed_in_the_midst(database_url: str, ring: str, done: str, left: str) -> None:
    """`tutorhub keys rotate`, by SIGKILL, once both some users are done and some are left."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "keys", "rotate"),
        env={"TUTORHUB_DATABASE_URL": database_url, "TUTORHUB_ENCRYPTION_KEYS": ring},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(20):
            while rows(database_url, f"SELECT FROM users WHERE {done}") == []:
                await asyncio.sleep(0.005)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert process.returncode == -9
    for some in (done, left):
        assert rows(database_url, f"SELECT FROM users WHERE {some}") != [], f"nobody is {some}"


async def search(who: Device, query: str) -> list[SessionId]:
    return [hit.session.id for hit in (await who.ask(SessionSearch, SearchPage, query=query)).hits]


async def test_instances_that_run_notice_nothing_of_it_but_that_keys_have_changed(database_url: str) -> None:
    """Unsealed, then under the old key, then under the new one; a reply is being written all the time."""
    async with (
        provider(lambda _: ["One ", HOLD, "canary."]) as tutor,
        running(database_url, tutor.base_url, encryption_keys=None) as plain,
        device(plain) as phone,
    ):
        session, sent = await phone.begin("canary first")
        await tutor.held()
        tutor.release()
        await phone.settled(sent.reply)
    async with (
        provider(lambda _: ["One ", HOLD, "canary."]) as tutor,
        running(database_url, tutor.base_url, encryption_keys=BOTH, turns={"keep_every": 0.1}) as hub,
        device(hub) as phone,
    ):
        await phone.open(session)
        for number, ring in enumerate((OLD, BOTH)):
            sent = await phone.send(session, f"canary question{number}")
            await phone.until(lambda reply=sent.reply: phone.text(reply) == "One ")
            seq = phone.timeline.seq
            assert (await rotated(database_url, ring)).users == 1
            assert phone.timeline.seq == seq
            tutor.release()
            assert (await phone.settled(sent.reply)).content == "One canary."
            assert await search(phone, "first") == await search(phone, f"question{number}") == [session]
            assert await phone.send(session, f"canary question{number}", sent.message) == sent
            assert key_names(database_url) == {parsed(ring).names[0]}
            assert b"canary" not in dump_of(database_url)
        assert [row.preview for row in (await phone.ask(SessionList, SessionPage)).sessions] == ["One canary."]
        assert phone.gaps == 0


async def test_users_whose_key_is_missing_are_told_and_left_as_they_are(database_url: str) -> None:
    crowd(database_url)
    await rotated(database_url, OLD)
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO users (user_id) VALUES ('zoe')")
    before = rows(database_url, "SELECT * FROM users WHERE user_id <> 'zoe' ORDER BY 1")
    done = await rotated(database_url, NEW)
    assert (done.users, done.missing) == (1, USERS)
    assert rows(database_url, "SELECT * FROM users WHERE user_id <> 'zoe' ORDER BY 1") == before
    assert {use.key_name: (use.sealed, use.users) for use in await rotation.look(database_url)} == {
        parsed(NEW).names[0]: (True, 1),
        parsed(OLD).names[0]: (True, USERS),
    }


@pytest.mark.parametrize("ring", [None, OLD], ids=["no ring", "old ring"])
async def test_the_command_says_what_it_did_and_what_it_could_not(database_url: str, ring: str | None) -> None:
    crowd(database_url)
    if ring is not None:
        await rotated(database_url, ring)
    told = await _command(database_url, NEW, "rotate")
    assert ("done: 60 users, 2,460 rows sealed" in told) == (ring is None)
    assert ("Error: 60 users have keys that TUTORHUB_ENCRYPTION_KEYS lacks" in told) == (ring is not None)
    assert re.search(rf" 60  {parsed(ring or NEW).names[0]}\n", await _command(database_url, NEW, "status"))
    assert "TUTORHUB_ENCRYPTION_KEYS: is needed" in await _command(database_url, "", "rotate")
    assert parsed((await _command(database_url, "", "new", "--name", "x")).strip()).names[0].startswith("x#")
    assert "A name is up to 40" in await _command(database_url, "", "new", "--name", "a b")


async def _command(database_url: str, ring: str, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "keys", *arguments),
        env={"TUTORHUB_DATABASE_URL": database_url, "TUTORHUB_ENCRYPTION_KEYS": ring},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode()


# What instances have in common.


async def common(database_url: str, ring: KeyRing) -> tuple[str, bytes]:
    async with Database(database_url, 2, ring) as database, database.connection() as conn:
        found = await deployment(conn)
        return str(found.id), found.secret


async def test_all_instances_have_one_secret_in_common_which_is_rotated_too(database_url: str) -> None:
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(common(database_url, parsed(OLD))) for _ in range(4)]
    [made] = {task.result() for task in asking}
    assert await common(database_url, parsed(BOTH)) == made
    await rotated(database_url)
    assert await common(database_url, parsed(NEW)) == made
    assert made[1].hex().encode() not in dump_of(database_url)


async def test_who_cannot_open_the_secret_makes_another_and_overwrites_nothing(database_url: str) -> None:
    first = await common(database_url, parsed(OLD))
    second = await common(database_url, parsed(NEW))
    assert second != first
    assert await common(database_url, parsed(BOTH)) == first
    assert await common(database_url, parsed(NEW)) == second


async def test_a_secret_of_before_the_ring_is_used_and_wrapped_by_a_rotation(database_url: str) -> None:
    first = await common(database_url, NOTHING)
    assert await common(database_url, parsed(NEW)) == first
    assert first[1].hex().encode() in dump_of(database_url)
    await rotated(database_url)
    assert first[1].hex().encode() not in dump_of(database_url)
    assert await common(database_url, parsed(NEW)) == first


async def test_an_instance_says_in_its_log_who_is_not_sealed(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def said(ring: KeyRing) -> str:
        async with Database(database_url, 2, ring) as database:
            await rotation.say_what_is_not_sealed(database)
        return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)

    crowd(database_url)
    assert "users_not_sealed" not in await said(NOTHING)
    assert '"unsealed": 60, "missing_key": 0' in await said(parsed(NEW))
    await rotated(database_url, OLD)
    assert '"unsealed": 0, "missing_key": 60' in await said(NOTHING)
    assert '"unsealed": 0, "missing_key": 60' in await said(parsed(NEW))
    assert "users_not_sealed" not in await said(parsed(BOTH))
