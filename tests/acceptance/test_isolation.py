"""P9: nobody receives a byte of another user's data, and what is another's answers as what is not there."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from msgspec import Struct
from msgspec.inspect import UUIDType

from protocol.commands import Command, MessageSend, SessionCreate
from tests import hostile
from tests.hostile import Answer, Field, Playground, fields, http, shape, speaking, with_leaf
from tests.hub import Hub, running
from tests.owned import Owned, deleted, made
from tests.provider import provider, said

pytestmark = hostile.on_one_ground

COMMANDS: tuple[type[Struct], ...] = Command.__args__
MAKES_IT = {(SessionCreate, "session"), (MessageSend, "message")}
"""Ids that the caller makes: one that another user has used is free."""
TOMBSTONE_IS_OK = {"session.restore", "session.close"}
BODIES = {"content": "words", "title": "words"}


NOTHING = Owned(session="0f0e0d0c-0000-4000-8000-000000000001", message="0f0e0d0c-0000-4000-8000-000000000002",
                reply="0f0e0d0c-0000-4000-8000-000000000003")  # fmt: skip


def ids_taken() -> Iterator[Any]:
    for command in COMMANDS:
        for field in fields(shape(command)):
            if isinstance(field.bare, UUIDType) and (command, field.name) not in MAKES_IT:
                yield pytest.param(command, field, id=f"{command.__struct_config__.tag}-{field.name}")


def without_ref(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ref"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def others_and_gone(ground: Playground) -> tuple[Owned, list[Owned]]:
    """Things of ada's, and former things of mallory's."""
    async with speaking(ground.hub, "ada") as ada, speaking(ground.hub) as mallory:
        return await made(ada), await deleted(mallory)


@pytest.mark.parametrize(("command", "field"), list(ids_taken()))
async def test_a_command_about_what_is_anothers_or_deleted_answers_as_one_about_nothing(
    ground: Playground, others_and_gone: tuple[Owned, list[Owned]], command: type[Struct], field: Field
) -> None:
    tag = str(command.__struct_config__.tag)
    others, gone = others_and_gone
    async with speaking(ground.hub, "ada") as ada, speaking(ground.hub) as mallory:

        async def answer(id: str) -> dict[str, Any]:
            return without_ref(await mallory.ask(with_leaf(shape(command), field.path, json.dumps(id))))

        unknown = await answer(NOTHING.id(field.name))
        for reply in (False, True):
            assert await answer(others.id(field.name, reply=reply)) == unknown
            if tag not in TOMBSTONE_IS_OK:
                assert [await answer(each.id(field.name, reply=reply)) for each in gone] == [unknown, unknown]
        if tag != "session.close":
            assert (unknown["type"], unknown["status"], unknown["code"]) == ("refused", 404, "not_found")
        assert await ada.alive()
        assert [frame["type"] for frame in ada.heard] == ["welcome", "snapshot", "pong"], "the owner heard none of it"
        page = await ada.ask(type="session.open", session=others.session)
        assert page["result"]["messages"][0]["content"] == "words"


PATHS = [
    ("GET", "/api/sessions/{session}"),
    ("PUT", "/api/sessions/{session}"),
    ("PATCH", "/api/sessions/{session}"),
    ("DELETE", "/api/sessions/{session}"),
    ("POST", "/api/sessions/{session}/restore"),
    ("GET", "/api/sessions/{session}/messages"),
    ("POST", "/api/sessions/{session}/messages"),
    ("PUT", "/api/messages/{message}"),
    ("DELETE", "/api/messages/{message}"),
    ("POST", "/api/messages/{message}/stop"),
    ("POST", "/api/messages/{message}/retry"),
    ("PUT", "/api/messages/{reply}"),
    ("DELETE", "/api/messages/{reply}"),
    ("POST", "/api/messages/{reply}/stop"),
    ("POST", "/api/messages/{reply}/retry"),
]


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"If-Match": '"1"'},
        {"If-Match": "*"},
        {"If-None-Match": "*"},
        {"Idempotency-Key": "2f1c7b1e-93a5-4a8e-9d5c-3a51f6a0c0de"},
    ],
    ids=str,
)
@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_a_request_for_what_is_anothers_or_deleted_answers_as_one_for_nothing(
    ground: Playground, others_and_gone: tuple[Owned, list[Owned]], method: str, path: str, header: dict[str, str]
) -> None:
    others, gone = others_and_gone
    field = "title" if "sessions" in path and "messages" not in path else "content"
    body = json.dumps({field: "words"}).encode() if method in {"PUT", "PATCH"} or path.endswith("messages") else None
    body = None if method == "GET" else body

    async def answer(owned: Owned) -> Answer:
        place = path.format(session=owned.session, message=owned.message, reply=owned.reply)
        return await http(ground.hub, method, place, ground.hub.headers("mallory") | header, body)

    unknown = await answer(NOTHING)
    assert unknown.complaint(status=404) is None
    assert (await answer(others)).comparable == unknown.comparable
    if not path.endswith("restore"):
        assert [(await answer(each)).comparable for each in gone] == [unknown.comparable] * 2


async def test_typing_in_a_session_that_was_deleted_while_open_answers_as_in_one_that_never_was(
    ground: Playground,
) -> None:
    async with speaking(ground.hub) as phone, speaking(ground.hub) as laptop:
        session = (await phone.ask(type="session.create"))["result"]["id"]
        await phone.ask(type="session.open", session=session)
        assert (await phone.ask(type="typing.set", session=session, active=True))["type"] == "accepted"
        await laptop.ask(type="session.delete", session=session)
        await phone.next("session.removed")
        unknown = await phone.ask(type="typing.set", session=str(uuid4()), active=True)
        gone = await phone.ask(type="typing.set", session=session, active=True)
        assert without_ref(gone) == without_ref(unknown)


async def test_a_message_id_of_another_session_of_ones_own_is_a_conflict_and_of_another_user_is_free(
    ground: Playground,
) -> None:
    async with speaking(ground.hub, "ada") as ada, speaking(ground.hub, "eve") as eve:
        hers, his = await made(ada), await made(eve)
        second = await made(eve)
        for used, kind in ((his.message, "refused"), (hers.message, "accepted")):
            sent = await eve.ask(type="message.send", session=second.session, message=used, content="words")
            assert sent["type"] == kind
        his_reply = await eve.ask(type="message.send", session=his.session, message=his.reply, content="words")
        assert his_reply["code"] == "idempotency_conflict"


# Both at once.


async def test_two_users_who_talk_at_the_same_time_with_the_same_ids_never_see_a_word_of_each_other(
    database_url: str,
) -> None:
    users = {"ada": "zanzibarcanary", "eve": "quetzalcanary"}
    async with (
        provider(lambda request: [word + " " for word in ("you", "said", *said(request).split())]) as tutor,
        running(database_url, tutor.base_url) as hub,
    ):
        session, message = str(uuid4()), str(uuid4())
        async with asyncio.TaskGroup() as group:
            tasks = {
                user: group.create_task(_talks(hub, user, canary, session, message)) for user, canary in users.items()
            }
        for user, task in tasks.items():
            everything = task.result()
            assert users[user] in everything, "it hears its own"
            for other in users.keys() - {user}:
                assert users[other] not in everything
                assert f'"{other}"' not in everything


async def _talks(hub: Hub, user: str, canary: str, session: str, message: str) -> str:
    """A whole conversation on two devices and by REST; all that was heard, as one text."""
    async with speaking(hub, user) as phone, speaking(hub, user) as laptop:
        created = await phone.ask(type="session.create", session=session, title=f"{canary} title")
        assert created["result"]["userId"] == user
        await phone.ask(type="session.open", session=session)
        await laptop.next("session.added")
        await laptop.ask(type="session.open", session=session)
        for each in (message, str(uuid4()), str(uuid4())):
            await phone.ask(type="typing.set", session=session, active=True)
            sent = await phone.ask(type="message.send", session=session, message=each, content=f"{canary} question")
            assert (sent["type"], sent["result"]["message"]) == ("accepted", each)
            await laptop.next("reply.settled")
        await laptop.ask(type="message.edit", message=message, content=f"{canary} edited")
        await laptop.ask(type="session.update", session=session, title=f"{canary} renamed")
        found = await laptop.ask(type="session.search", query="canary renamed")
        assert found["result"]["hits"] == [], "a word is found from its beginning"
        hits = (await laptop.ask(type="session.search", query="renamed"))["result"]["hits"]
        assert [hit["session"]["title"] for hit in hits] == [f"{canary} renamed"]
        await laptop.ask(type="session.search", query="zanzibar")
        await laptop.ask(type="session.search", query="quetzal")
        page = await laptop.ask(type="session.open", session=session)
        assert len(page["result"]["messages"]) == 6
        bodies: list[str] = [await _by_rest(hub, user, session)]
        await phone.ask(type="message.delete", message=message)
        async with speaking(hub, user) as tablet:
            await tablet.alive()
            return json.dumps([phone.heard, laptop.heard, tablet.heard]) + "".join(bodies)


async def _by_rest(hub: Hub, user: str, session: str) -> str:
    paths = ["/api/sessions", f"/api/sessions/{session}", f"/api/sessions/{session}/messages", "/api/changes"]
    paths += [f"/api/sessions/search?q={word}" for word in ("zanzibar", "quetzal", "renamed")]
    answers = [await http(hub, "GET", path, hub.headers(user)) for path in paths]
    assert {answer.status for answer in answers} == {200}
    return "".join(answer.body.decode() for answer in answers)
