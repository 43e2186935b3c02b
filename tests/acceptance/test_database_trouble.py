"""P1, P2 and P10: the database is restarted, down, locked, silent, full, or another one; nothing acknowledged is lost.

Long because each trouble is told from its beginning to its end.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path

import httpx2
import psycopg
import pytest
from msgspec import Struct
from psycopg.conninfo import make_conninfo

import client.device
from client.device import connect
from client.errors import CommandRefused
from protocol import model
from protocol.answers import SessionPage
from protocol.commands import MessageEdit, SessionList
from protocol.errors import Reason
from protocol.events import Refused
from protocol.ids import SessionId, fresh_message_id
from protocol.model import Message
from protocol.timeline import Timeline
from server.store.embedded import embedded
from server.store.migrations import migrate
from tests.conftest import fresh_folder
from tests.database_proxy import database_proxy
from tests.device import Device, RefusedError, device
from tests.hub import Hub, child, running
from tests.postgres import Postgres, postgres
from tests.provider import HOLD, provider
from tests.relay import Relay, relay

ANSWERED = 2.3
"""Seconds within which everything is answered: the limit of a use case, and what a busy machine adds."""
WHILE_AWAY = 3.0


@pytest.fixture(scope="module")
def own() -> Generator[Postgres]:
    with postgres() as made:
        yield made


def now() -> float:
    return asyncio.get_running_loop().time()


async def sent_at_last(phone: Device, session: SessionId, content: str) -> int:
    """Say it until it is accepted, always under one id. How often it was refused, each time retryably and in time."""
    message = fresh_message_id()
    for refusals in count():
        began = now()
        refusal = await refusal_of(phone.send(session, content, message))
        assert now() - began < ANSWERED
        if refusal is None:
            return refusals
        assert (refusal.code, refusal.retryable) == (Reason.UNAVAILABLE, True)
        await asyncio.sleep(0.05)
    raise AssertionError


async def refusal_of(asked: Awaitable[object]) -> Refused | None:
    try:
        await asked
    except RefusedError as error:
        return error.refused
    return None


async def stored(url: str) -> list[str]:
    """The texts that users have sent, in no order."""
    async with await psycopg.AsyncConnection.connect(url) as conn:
        found = await conn.execute("SELECT content FROM messages WHERE type = 'user'")
        return [row[0] for row in await found.fetchall()]


@asynccontextmanager
async def rest(hub: Hub, user: str = "ada") -> AsyncGenerator[httpx2.AsyncClient]:
    no_limits = httpx2.Limits()
    async with httpx2.AsyncClient(base_url=hub.url, headers=hub.headers(user), timeout=20, limits=no_limits) as client:
        yield client


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_quick_restart_while_idle_costs_nobody_an_error(own: Postgres, mode: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(await own.database(), tutor.base_url) as hub,
        device(hub) as phone,
        rest(hub) as http,
    ):
        session, sent = await phone.begin("before")
        await phone.settled(sent.reply)
        await own.restart(mode)
        sent = await phone.send(session, "after")
        assert (await http.post("/api/sessions", json={"title": "after"})).status_code == 201
        assert (await http.get("/readyz")).status_code == 200
        assert (await phone.settled(sent.reply)).content == "Yes."
        assert (phone.closed, phone.gaps) == (None, 0)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_restarts_under_sends_lose_nothing_that_was_acknowledged(own: Postgres, mode: str) -> None:
    url = await own.database()
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(url, tutor.base_url, turns={"pending": 10_000}) as hub,
    ):
        acknowledged: list[str] = []
        done = asyncio.Event()

        async def talk(user: str) -> None:
            async with device(hub, user) as phone:
                session = await phone.create()
                while not done.is_set():
                    content = f"{user} {len(acknowledged)}"
                    await sent_at_last(phone, session, content)
                    acknowledged.append(content)
                assert (phone.closed, phone.gaps) == (None, 0)

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(talk(f"user-{number}"))
            for _ in range(3):
                before = len(acknowledged)
                while len(acknowledged) < before + 20:
                    await asyncio.sleep(0.01)
                await own.restart(mode)
            done.set()
        assert sorted(await stored(url)) == sorted(acknowledged)


async def test_a_send_whose_commit_was_not_answered_is_done_once_and_accepted(own: Postgres) -> None:
    """Through either door: it has an id, so it is said to the database once more."""
    url = await own.database()
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        database_proxy(url) as proxy,
        running(proxy.url, tutor.base_url) as hub,
        device(hub) as phone,
        rest(hub) as http,
    ):
        session = await phone.create()
        await phone.open(session)
        proxy.lose_commit_after(b"INSERT INTO messages")
        sent = await phone.send(session, "by socket")
        assert proxy.lost.is_set()
        await phone.settled(sent.reply)
        proxy.lose_commit_after(b"INSERT INTO messages")
        answer = await http.post(f"/api/sessions/{session}/messages", json={"content": "by request"})
        assert (answer.status_code, proxy.lost.is_set()) == (201, True)
        proxy.lose_commit_after(b"INSERT INTO sessions")
        answer = await http.post("/api/sessions", json={"title": "one"})
        assert (answer.status_code, proxy.lost.is_set()) == (201, True)
        listed = (await http.get("/api/sessions")).json()["sessions"]
        assert len(listed) == 2
        assert sorted(await stored(url)) == ["by request", "by socket"]
        await phone.until(lambda: len(phone.timeline.sessions) == 2)
        assert phone.gaps == 0


async def test_what_broke_before_its_commit_is_done_again_without_a_word(own: Postgres) -> None:
    """Also what has no id of its own: it was surely not done."""
    url = await own.database()
    async with (
        running(url) as hub,
        device(hub) as phone,
        await psycopg.AsyncConnection.connect(url) as ours,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as watching,
        asyncio.TaskGroup() as group,
    ):
        session, sent = await phone.begin("Is it?")
        await phone.settled(sent.reply)
        await ours.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        editing = group.create_task(phone.ask(MessageEdit, Message, message=sent.message, content="Is it so?"))
        terminated = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while await (await watching.execute(terminated)).fetchone() is None:
            await asyncio.sleep(0.01)
        await ours.rollback()
        assert (await editing).content == "Is it so?"
        assert (phone.closed, (await phone.open(session)).messages[0].content) == (None, "Is it so?")


async def test_while_the_database_is_down_everything_is_refused_in_time_and_sockets_stay_open(own: Postgres) -> None:
    url = await own.database()
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(url, tutor.base_url) as hub,
        device(hub) as phone,
        rest(hub) as http,
    ):
        session, first = await phone.begin("before")
        await phone.settled(first.reply)
        await own.stop()
        back = now() + WHILE_AWAY
        refused, message = 0, fresh_message_id()
        while now() < back:
            began = now()
            with pytest.raises(RefusedError) as error:
                await phone.send(session, "meanwhile", message)
            assert (error.value.reason, error.value.refused.retryable) == (Reason.UNAVAILABLE, True)
            answer = await http.get("/api/sessions")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert (await http.get("/livez")).status_code == 200
            assert (await http.get("/readyz")).status_code == 503
            refused += 1
            assert now() - began < 3 * ANSWERED
        await own.start()
        began = now()
        await sent_at_last(phone, session, "meanwhile")
        assert now() - began < 2
        assert (await http.get("/readyz")).status_code == 200
        assert (phone.closed, phone.gaps, sorted(await stored(url))) == (None, 0, ["before", "meanwhile"])


async def test_a_crowd_that_asks_all_the_while_that_the_database_is_down_does_not_keep_it_away(own: Postgres) -> None:
    """More than may wait for a connection, for longer than the pool tries by itself."""
    url = await own.database()
    async with running(url) as hub, rest(hub) as http:
        down = asyncio.Event()
        down.set()

        async def ask() -> None:
            while down.is_set():
                assert (await http.post("/api/sessions", json={})).status_code == 503
                await asyncio.sleep(0.05)

        await own.stop()
        async with asyncio.TaskGroup() as group:
            for _ in range(150):
                group.create_task(ask())
            await asyncio.sleep(6)
            down.clear()
        await own.start()
        began = now()
        while (await http.post("/api/sessions", json={})).status_code != 201:
            assert now() - began < 2
            await asyncio.sleep(0.05)


async def test_a_locked_table_is_refused_in_time_and_works_at_once_when_it_is_free(own: Postgres) -> None:
    url = await own.database()
    async with (
        running(url) as hub,
        device(hub) as phone,
        rest(hub) as http,
        await psycopg.AsyncConnection.connect(url) as ours,
    ):
        session = await phone.create()
        await ours.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        began = now()
        with pytest.raises(RefusedError) as refused:
            await phone.send(session, "hello")
        answer = await http.post(f"/api/sessions/{session}/messages", json={"content": "hello"})
        assert now() - began < 2 * ANSWERED
        assert (refused.value.reason, answer.status_code) == (Reason.UNAVAILABLE, 503)
        assert (await http.get(f"/api/sessions/{session}")).status_code == 200
        await ours.rollback()
        began = now()
        await phone.send(session, "hello")
        assert now() - began < 0.5


async def test_a_rush_that_takes_all_connections_is_refused_quickly_and_costs_no_turn_its_lease(own: Postgres) -> None:
    url = await own.database()
    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        running(url, tutor.base_url, turns={"lease": 3.0, "keep_every": 0.3}) as hub,
        device(hub) as phone,
        rest(hub) as http,
        await psycopg.AsyncConnection.connect(url) as ours,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as watching,
    ):
        session, sent = await phone.begin("Count.")
        await tutor.held()
        await ours.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        began, answers = now(), list[tuple[int, float]]()

        async def ask() -> None:
            answer = await http.post(f"/api/sessions/{session}/messages", json={"content": "hello"})
            answers.append((answer.status_code, now() - began))

        async with asyncio.TaskGroup() as group:
            for _ in range(200):
                group.create_task(ask())
        assert {status for status, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < ANSWERED + 2  # the machine has 200 requests to read
        while now() < began + 3.5:  # longer than the lease
            left = await watching.execute("SELECT min(lease_until - now()) > interval '1 s' FROM turns")
            assert await left.fetchone() == (True,)
            await asyncio.sleep(0.2)
        await ours.rollback()
        tutor.release()
        assert (await phone.settled(sent.reply)).content == "One two."


async def test_a_database_that_takes_everything_and_answers_nothing_costs_a_limited_time(own: Postgres) -> None:
    url = await own.database()
    async with (
        database_proxy(url) as proxy,
        running(proxy.url) as hub,
        device(hub) as phone,
        rest(hub) as http,
    ):
        session = await phone.create()
        message = fresh_message_id()
        proxy.hole = True
        for _ in range(3):
            began = now()
            with pytest.raises(RefusedError) as refused:
                await phone.send(session, "hello", message)
            assert (refused.value.reason, refused.value.refused.retryable) == (Reason.UNAVAILABLE, True)
            assert 0.9 < now() - began < ANSWERED
            began = now()
            for path in ("/livez", "/openapi.json"):
                assert (await http.get(path)).status_code == 200
            assert now() - began < 0.5
        assert phone.closed is None
        proxy.hole = False
        began = now()
        while (refusal := await refusal_of(phone.send(session, "hello", message))) is not None:
            assert refusal.retryable
        assert now() - began < 5
        assert await stored(url) == ["hello"]


async def test_a_hub_whose_database_is_silent_leaves_in_time(own: Postgres) -> None:
    """With requests under way, and a reply that cannot be released."""
    async with (
        provider(lambda _: ["One ", HOLD, "two."]) as tutor,
        database_proxy(await own.database()) as proxy,
        child(proxy.url, tutor.base_url) as hub,
        rest(hub.hub) as http,
        device(hub.hub) as phone,
    ):
        await phone.begin("Count.")
        await tutor.held()
        proxy.hole = True
        async with asyncio.TaskGroup() as group:
            for _ in range(12):
                group.create_task(_whatever_comes(http))
            await asyncio.sleep(0.5)
            began = now()
            assert await hub.end() == 0
            assert now() - began < 12


async def _whatever_comes(http: httpx2.AsyncClient) -> None:
    with suppress(httpx2.TransportError):
        await http.get("/api/sessions")


class Behind(Struct):
    """What was said by `phone` in a session, "kept" and "lost", and acknowledged; the standby does not have the last.
    `url` is the database on the standby.
    """

    primary: Postgres
    standby: Postgres
    url: str
    network: Relay
    phone: client.device.Device
    session: SessionId

    async def fail_over(self) -> None:
        await self.primary.stop("immediate")
        await self.standby.promote()

    async def has_both(self) -> None:
        async with asyncio.timeout(10):
            while sorted(await stored(self.url)) != ["kept", "lost"]:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def behind() -> AsyncGenerator[Behind]:
    with postgres() as primary:
        database = await primary.database()
        async with primary.standby() as standby:
            hosts = f"{primary.folder},{standby.folder}"
            url = make_conninfo(database, host=hosts, port="5432,5432", target_session_attrs="read-write")
            async with (
                provider(lambda _: ["Yes."]) as tutor,
                running(url, tutor.base_url) as hub,
                relay(hub.port) as network,
                connect(network.url, hub.token("ada"), model.Device(id="phone", name="phone")) as phone,
            ):
                session = (await phone.create_session(title="A")).id
                await phone.open(session)
                await phone.settled((await phone.send(session, "kept")).reply)
                await primary.lose(standby)
                await phone.settled((await phone.send(session, "lost")).reply)
                yield Behind(
                    primary, standby, make_conninfo(database, host=str(standby.folder)), network, phone, session
                )


async def test_after_a_fail_over_devices_start_afresh_and_say_again_what_was_lost() -> None:
    async with behind() as it:
        epoch = it.phone.timeline.epoch
        await it.fail_over()
        it.network.cut()
        await it.phone.until(lambda timeline: timeline.epoch not in (None, epoch))
        await it.has_both()
        await it.phone.until(lambda timeline: asked(timeline, it.session) == ["kept", "lost"])


def asked(timeline: Timeline, session: SessionId) -> list[str]:
    return [row.content for row in timeline.shown_messages(session) if row.type == "user"]


async def test_what_is_said_during_a_fail_over_is_not_done_before_what_was_lost_is_said_again() -> None:
    """A command that met the end of the one database is not done in the other, nor one that waited behind it."""
    async with behind() as it, asyncio.TaskGroup() as group:
        failing_over = group.create_task(it.fail_over())
        while not failing_over.done():
            group.create_task(_whether_or_not(it.phone.update_session(it.session, title="B")))
            await asyncio.sleep(0.02)
        group.create_task(_whether_or_not(it.phone.delete_session(it.session)))
        await it.has_both()


async def _whether_or_not(asked: Awaitable[object]) -> None:
    """While nothing leads, it is refused after two seconds."""
    with suppress(CommandRefused):
        await asked


@contextmanager
def small_disk(megabytes: int) -> Generator[Path]:
    with fresh_folder() as folder:
        options = f"size={megabytes}m,mode=755"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=False, capture_output=True
        )
        if mounted.returncode:
            pytest.skip("needs a disk that can be filled: only root may mount a small one")
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """The ballast that takes all room that there is."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1_024))
    return ballast


def large() -> str:
    """A text that does not fit into what room there may be left between the rows."""
    return os.urandom(3_000).hex()


async def test_when_the_disk_is_full_nothing_is_written_and_everything_can_be_read() -> None:
    with small_disk(160) as folder, embedded(folder / "data", durable=False) as url:
        await migrate(url)
        async with running(url) as hub, device(hub) as phone, rest(hub) as http:
            session = await phone.create(title="A")
            ballast = fill(folder)
            sent: list[str] = []
            while (refusal := await refusal_of(phone.send(session, content := large()))) is None:
                sent.append(content)
            assert (refusal.code, refusal.retryable) == (Reason.STORAGE_FULL, True)
            answer = await http.post(f"/api/sessions/{session}/messages", json={"content": large()})
            assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.text) == (200, "ready, but read-only: storage is full")
            page = await phone.open(session)
            assert [row.content for row in page.messages if row.type == "user"] == sent
            assert (await phone.ask(SessionList, SessionPage)).sessions[0].id == session
            ballast.unlink()
            await phone.send(session, "after")
            assert sorted(await stored(url)) == sorted([*sent, "after"])
            assert phone.closed is None
