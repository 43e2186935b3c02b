"""Nobody bears what is wrong with a send beside theirs, and what is sent keeps its order and its number."""

import asyncio
from collections.abc import Awaitable, Mapping
from random import Random
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from protocol.answers import Sent
from protocol.ids import SessionId, UserId, fresh_message_id
from protocol.model import Metadata
from server import messages, sending, sessions
from server.errors import IdempotencyConflict, Invalid, NotFound, Refusal, TooManyPending, Unavailable
from server.instance import Instance
from server.sending import AT_ONCE
from server.store.failures import DatabaseFault
from server.store.sends import Draft
from tests.database_proxy import database_proxy
from tests.device import device
from tests.hub import Hub, running
from tests.rings import rows
from tests.senders import ADA, BEN, SESSION, begin, instance, said, send


async def outcome(asked: Awaitable[Sent]) -> Sent | type[Exception]:
    try:
        return await asked
    except (Refusal, DatabaseFault) as error:
        return type(error)


async def all_at_once(asked: Mapping[str, Awaitable[Sent]]) -> dict[str, Sent | type[Exception]]:
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(outcome(each)) for name, each in asked.items()}
    return {name: task.result() for name, task in tasks.items()}


async def test_what_is_wrong_with_one_send_is_borne_by_nobody_else(database_url: str) -> None:
    alone: list[str] = []
    async with (
        instance(database_url, turns={"pending": 2}) as it,
        await psycopg.AsyncConnection.connect(database_url) as other,
    ):
        drafts, earlier = await prepare(it, alone)
        assert alone == []
        await other.execute("SELECT FROM users WHERE user_id = 'held' FOR UPDATE")
        async with asyncio.TaskGroup() as group:
            sends = {user: send(it, user, draft, alone) for user, draft in drafts.items()}
            asked = group.create_task(all_at_once(sends))
            while "held" not in alone:
                await asyncio.sleep(0.01)
            await other.rollback()
        found = asked.result()
    assert sorted(alone) == sorted(set(drafts) - {"good-1", "good-2"})
    assert found.pop("repeats") == earlier
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


async def prepare(it: Instance, alone: list[str]) -> tuple[dict[str, Draft], Sent]:
    """What each user is to send, who is called after what is wrong with it; and the receipt of what is repeated."""
    users = ["good-1", "repeats", "conflict", "deleted", "pending", "file", "held", "nowhere", "good-2"]
    for user in users:
        await begin(it, user)
    await begin(it, "untitled", title="")
    await sessions.delete(it, UserId("deleted"), SESSION)
    drafts = {user: said() for user in [*users, "untitled", "unknown"]}
    earlier = await send(it, "repeats", drafts["repeats"], alone)
    for user in ("conflict", "pending"):
        await send(it, user, drafts[user], alone)
    await send(it, "pending", said(), alone)
    file = Metadata(image_url=f"/api/media/{uuid4()}")
    return drafts | {
        "conflict": Draft(SESSION, drafts["conflict"].message, "other words", None),
        "pending": said(),
        "nowhere": said(session=SessionId(uuid4())),
        "file": Draft(SESSION, fresh_message_id(), "Look!", file),
    }, earlier


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
    assert sorted(rows(database_url, "SELECT user_id, seq FROM users")) == sorted(done.items())
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


async def waiting(it: Instance, group: asyncio.TaskGroup, draft: Draft) -> asyncio.Task[Sent]:
    """ADA's send, which waits until the sender is told to go on: as many statements as may be are under way."""
    it.sender._under_way = AT_ONCE
    sending_it = group.create_task(send(it, ADA, draft, []))
    await asyncio.sleep(0)
    assert len(it.sender._waiting) == 1
    return sending_it


async def test_who_gives_up_waiting_leaves_their_next_send_alone_in_its_statement(database_url: str) -> None:
    """Else there were two of one user, with one number."""
    other = SessionId(uuid4())
    async with instance(database_url) as it, asyncio.TaskGroup() as group:
        await begin(it, ADA)
        await begin(it, ADA, session=other)
        given_up = await waiting(it, group, said("given up"))
        given_up.cancel()
        await asyncio.wait([given_up])
        said_next = group.create_task(send(it, ADA, said("said", session=other), []))
        await asyncio.sleep(0)
        assert len(it.sender._waiting) == 2
        await it.sender._send_waiting()
        await said_next
        del given_up  # whose traceback holds the lock
        assert not it.sender._locks
    texts = rows(database_url, "SELECT content, seq FROM messages WHERE type = 'user'")
    assert texts == [("said", 3)]


async def test_no_more_wait_than_would_have_their_turn_in_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_WAITING", 1)
    async with instance(database_url) as it, asyncio.TaskGroup() as group:
        await begin(it, ADA)
        await begin(it, BEN)
        waits = await waiting(it, group, said())
        with pytest.raises(Unavailable):
            await send(it, BEN, said(), [])
        await it.sender._send_waiting()
        assert (await waits).position == 1


async def test_what_waits_too_long_for_what_its_user_has_sent_before_is_refused_and_never_done(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WAITS_FOR", 0.05)
    async with instance(database_url) as it, asyncio.TaskGroup() as group:
        await begin(it, ADA)
        waits = await waiting(it, group, said("first"))
        with pytest.raises(Unavailable):
            await send(it, ADA, said("second"), [])
        await it.sender._send_waiting()
        await waits
    assert rows(database_url, "SELECT content FROM messages WHERE type = 'user'") == [("first",)]
