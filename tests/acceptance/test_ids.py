"""An id that is used again: the same body is answered the same and adds nothing, another body is refused (P2)."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests import hostile
from tests.hostile import Playground, Speaker, complaint, http, speaking

pytestmark = hostile.on_one_ground


OTHER_BODIES: list[dict[str, Any]] = [
    {"content": "other words"},
    {"content": "words "},
    {"content": "Words"},
    {"metadata": {"language": "de"}},
    {"metadata": {"timestamp": "2026-01-01T00:00:00Z"}},
]


async def nothing(speaker: Speaker, session: str, message: str) -> None:
    pass


async def edited(speaker: Speaker, session: str, message: str) -> None:
    reply = await speaker.ask(type="session.open", session=session)
    for row in reply["result"]["messages"]:
        if row["type"] == "assistant":
            await speaker.ask(type="reply.stop", message=row["id"])
    assert (await speaker.ask(type="message.edit", message=message, content="edited"))["type"] == "accepted"


async def removed(speaker: Speaker, session: str, message: str) -> None:
    assert (await speaker.ask(type="message.delete", message=message))["type"] == "accepted"


async def removed_with_all(speaker: Speaker, session: str, message: str) -> None:
    assert (await speaker.ask(type="session.delete", session=session))["type"] == "accepted"


@pytest.mark.parametrize("meanwhile", [nothing, edited, removed, removed_with_all])
async def test_a_message_sent_again_is_answered_the_same_and_another_with_its_id_is_refused(
    ground: Playground, meanwhile: Any
) -> None:
    async with speaking(ground.hub) as speaker:
        session, other = [(await speaker.ask(type="session.create"))["result"]["id"] for _ in range(2)]
        send = {"type": "message.send", "session": session, "message": str(uuid4()), "content": "words"}
        first = (await speaker.ask(**send))["result"]
        await meanwhile(speaker, session, send["message"])
        assert (await speaker.ask(**send))["result"] == first
        for change in [*OTHER_BODIES, {"session": other}]:
            refused = await speaker.ask(**(send | change))
            assert complaint(refused, status=409) is None, change
            assert refused["code"] == "idempotency_conflict"
        assert (await speaker.ask(**send))["result"] == first
        assert (await speaker.ask(type="session.open", session=other))["result"]["messages"] == []

        # and by REST, where the id may be in the body or in a header
        headers = ground.hub.headers("mallory")
        path = f"/api/sessions/{session}/messages"
        keyed = headers | {"Idempotency-Key": send["message"]}
        again = await http(ground.hub, "POST", path, keyed, b'{"content":"words"}')
        assert again.json == first
        for change in OTHER_BODIES:
            body = {"content": "words", "id": send["message"]} | change
            answer = await http(ground.hub, "POST", path, headers, json.dumps(body).encode())
            assert answer.complaint(status=409) is None
            assert answer.json["code"] == "idempotency_conflict"


@pytest.mark.parametrize("meanwhile", ["nothing", "update", "delete"])
async def test_a_session_created_with_an_id_that_was_used_for_another_is_refused(
    ground: Playground, meanwhile: str
) -> None:
    async with speaking(ground.hub) as speaker:
        create = {"type": "session.create", "session": str(uuid4()), "title": "a title"}
        await speaker.ask(**create)
        if meanwhile != "nothing":
            changes = {"title": "other"} if meanwhile == "update" else {}
            done = await speaker.ask(type=f"session.{meanwhile}", session=create["session"], **changes)
            assert done["type"] == "accepted"
        for change in ({"title": "other"}, {"title": ""}, {"mode": "learn"}, {"language": "de"}):
            refused = await speaker.ask(**(create | change))
            assert complaint(refused, status=409) is None
            assert refused["code"] == "idempotency_conflict"
        again = await speaker.ask(**create)
        assert again.get("code") == ("not_found" if meanwhile == "delete" else None)
        body = json.dumps({"id": create["session"], "title": "another"}).encode()
        answer = await http(ground.hub, "POST", "/api/sessions", ground.hub.headers("mallory"), body)
        assert answer.complaint(status=409) is None


async def test_the_id_of_a_session_and_of_a_message_may_be_equal(ground: Playground) -> None:
    async with speaking(ground.hub) as speaker:
        same = str(uuid4())
        await speaker.ask(type="session.create", session=same)
        sent = await speaker.ask(type="message.send", session=same, message=same, content="words")
        assert (sent["result"]["session"], sent["result"]["message"]) == (same, same)


async def test_a_key_in_the_header_gives_way_to_an_id_in_the_body(ground: Playground) -> None:
    headers = ground.hub.headers("mallory") | {"Idempotency-Key": str(uuid4())}
    given = str(uuid4())
    answer = await http(ground.hub, "POST", "/api/sessions", headers, json.dumps({"id": given}).encode())
    assert (answer.status, answer.json["id"]) == (201, given)
