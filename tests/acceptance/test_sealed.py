"""With a key ring all works as without one, and neither the database nor Redis holds a word of what was said."""

from collections.abc import Generator
from typing import Any

import httpx2
import psycopg
import pytest

from protocol.answers import SearchPage, SessionPage
from protocol.commands import MessageDelete, MessageEdit, SessionList, SessionSearch, SessionUpdate
from protocol.errors import CloseCode, Reason
from protocol.events import Refused
from protocol.ids import SessionId
from protocol.model import Message, Session
from server.key_ring import parsed
from server.store.migrations import migrate
from tests.database_proxy import database_proxy
from tests.device import Device, RefusedError, device
from tests.hub import running
from tests.provider import HOLD, provider
from tests.redis_server import RedisServer, redis_server
from tests.rings import NEW, OLD, all_in, dump_of, rows

CANARY = "zanzibar"
ANSWER = [f"In {CANARY} ", "there are ", HOLD, "quetzals, too."]
SAID = "".join(part for part in ANSWER if isinstance(part, str))


@pytest.fixture
def redis() -> Generator[RedisServer]:
    with redis_server() as server:
        yield server


async def found(who: Device, query: str) -> list[SessionId]:
    return [hit.session.id for hit in (await who.ask(SessionSearch, SearchPage, query=query)).hits]


async def test_neither_the_database_nor_redis_holds_a_word_and_all_works(database_url: str, redis: RedisServer) -> None:
    async with (
        provider(ANSWER) as tutor,
        running(database_url, tutor.base_url, redis_url=redis.url, encryption_keys=NEW, turns={"keep_every": 0.1}) as a,
        running(database_url, tutor.base_url, redis_url=redis.url, encryption_keys=NEW) as b,
        device(a, "quillfeather") as phone,
        device(b, "quillfeather") as laptop,
        httpx2.AsyncClient(base_url=b.url, headers=b.headers("quillfeather")) as rest,
    ):
        session = await phone.create(title="Quetzal Gazetteer")
        await phone.open(session)
        await laptop.until(lambda: session in laptop.timeline.sessions)
        await laptop.open(session)
        sent = await phone.send(session, f"Where is {CANARY}?")
        await laptop.until(lambda: laptop.text(sent.reply) == f"In {CANARY} there are ")
        while rows(database_url, "SELECT text FROM turns WHERE length(text) > 20") == []:
            await rest.get("/livez")
        in_the_midst = dump_of(database_url) + all_in(redis)
        assert b":draft:" in in_the_midst
        tutor.release()
        assert (await laptop.settled(sent.reply)).content == SAID
        for query in ("zanz", "QUETZALS too", "gazetteer", f"where is {CANARY}"):
            assert await found(laptop, query) == [session], query
        hit = (await rest.get(f"/api/sessions/search?q={CANARY[:4]}")).json()["hits"][0]
        assert hit["excerpt"] == SAID
        assert hit["session"]["preview"] == SAID
        page = (await rest.get(f"/api/sessions/{session}/messages")).json()
        assert [row["content"] for row in page["messages"]] == [f"Where is {CANARY}?", SAID]
        afterwards = dump_of(database_url) + all_in(redis)
    for word in (CANARY, "quetzal", "gazetteer"):
        assert word.encode() not in (in_the_midst + afterwards).lower(), word
    assert b"quillfeather" not in all_in(redis)


async def test_a_send_asks_the_database_as_often_as_without_a_ring(database_url: str, empty_database_url: str) -> None:
    await migrate(empty_database_url)
    asked = list[int]()
    for url, keys in ((database_url, None), (empty_database_url, NEW)):
        async with (
            database_proxy(url) as proxy,
            running(proxy.url, encryption_keys=keys, roles="hub") as hub,
            device(hub) as phone,
        ):
            session, _ = await phone.begin("First.")
            before = proxy.statements
            await phone.send(session, "Second.")
            asked.append(proxy.statements - before)
    assert asked[0] == asked[1]


@pytest.mark.parametrize("keys", [None, NEW], ids=["unsealed", "sealed"])
async def test_a_preview_is_the_beginning_of_the_latest_text_whatever_becomes_of_it(
    database_url: str, keys: str | None
) -> None:
    async with (
        provider(lambda request: [f"Answer {len(request['messages']) // 2}."]) as tutor,
        running(database_url, tutor.base_url, encryption_keys=keys) as hub,
        device(hub) as phone,
    ):
        session, first = await phone.begin("First.")
        await phone.settled(first.reply)
        second = await phone.send(session, "é" * 300)
        await phone.settled(second.reply)
        await phone.ask(MessageDelete, Message, message=second.reply)
        assert await _preview(phone) == "é" * 200
        await phone.ask(MessageEdit, Message, message=first.message, content="Earlier.")
        assert await _preview(phone) == "é" * 200
        await phone.ask(MessageEdit, Message, message=second.message, content="Later.")
        assert await _preview(phone) == "Later."
        for gone, left in ((second.message, "Answer 1."), (first.reply, "Earlier."), (first.message, None)):
            await phone.ask(MessageDelete, Message, message=gone)
            assert await _preview(phone) == left
        with pytest.raises(RefusedError) as told:
            await phone.send(session, "another", first.message)
        assert told.value.reason is Reason.IDEMPOTENCY_CONFLICT
        assert await phone.send(session, "First.", first.message) == first


async def _preview(phone: Device) -> str | None:
    [row] = (await phone.ask(SessionList, SessionPage)).sessions
    assert phone.timeline.sessions[row.id] == row
    return row.preview


async def test_what_was_there_before_the_ring_is_read_searched_and_answered(database_url: str) -> None:
    """The user goes on unsealed until a rotation."""
    async with provider([SAID]) as tutor:
        async with running(database_url, tutor.base_url, encryption_keys=None) as hub, device(hub) as phone:
            session, sent = await phone.begin("Before the ring")
            await phone.settled(sent.reply)
        async with (
            running(database_url, tutor.base_url, encryption_keys=NEW) as hub,
            device(hub) as phone,
            device(hub, "bob") as other,
        ):
            await phone.open(session)
            again = await phone.send(session, "After the ring")
            assert (await phone.settled(again.reply)).content == SAID
            assert await phone.send(session, "Before the ring", sent.message) == sent
            assert await found(phone, "before") == await found(phone, "after the") == [session]
            begun, _ = await other.begin("In the ring")
            assert await found(other, "ring") == [begun]
        assert rows(database_url, "SELECT user_id, key_name, sealed FROM users ORDER BY 1") == [
            ("ada", None, False),
            ("bob", parsed(NEW).names[0], True),
        ]


def everything(database_url: str) -> list[tuple[object, ...]]:
    return [
        row
        for table in ("users", "sessions", "messages", "turns")
        for row in rows(database_url, f"SELECT * FROM {table} WHERE user_id = 'ada' ORDER BY 1, 2")
    ]


@pytest.mark.parametrize("ring", [None, NEW, f"old:{NEW.partition(':')[2]}"], ids=["no ring", "new key", "other key"])
async def test_without_the_key_a_user_is_refused_the_rest_goes_on_and_nothing_is_overwritten(
    database_url: str, ring: str | None, redis: RedisServer
) -> None:
    async with provider(lambda _: [SAID, HOLD]) as tutor:
        async with (
            running(database_url, tutor.base_url, redis_url=redis.url, encryption_keys=OLD) as hub,
            device(hub) as phone,
        ):
            session, sent = await phone.begin(f"Where is {CANARY}?")
            await phone.until(lambda: phone.text(sent.reply) == SAID)
        before = everything(database_url)
        async with running(
            database_url,
            tutor.base_url,
            redis_url=redis.url,
            encryption_keys=ring,
            turns={"lease": 1, "keep_every": 0.2},
        ) as hub:
            await _is_refused(hub, session, str(sent.message))
            async with device(hub, "bob") as other:
                _, theirs = await other.begin("Is anybody there?")
                await other.until(lambda: other.text(theirs.reply) == SAID)
                tutor.release()
                await other.settled(theirs.reply)
        assert everything(database_url) == before
        async with (
            running(database_url, tutor.base_url, redis_url=redis.url, encryption_keys=f"{NEW},{OLD}") as hub,
            device(hub) as phone,
        ):
            page = await phone.open(session)
            assert page.messages[0].content == f"Where is {CANARY}?"
            tutor.release()
            await phone.until(lambda: phone.text(sent.reply) == SAID)
            assert await found(phone, CANARY) == [session]


async def _is_refused(hub: Any, session: SessionId, message: str) -> None:
    async with httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada")) as rest:
        for method, path, body in (
            ("GET", f"/api/sessions/{session}", None),
            ("GET", "/api/sessions", None),
            ("GET", f"/api/sessions/{session}/messages", None),
            ("GET", "/api/sessions/search?q=zanzibar", None),
            ("POST", f"/api/sessions/{session}/messages", {"content": "More."}),
            ("PATCH", f"/api/sessions/{session}", {"title": "Other"}),
            ("PUT", f"/api/messages/{message}", {"content": "Other."}),
            ("DELETE", f"/api/messages/{message}", None),
            ("POST", "/api/sessions", {"title": "New"}),
        ):
            answer = await rest.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "sealed_with_missing_key"), (method, path)
            assert "retryable" not in answer.json()
    async with Device(hub, "ada") as refused:
        await refused.connect()
        await refused.until(lambda: refused.closed is not None)
        assert refused.closed == CloseCode.FORBIDDEN
        [why] = [event for event in refused.events if isinstance(event, Refused)]
        assert (why.code, why.retryable) == (Reason.SEALED_WITH_MISSING_KEY, False)


async def test_a_value_that_was_moved_to_another_row_is_refused(database_url: str) -> None:
    async with (
        provider([SAID]) as tutor,
        running(database_url, tutor.base_url, encryption_keys=NEW) as hub,
        device(hub) as phone,
    ):
        session, first = await phone.begin("First.")
        await phone.settled(first.reply)
        second = await phone.send(session, "Second.")
        await phone.settled(second.reply)
        with psycopg.connect(database_url) as conn:
            conn.execute(
                "UPDATE messages SET content = (SELECT content FROM messages WHERE id = %s) WHERE id = %s",
                (first.message, second.message),
            )
        with pytest.raises(RefusedError) as told:
            await phone.open(session)
        assert told.value.reason is Reason.SEALED_WITH_MISSING_KEY


async def test_a_title_of_500_wide_letters_and_a_reply_of_the_full_size_find_room(database_url: str) -> None:
    whole = ["𝄞𝄞𝄞 " * 1_000] * 10
    async with (
        provider(whole) as tutor,
        running(database_url, tutor.base_url, encryption_keys=NEW, turns={"reply_bytes": 131_072}) as hub,
        device(hub) as phone,
    ):
        session = await phone.create(title="𝄞" * 500)
        await phone.open(session)
        sent = await phone.send(session, "𝄞" * 8_000)
        assert (await phone.settled(sent.reply)).content == "".join(whole)
        row = await phone.ask(SessionUpdate, Session, session=session, mode="learn")
        assert (row.title, row.preview) == ("𝄞" * 500, "".join(whole)[:200])


async def test_two_deployments_on_one_redis_do_not_hear_each_other(
    database_url: str, empty_database_url: str, redis: RedisServer
) -> None:
    await migrate(empty_database_url)
    async with (
        provider([SAID]) as tutor,
        running(database_url, tutor.base_url, redis_url=redis.url) as ours,
        running(empty_database_url, tutor.base_url, redis_url=redis.url) as theirs,
        device(ours) as phone,
        device(theirs) as stranger,
    ):
        _, sent = await phone.begin("Hello.")
        await phone.settled(sent.reply)
        assert ours.instance is not None
        assert theirs.instance is not None
        assert ours.instance.broker.counts["published"] > 0
        assert theirs.instance.broker.counts["heard"] == 0
        assert not any("dropped" in name for name in theirs.instance.broker.counts)
        assert stranger.timeline.sessions == {}
