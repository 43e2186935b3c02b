"""REST and the socket are two doors to the same functions: they answer alike, and each hears what the other did."""

import json
from typing import Any, cast
from uuid import uuid4

import httpx2
import pytest

from protocol import commands as say
from protocol.answers import MessagePage, SearchPage, SessionPage
from protocol.codec import encode
from protocol.events import Refused, SessionChanged
from protocol.ids import fresh_message_id, fresh_session_id
from protocol.model import Message, Session
from tests.device import Device, RefusedError, device
from tests.hub import Hub, running
from tests.provider import provider
from tests.rings import NEW

VOLATILE = {
    "createdAt",
    "updatedAt",
    "deletedAt",
    "id",
    "userId",
    "session",
    "sessionId",
    "message",
    "reply",
    "replyTo",
}


def plain(answer: Any) -> Any:
    """An answer without what differs between two users who did the same: ids and times."""
    if isinstance(answer, dict):
        pairs = cast("dict[str, Any]", answer).items()
        return {key: "…" if key in VOLATILE and not isinstance(value, dict) else plain(value) for key, value in pairs}
    return [plain(item) for item in cast("list[Any]", answer)] if isinstance(answer, list) else answer


class Doors:
    """The socket of one user and REST of another, who do the same."""

    def __init__(self, device: Device, rest: httpx2.AsyncClient) -> None:
        self.device = device
        self.rest = rest

    async def same(self, method: str, path: str, kind: type[Any], body: Any = None, **fields: Any) -> Any:
        """Ask through both; the answer, which must be one and the same."""
        answered = await self.rest.request(method, path, json=body)
        try:
            said = await self.device.ask(kind, dict[str, Any], **fields)
        except RefusedError as error:
            said = problem_of(error.refused)
        assert plain(answered.json()) == plain(said), (method, path)
        return answered.json()


def problem_of(refused: Refused) -> dict[str, Any]:
    problem = json.loads(encode(refused))
    problem.pop("ref")
    return problem | {"type": problem.pop("problem")}


async def test_what_is_done_with_sessions_is_answered_alike_by_rest_and_by_socket(database_url: str) -> None:
    async with (
        running(database_url) as hub,
        device(hub, "by-socket") as phone,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("by-rest")) as rest,
    ):
        same = Doors(phone, rest).same
        one, two, none = fresh_session_id(), fresh_session_id(), fresh_session_id()
        await same("POST", "/api/sessions", say.SessionCreate, {"id": str(one), "title": "A"}, session=one, title="A")
        await same("POST", "/api/sessions", say.SessionCreate, {"id": str(one), "title": "A"}, session=one, title="A")
        await same("POST", "/api/sessions", say.SessionCreate, {"id": str(one), "title": "B"}, session=one, title="B")
        await same("POST", "/api/sessions", say.SessionCreate, {"id": str(two), "mode": "fun"}, session=two, mode="fun")
        await same("PATCH", f"/api/sessions/{two}", say.SessionUpdate, {"language": "de"}, session=two, language="de")
        await same("PUT", f"/api/sessions/{two}", say.SessionUpdate, {"title": "T"}, session=two, title="T")
        await same("PUT", f"/api/sessions/{two}", say.SessionUpdate, {"mode": "learn"}, session=two, mode="learn")
        await same("PUT", f"/api/sessions/{none}", say.SessionUpdate, {"title": "T"}, session=none, title="T")
        await same("GET", "/api/sessions", say.SessionList)
        await same("GET", "/api/sessions/search?q=t", say.SessionSearch, query="t")
        await same("DELETE", f"/api/sessions/{one}", say.SessionDelete, session=one)
        await same("DELETE", f"/api/sessions/{one}", say.SessionDelete, session=one)
        await same("POST", f"/api/sessions/{one}/restore", say.SessionRestore, session=one)
        await same("POST", f"/api/sessions/{none}/restore", say.SessionRestore, session=none)
        assert [row.title for row in phone.timeline.shown_sessions()] == ["A", "T"]


async def test_what_is_done_with_messages_is_answered_alike_by_rest_and_by_socket(database_url: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub, "by-socket") as phone,
        device(hub, "by-rest") as observer,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("by-rest")) as rest,
    ):
        same = Doors(phone, rest).same
        one, message = fresh_session_id(), fresh_message_id()
        path, content = f"/api/sessions/{one}/messages", {"content": "Is it so?"}
        await same("POST", "/api/sessions", say.SessionCreate, {"id": str(one)}, session=one)
        body = {"id": str(message)} | content
        sent = await same("POST", path, say.MessageSend, body, session=one, message=message, **content)
        for each in (phone, observer):
            await each.open(one)
            await each.until(lambda each=each: all(row.status != "pending" for row in each.timeline.messages.values()))
        mine = next(row.id for row in phone.timeline.messages.values() if row.type == "assistant")
        reply = f"/api/messages/{sent['reply']}"
        await same("POST", path, say.MessageSend, body, session=one, message=message, **content)
        await same("GET", path, say.SessionOpen, session=one)
        await same("GET", "/api/sessions/search?q=so", say.SessionSearch, query="so")
        await same("PUT", f"/api/messages/{message}", say.MessageEdit, {"content": "B"}, message=message, content="B")
        await same("PUT", reply, say.MessageEdit, {"content": "B"}, message=mine, content="B")
        await same("POST", f"{reply}/stop", say.ReplyStop, message=mine)
        await same("DELETE", f"/api/messages/{message}", say.MessageDelete, message=message)
        await same("DELETE", f"/api/messages/{message}", say.MessageDelete, message=message)
        await same("POST", f"{reply}/retry", say.ReplyRetry, message=mine)


async def test_what_is_done_by_rest_is_heard_on_the_socket_and_the_other_way_round(database_url: str) -> None:
    async with (
        running(database_url) as hub,
        device(hub) as phone,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada")) as rest,
    ):
        session = (await rest.post("/api/sessions", json={"title": "Algebra"})).json()["id"]
        await phone.until(lambda: [row.title for row in phone.timeline.shown_sessions()] == ["Algebra"])
        await phone.ask(say.SessionUpdate, Session, session=phone.timeline.shown_sessions()[0].id, title="Geometry")
        assert (await rest.get(f"/api/sessions/{session}")).json()["title"] == "Geometry"
        await rest.patch(f"/api/sessions/{session}", json={"title": "Analysis"})
        await phone.until_event(SessionChanged, lambda event: event.sessions[0].title == "Analysis")


async def test_a_row_has_its_number_as_a_tag_that_can_be_asked_for(database_url: str) -> None:
    async with running(database_url) as hub, httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada")) as rest:
        made = await rest.post("/api/sessions", json={"title": "Algebra"})
        path, tag = f"/api/sessions/{made.json()['id']}", made.headers["etag"]
        assert (await rest.get(path, headers={"If-None-Match": tag})).status_code == 304
        assert (await rest.patch(path, json={"title": "B"}, headers={"If-Match": tag})).status_code == 200
        late = await rest.patch(path, json={"title": "C"}, headers={"If-Match": tag})
        assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
        assert (await rest.get(path)).json()["title"] == "B"


async def test_an_idempotency_key_is_the_id(database_url: str) -> None:
    async with running(database_url) as hub, httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada")) as rest:
        key = str(uuid4())
        answers = [
            await rest.post("/api/sessions", json={"title": "Algebra"}, headers={"Idempotency-Key": key})
            for _ in range(2)
        ]
        assert [(answer.status_code, answer.json()["id"]) for answer in answers] == [(201, key)] * 2
        assert len((await rest.get("/api/sessions")).json()["sessions"]) == 1


async def listed(hub: Hub, rest: httpx2.AsyncClient, limit: int) -> list[str]:
    titles: list[str] = []
    before = ""
    while True:
        page = (await rest.get(f"/api/sessions?limit={limit}{before}")).json()
        titles += [row["title"] for row in page["sessions"]]
        if page["cursor"] is None:
            return titles
        before = f"&before={page['cursor']}"


async def test_pages_of_any_size_list_every_session_once_the_latest_first(database_url: str) -> None:
    async with (
        running(database_url) as hub,
        device(hub) as phone,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada")) as rest,
    ):
        for number in range(7):
            await phone.create(title=str(number))
        for limit in (1, 2, 3, 7, 8):
            assert await listed(hub, rest, limit) == ["6", "5", "4", "3", "2", "1", "0"]
        page = await phone.ask(say.SessionList, SessionPage, limit=3)
        assert [row.title for row in page.sessions] == ["6", "5", "4"]


async def test_messages_are_read_backwards_and_forwards_without_a_seam(database_url: str) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers("ada")) as rest,
    ):
        session = await phone.create()
        await phone.open(session)
        for number in range(4):
            await phone.settled((await phone.send(session, str(number))).reply)
        path = f"/api/sessions/{session}/messages"
        back, cursor = [], ""
        while cursor is not None:
            page = (await rest.get(f"{path}?limit=3{cursor and '&before=' + cursor}")).json()
            back = [row["position"] for row in page["messages"]] + back
            cursor = page["before"]
        assert back == list(range(1, 9))
        forth, cursor = [1], (await rest.get(f"{path}?limit=8")).json()["after"]
        assert cursor is None
        first = (await rest.get(f"{path}?limit=1&before={(await oldest(rest, path))}")).json()
        cursor = first["after"]
        while cursor is not None:
            page = (await rest.get(f"{path}?limit=3&after={cursor}")).json()
            forth += [row["position"] for row in page["messages"]]
            cursor = page["after"]
        assert forth == list(range(1, 9))


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 100])
async def test_messages_around_one_are_read_and_go_on_in_both_directions_without_a_seam(
    database_url: str, limit: int
) -> None:
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url) as hub,
        device(hub) as phone,
    ):
        session, other = await phone.create(), await phone.create()
        await phone.open(session)
        sent = [await phone.send(session, str(number)) for number in range(6)]
        for each in sent:
            await phone.settled(each.reply)
        await phone.ask(say.MessageDelete, Message, message=sent[1].reply)
        there = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]

        async def positions(**part: Any) -> tuple[list[int], MessagePage]:
            page = await phone.ask(say.MessageList, MessagePage, session=session, limit=limit, **part)
            return [row.position for row in page.messages], page

        for asked, place in ((sent[0].message, 1), (sent[2].message, 5), (sent[1].reply, 4), (sent[5].reply, 12)):
            found, page = await positions(around=asked)
            assert len(found) <= limit
            assert place in found or place == 4
            older, before = page, list[int]()
            while older.before is not None:
                rows, older = await positions(before=older.before)
                before = rows + before
            newer, after = page, list[int]()
            while newer.after is not None:
                rows, newer = await positions(after=newer.after)
                after += rows
            assert before + found + after == there, asked
        for session_id, around in ((other, sent[0].message), (session, fresh_message_id())):
            with pytest.raises(RefusedError, match="not_found"):
                await phone.ask(say.MessageList, MessagePage, session=session_id, around=around)


async def oldest(rest: httpx2.AsyncClient, path: str) -> str:
    """The cursor before which there is one message only."""
    return (await rest.get(f"{path}?limit=7")).json()["before"]


@pytest.mark.parametrize("keys", [None, NEW], ids=["unsealed", "sealed"])
async def test_search_finds_words_of_titles_and_messages_of_the_user_and_of_nobody_else(
    database_url: str, keys: str | None
) -> None:
    async with (
        provider(lambda _: ["The hypotenuse, naturally."]) as tutor,
        running(database_url, tutor.base_url, encryption_keys=keys) as hub,
        device(hub, "ada") as phone,
        device(hub, "bob") as other,
    ):
        named = await phone.create(title="Trigonometrie für Anfänger")
        asked = await phone.create()
        await phone.open(asked)
        sent = await phone.send(asked, "Which side is the longest? 数学")
        await phone.settled(sent.reply)

        async def found(device: Device, query: str) -> list[Any]:
            return [hit.session.id for hit in (await device.ask(say.SessionSearch, SearchPage, query=query)).hits]

        assert await found(phone, "anfang") == [named]
        for query in ("hypot", "LONGEST side", "数学", "学", "naturally the"):
            assert await found(phone, query) == [asked], query
            assert await found(other, query) == []
        assert await found(phone, "longest hypotenuse") == []
        await phone.ask(say.MessageDelete, Message, message=sent.reply)
        assert await found(phone, "hypot") == []
        await phone.ask(say.SessionDelete, Session, session=named)
        assert await found(phone, "anfang") == []
