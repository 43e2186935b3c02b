"""Replicas take reads off the database. They never answer what is older than a device has seen, and cost no error."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager

import psycopg
import pytest
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from protocol import commands as say
from protocol.answers import MessagePage, SearchPage, SessionPage
from protocol.ids import SessionId
from protocol.model import Session
from server.store import reads
from tests.device import Device, device
from tests.hub import Hub, running
from tests.postgres import Postgres, postgres
from tests.provider import provider


@pytest.fixture(scope="module")
def primary() -> Generator[Postgres]:
    with postgres() as made:
        yield made


class Place(Struct):
    """A hub on a database, its replica, and a device."""

    hub: Hub
    database: str
    standby: Postgres
    replica: str
    phone: Device

    def counts(self) -> dict[str, int]:
        assert self.hub.instance is not None
        return dict(self.hub.instance.reads.counts)

    async def caught_up(self) -> None:
        """The replica has everything that was committed by now."""
        async with await psycopg.AsyncConnection.connect(self.database, autocommit=True) as conn:
            row = await (await conn.execute("SELECT pg_current_wal_lsn()")).fetchone()
            assert row is not None
        while await self.on_replica("SELECT pg_last_wal_replay_lsn() >= %s", row) is not True:
            await asyncio.sleep(0.02)

    async def on_replica(self, statement: str, values: tuple[object, ...] = ()) -> object:
        async with await psycopg.AsyncConnection.connect(self.replica, autocommit=True) as conn:
            row = await (await conn.execute(statement.encode(), values)).fetchone()
            return row and row[0]

    async def answered_by_replica(self) -> None:
        """Some answer comes from there, before long."""
        before = self.counts().get("replica", 0)
        while self.counts().get("replica", 0) == before:
            await titles(self.phone)
            await asyncio.sleep(0.05)


def url_of(url: str, of: Postgres) -> str:
    """As the setting has it: an address, whose blanks are none."""
    parts = conninfo_to_dict(make_conninfo(url, host=str(of.folder)))
    return f"postgresql:///{parts['dbname']}?host={parts['host']}&port={parts['port']}&user={parts['user']}"


@asynccontextmanager
async def place(primary: Postgres, replicas: Callable[[str], str] = lambda url: url) -> AsyncGenerator[Place]:
    database = await primary.database()
    async with primary.standby() as standby, provider(lambda _: ["Yes."]) as tutor:
        replica = url_of(database, standby)
        async with (
            running(database, tutor.base_url, replica_urls=replicas(replica)) as hub,
            device(hub, "ada") as phone,
        ):
            yield Place(hub, database, standby, replica, phone)


async def titles(phone: Device) -> list[str]:
    return [row.title for row in (await phone.ask(say.SessionList, SessionPage)).sessions]


async def rename(phone: Device, session: SessionId, title: str) -> None:
    await phone.ask(say.SessionUpdate, Session, session=session, title=title)


async def test_lists_searches_and_pages_are_read_from_a_replica_that_is_up_to_date(primary: Postgres) -> None:
    async with place(primary) as it:
        session = await it.phone.create(title="Gravity")
        await it.phone.open(session)
        sent = await it.phone.send(session, "What bends light?")
        await it.phone.settled(sent.reply)
        await it.answered_by_replica()
        await it.caught_up()
        before = it.counts()["replica"]
        assert await titles(it.phone) == ["Gravity"]
        found = await it.phone.ask(say.SessionSearch, SearchPage, query="ligth")
        assert (found.similar, [hit.message for hit in found.hits]) == (["light"], [sent.message])
        page = await it.phone.ask(say.MessageList, MessagePage, session=session, around=sent.message)
        assert [row.id for row in page.messages] == [sent.message, sent.reply]
        assert it.counts()["replica"] == before + 3


async def test_a_replica_that_lags_answers_nobody_who_has_seen_more(primary: Postgres) -> None:
    async with place(primary) as it, device(it.hub, "bob") as other:
        session = await it.phone.create(title="0")
        await other.create(title="of bob")
        await it.answered_by_replica()
        await it.caught_up()
        await it.on_replica("SELECT pg_wal_replay_pause()")
        while await it.on_replica("SELECT pg_get_wal_replay_pause_state()") != "paused":
            await asyncio.sleep(0.02)
        before = it.counts()
        for number in range(1, 20):
            await rename(it.phone, session, str(number))
            assert await titles(it.phone) == [str(number)]
        after = it.counts()
        assert after["replica"] == before["replica"]
        assert after["behind"] >= before.get("behind", 0) + 19
        assert await titles(other) == ["of bob"]
        assert it.counts()["replica"] == before["replica"] + 1, "who has seen no more is answered"
        await it.on_replica("SELECT pg_wal_replay_resume()")
        await it.answered_by_replica()
        assert await titles(it.phone) == ["19"]


async def test_what_an_answer_has_shown_is_not_taken_back_by_a_replica(primary: Postgres) -> None:
    """A page of the database may be ahead of all that was told on this instance."""
    async with place(primary) as it:
        session = await it.phone.create(title="old")
        await it.answered_by_replica()
        await it.caught_up()
        await it.on_replica("SELECT pg_wal_replay_pause()")
        with psycopg.connect(it.database) as conn:  # as another instance that is not heard
            conn.execute("UPDATE users SET seq = seq + 1")
            conn.execute("UPDATE sessions SET title = 'new', seq = (SELECT max(seq) FROM users)")
        page = await it.phone.ask(say.SessionOpen, MessagePage, session=session)
        assert page.session.title == "new"
        assert await titles(it.phone) == ["new"]


async def test_a_replica_that_dies_costs_no_error_and_is_used_again_when_it_is_back(primary: Postgres) -> None:
    async with place(primary) as it:
        session = await it.phone.create(title="0")
        await it.answered_by_replica()
        await it.standby.stop("immediate")
        for number in range(1, 20):
            await rename(it.phone, session, str(number))
            assert await titles(it.phone) == [str(number)]
        await it.standby.start()
        await it.answered_by_replica()
        assert await titles(it.phone) == ["19"]


async def test_a_replica_that_is_silent_costs_half_a_second_once_and_no_error(primary: Postgres) -> None:
    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        async with place(primary, lambda _: f"postgresql://ada@127.0.0.1:{port}/nothing") as it:
            await it.phone.create(title="A")
            began = time.monotonic()
            for _ in range(20):
                assert await titles(it.phone) == ["A"]
            assert time.monotonic() - began < 2 * reads.WITHIN + 0.5
            assert it.counts().get("replica", 0) == 0


async def test_a_replica_of_another_database_is_never_read(primary: Postgres) -> None:
    another = await primary.database()
    async with running(another) as elsewhere, device(elsewhere, "ada") as phone:
        for number in range(20):
            await phone.create(title=f"elsewhere {number}")
    async with place(primary, lambda _: url_of(another, primary)) as it:
        await it.phone.create(title="here")
        for _ in range(20):
            assert await titles(it.phone) == ["here"]
        assert it.counts().get("replica", 0) == 0
        assert it.counts()["behind"] == 20


async def test_a_replica_of_before_a_fail_over_is_never_read(primary: Postgres) -> None:
    """It has numbers that were given again since, to other changes."""
    database = await primary.database()
    async with primary.standby() as standby, running(database) as hub, device(hub, "ada") as phone:
        await phone.create(title="kept")
        await primary.lose(standby)
        for number in range(20):
            await phone.create(title=f"lost {number}")
        await standby.promote()
        async with (
            running(url_of(database, standby), replica_urls=url_of(database, primary)) as after,
            device(after, "ada") as tablet,
        ):
            await tablet.create(title="new")
            for _ in range(20):
                assert await titles(tablet) == ["new", "kept"]
            assert after.instance is not None
            assert after.instance.reads.counts["replica"] == 0
            assert after.instance.reads.counts["behind"] == 20
