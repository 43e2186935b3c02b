"""What is sent together comes out as if each had been sent alone, and nobody bears what is wrong with a neighbour."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from protocol.answers import Sent
from protocol.events import MessageAdded
from protocol.ids import SessionId, UserId, fresh_message_id
from protocol.model import Metadata
from server import messages, search, sessions
from server.errors import IdempotencyConflict, Invalid, NotFound, Refusal, TooManyPending
from server.instance import Instance
from server.messages import Part
from server.store.failures import DatabaseFault
from server.store.sends import Draft
from tests.database_proxy import database_proxy
from tests.device import device
from tests.hub import Hub, running
from tests.rings import NEW, rows

SESSION = SessionId(UUID(int=5))
ADA, BEN = UserId("ada"), UserId("ben")
DRAFTS = [
    Draft(SESSION, fresh_message_id(), "Why is the broth cloudy?", None),
    Draft(SESSION, fresh_message_id(), "\x01Begins with the mark, 粉が白い " + "x" * 300, None),
    Draft(
        SESSION,
        fresh_message_id(),
        "Says when, and in which language.",
        Metadata(timestamp=datetime(2026, 11, 23, 12, 0, 0, 123_000, UTC), language="en"),
    ),
]
EACH_DIFFERS = {"user_id", "created_at", "updated_at", "incarnation", "lease_until", "key"}
SEALED_DIFFER = {"content", "preview", "title", "body_hash", "words"}


@asynccontextmanager
async def instance(database_url: str, **changes: Any) -> AsyncGenerator[Instance]:
    async with running(database_url, roles="hub", **changes) as hub:
        assert hub.instance is not None
        yield hub.instance


async def send(it: Instance, user: str, draft: Draft, alone: list[str]) -> Sent:
    """As `messages.send`; who is sent alone is written down."""

    async def _alone() -> Sent:
        alone.append(user)
        return await messages._send_alone(it, UserId(user), draft)

    return await it.sender.send(UserId(user), draft, _alone)


async def begin(it: Instance, user: str, title: str = "Pho", session: SessionId = SESSION) -> None:
    await sessions.create(it, UserId(user), session, title=title, mode="learn", language="en")


def said(text: str = "words", session: SessionId = SESSION) -> Draft:
    return Draft(session, fresh_message_id(), text, None)


async def outcome(asked: Awaitable[Sent]) -> Sent | type[Exception]:
    try:
        return await asked
    except (Refusal, DatabaseFault) as error:
        return type(error)


async def all_at_once(asked: dict[str, Awaitable[Sent]]) -> dict[str, Sent | type[Exception]]:
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(outcome(each)) for name, each in asked.items()}
    return {name: task.result() for name, task in tasks.items()}


def stored(
    database_url: str, table: str, user: str, masked: Iterable[str], replies: list[UUID]
) -> list[dict[str, Any]]:
    """All columns of all rows of a user, with the replies, whose ids are fresh, by their numbers."""
    with psycopg.connect(database_url) as conn:
        cursor = conn.execute(f"SELECT * FROM {table} WHERE user_id = %s".encode(), (user,))
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    told = [
        {name: replies.index(value) if value in replies else value for name, value in row.items() if name not in masked}
        for row in found
    ]
    return sorted(told, key=repr)


@pytest.mark.parametrize("ring", [None, NEW], ids=["plain", "sealed"])
async def test_together_or_alone_every_column_and_what_is_told_are_the_same(
    database_url: str, ring: str | None
) -> None:
    async with running(database_url, roles="hub", encryption_keys=ring) as hub:
        it = hub.instance
        assert it is not None
        async with device(hub, ADA) as phone, device(hub, BEN) as other:
            alone: list[str] = []
            receipts: dict[str, list[Sent]] = {ADA: [], BEN: []}
            for user in (ADA, BEN):
                await begin(it, user)
            for draft in DRAFTS:
                receipts[ADA].append(await send(it, ADA, draft, alone))
                receipts[BEN].append(await messages._send_alone(it, BEN, draft))
            assert alone == []
            replies = {user: [sent.reply for sent in receipts[user]] for user in receipts}
            masked = EACH_DIFFERS | (SEALED_DIFFER if ring else set())
            for table in ("users", "sessions", "messages", "turns"):
                ours, theirs = (stored(database_url, table, user, masked, list(replies[user])) for user in (ADA, BEN))
                assert ours == theirs, table
                assert ours
            assert [(sent.position, sent.seq) for sent in receipts[ADA]] == [
                (sent.position, sent.seq) for sent in receipts[BEN]
            ]
            await phone.until(lambda: phone.timeline.seq == len(DRAFTS) + 1)
            await other.until(lambda: other.timeline.seq == len(DRAFTS) + 1)
            assert told(phone.events, replies[ADA]) == told(other.events, replies[BEN])
            await check_what_is_read(it, replies)
            if ring:
                contents = rows(database_url, "SELECT content FROM messages WHERE type = 'user'")
                assert all(str(content).startswith("\x01") and "broth" not in str(content) for (content,) in contents)


def told(events: Iterable[object], replies: list[Any]) -> list[Any]:
    """The events of sends, as JSON would have them, but for what differs from user to user."""
    found: list[Any] = []
    for event in events:
        if isinstance(event, MessageAdded):
            kept = [(each.title, each.preview, each.message_count, each.seq, each.read_seq) for each in event.sessions]
            found.append((event.seq, kept, [_told(each, replies) for each in event.messages]))
    assert len(found) == len(DRAFTS)
    return found


def _told(row: Any, replies: list[Any]) -> tuple[object, ...]:
    which = replies.index(row.id) if row.id in replies else row.id
    return which, row.session_id, row.position, row.type, row.content, row.metadata, row.status, row.reply_to, row.seq


async def check_what_is_read(it: Instance, replies: dict[str, list[Any]]) -> None:
    pages = [await messages.page(it, user, SESSION, Part(), 10) for user in (ADA, BEN)]
    texts = [[_told(row, replies[user]) for row in page.messages] for user, page in zip((ADA, BEN), pages, strict=True)]
    assert texts[0] == texts[1]
    assert [row.content for row in pages[0].messages if row.type == "user"] == [draft.content for draft in DRAFTS]
    hits = [await search.search(it, user, "cloudy", None, 10) for user in (ADA, BEN)]
    assert [len(found.hits) for found in hits] == [1, 1]


async def test_what_is_wrong_with_one_send_is_borne_by_nobody_else(database_url: str) -> None:
    async with (
        instance(database_url, turns={"pending": 2}) as it,
        await psycopg.AsyncConnection.connect(database_url) as other,
    ):
        alone: list[str] = []
        users = ["good-1", "repeats", "conflict", "deleted", "pending", "file", "held", "nowhere", "good-2"]
        for user in users:
            await begin(it, user)
        await begin(it, "untitled", title="")
        await sessions.delete(it, UserId("deleted"), SESSION)
        first = {user: said() for user in ("repeats", "conflict", "pending")}
        earlier = {user: await send(it, user, draft, alone) for user, draft in first.items()}
        await send(it, "pending", said(), alone)
        assert alone == []
        await other.execute("SELECT FROM users WHERE user_id = 'held' FOR UPDATE")
        file = Metadata(image_url=f"/api/media/{uuid4()}")
        drafts = {user: said() for user in [*users, "untitled", "unknown"]} | {
            "repeats": first["repeats"],
            "conflict": Draft(SESSION, first["conflict"].message, "other words", None),
            "nowhere": said(session=SessionId(uuid4())),
            "file": Draft(SESSION, fresh_message_id(), "Look!", file),
        }
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(
                all_at_once({user: send(it, user, draft, alone) for user, draft in drafts.items()})
            )
            while "held" not in alone:
                await asyncio.sleep(0.01)
            await other.rollback()
        found = asked.result()
    assert sorted(alone) == sorted(set(drafts) - {"good-1", "good-2"})
    assert found.pop("repeats") == earlier["repeats"]
    refused = {name: error for name, error in found.items() if isinstance(error, type)}
    assert refused == {
        "conflict": IdempotencyConflict,
        "deleted": NotFound,
        "pending": TooManyPending,
        "nowhere": NotFound,
        "unknown": NotFound,
        "file": Invalid,
    }
    assert set(found) - set(refused) == {"good-1", "good-2", "held", "untitled"}
    titles = "SELECT user_id FROM sessions WHERE title = 'words' AND message_count = 2"
    assert rows(database_url, titles) == [("untitled",)]


async def test_if_a_statement_fails_as_a_whole_each_is_sent_alone(database_url: str) -> None:
    async with instance(database_url) as it:
        alone: list[str] = []
        users = ["ada", "bad", "ben"]
        for user in users:
            await begin(it, user)
        found = await all_at_once(
            {user: send(it, user, said("\0" if user == "bad" else "words"), alone) for user in users}
        )
    assert sorted(alone) == users
    assert found.pop("bad") is DatabaseFault
    assert all(isinstance(each, Sent) for each in found.values())
    assert rows(database_url, "SELECT user_id, count(*) FROM messages GROUP BY 1 ORDER BY 1") == [
        ("ada", 2),
        ("ben", 2),
    ]


async def test_what_a_user_sends_at_once_keeps_its_order_though_the_first_is_sent_alone(database_url: str) -> None:
    async with instance(database_url) as it:
        alone: list[str] = []
        await begin(it, "ada", title="")
        found = await all_at_once({str(number): send(it, "ada", said(str(number)), alone) for number in range(20)})
    assert alone == ["ada"], "the one that gives the title"
    positions = [each.position for each in found.values() if isinstance(each, Sent)]
    assert positions == list(range(1, 40, 2))


async def test_when_the_answer_is_lost_it_is_said_again_and_done_once_and_every_device_hears_of_it(
    database_url: str,
) -> None:
    async with (
        database_proxy(database_url) as proxy,
        running(proxy.url, roles="hub") as hub,
        device(hub) as phone,
        device(hub) as tablet,
        device(hub, "ben") as neighbour,
    ):
        ours, theirs = await phone.create(title="Pho"), await neighbour.create(title="Pho")
        await tablet.until(lambda: ours in tablet.timeline.sessions)
        proxy.lose_commit_after(b"INSERT INTO messages")
        async with asyncio.TaskGroup() as group:
            group.create_task(phone.send(ours, "once"))
            group.create_task(neighbour.send(theirs, "and for all"))
        assert proxy.lost.is_set()
        await tablet.until(lambda: tablet.timeline.seq == 2)
        await neighbour.until(lambda: neighbour.timeline.seq == 2)
    found = rows(database_url, "SELECT content FROM messages WHERE type = 'user' ORDER BY 1")
    assert found == [("and for all",), ("once",)]


async def test_what_several_instances_change_at_once_has_numbers_and_places_without_gap(database_url: str) -> None:
    """Sends together and alone, edits, and deletions, of the same few users: no deadlock, and nothing is lost."""
    users = [f"user-{number}" for number in range(12)]
    done = dict.fromkeys(users, 1)
    alone: list[str] = []

    async def act(it: Instance, user: str, chance: Random) -> None:
        sent: list[Sent] = []
        for number in range(30):
            if number % 5 == 2:
                await messages.edit(it, UserId(user), chance.choice(sent).message, f"Edited {number}, {id(it)}")
            elif number % 5 == 4:
                await messages.delete(it, UserId(user), sent.pop().message)
            else:
                sent.append(await send(it, user, said(), alone))
            done[user] += 1

    many = {"pending": 1_000}
    async with instance(database_url, turns=many) as one, instance(database_url, turns=many) as two:
        for user in users:
            await begin(one, user)
        async with asyncio.TaskGroup() as group:
            for number, user in enumerate(users):
                for it in (one, two):
                    group.create_task(act(it, user, Random(number)))
    sends = 2 * 18 * len(users)
    assert 0 < len(alone) < sends, "some met another change of their user, and some did not"
    assert dict(rows(database_url, "SELECT user_id, seq FROM users")) == done  # pyright: ignore[reportArgumentType]
    numbers = (
        """SELECT user_id, array_agg(DISTINCT created_seq) FILTER (WHERE type = 'user') FROM messages GROUP BY 1"""
    )
    assert all(len(each) == 36 for _, each in rows(database_url, numbers))  # pyright: ignore[reportArgumentType]
    places = """SELECT DISTINCT count(*), min(m.position), max(m.position), s.last_position, s.message_count - count(*)
        FILTER (WHERE m.deleted_at IS NULL) FROM messages AS m
        INNER JOIN sessions AS s ON m.user_id = s.user_id AND m.session_id = s.id
        GROUP BY s.user_id, s.last_position, s.message_count"""
    assert rows(database_url, places) == [(72, 1, 72, 72, 0)]


async def test_one_that_comes_by_itself_is_one_round_trip(database_url: str) -> None:
    async with database_proxy(database_url) as proxy, running(proxy.url, roles="hub") as hub:
        asked = await statements_of_a_send(hub, proxy)
    assert asked == 1


async def statements_of_a_send(hub: Hub, proxy: Any) -> int:
    """The fewest of some: what goes on by itself asks, too."""
    it = hub.instance
    assert it is not None
    await begin(it, "ada")
    counts: list[int] = []
    for _ in range(10):
        before = proxy.statements
        await messages.send(it, ADA, said())
        counts.append(proxy.statements - before)
    return min(counts)
