"""What is no command, on a real socket: bytes, orders and tokens that a client of ours would never send."""

import asyncio
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus

from server.edge import connection
from tests import hostile
from tests.hostile import Playground, complaint, silent, speaking
from tests.tokens import bad_tokens, signed

pytestmark = hostile.on_one_ground

FRAME = 65_536


NO_JSON = {
    "nothing": "",
    "a word": "not json",
    "half an object": '{"ref":1',
    "rubbish after it": '{"ref":1,"type":"ping"} x',
    "two of them": '{"ref":1,"type":"ping"}{"ref":2,"type":"ping"}',
    "a mark before it": '\ufeff{"ref":1,"type":"ping"}',
    "NUL": "\x00",
    "NUL after it": '{"ref":1,"type":"ping"}\x00',
    "single quotes": "{'ref':1,'type':'ping'}",
    "a comma too many": '{"ref":1,"type":"ping",}',
    "NaN": '{"ref":NaN,"type":"ping"}',
    "infinity": '{"ref":-Infinity,"type":"ping"}',
    "a control character": '{"ref":1,"type":"ping\n"}',
    "deep lists": "[" * 30_000,
    "deep objects": '{"a":' * 10_000,
    "deep and closed": "[" * 30_000 + "]" * 30_000,
    "deep in a field": '{"type":"session.create","ref":1,"title":' + "[" * 30_000 + "]" * 30_000 + "}",
    "deep in an unknown field": '{"ref":1,"type":"ping","x":' + '{"a":' * 9_000 + "1" + "}" * 9_000 + "}",
    "many fields": "{" + ",".join(f'"{name}":1' for name in range(5_000)) + "}",
    "a list": "[1,2]",
    "a text": '"ping"',
    "a number": "7",
    "null": "null",
    "a huge number": "9" * 50_000,
    "an exponent": "1e" + "9" * 5_000,
    "an empty object": "{}",
}


@pytest.mark.parametrize("text", NO_JSON.values(), ids=NO_JSON)
async def test_a_frame_that_is_no_command_is_refused_and_the_connection_stays(ground: Playground, text: str) -> None:
    async with speaking(ground.hub) as speaker:
        answer = await speaker.ask(text)
        assert answer["type"] == "refused", answer
        assert complaint(answer) is None
        assert answer["code"] in {"malformed", "invalid"}
        assert await speaker.alive()


@pytest.mark.parametrize("text", NO_JSON.values(), ids=NO_JSON)
async def test_a_first_frame_that_is_no_command_is_refused_and_ends_the_connection(
    ground: Playground, text: str
) -> None:
    async with silent(ground.hub) as speaker:
        answer = await speaker.ask(text)
        assert complaint(answer) is None
        assert await speaker.closed() == 4500


async def test_three_frames_that_are_no_commands_end_the_connection_with_a_close_that_says_not_to_come_back(
    ground: Playground,
) -> None:
    async with speaking(ground.hub) as speaker:
        for _ in range(3):
            assert complaint(await speaker.ask("not json"), status=400) is None
        assert await speaker.closed() == 4500


async def test_a_name_twice_in_an_object_is_answered_once(ground: Playground) -> None:
    async with speaking(ground.hub) as speaker:
        answer = await speaker.ask('{"ref":1,"ref":2,"type":"ping","type":"ping"}')
        assert answer["type"] == "pong" or complaint(answer) is None
        created = await speaker.ask('{"ref":3,"type":"session.create","title":"one","title":"two"}')
        assert created["type"] == "refused" or created["result"]["title"] in {"one", "two"}
        assert await speaker.alive()


async def test_a_frame_of_exactly_the_limit_is_read_and_one_byte_more_ends_the_connection(ground: Playground) -> None:
    def ping(size: int) -> str:
        text = '{"ref":1,"type":"ping"'
        return text + " " * (size - len(text) - 1) + "}"

    async with speaking(ground.hub) as speaker:
        assert (await speaker.ask(ping(FRAME)))["type"] == "pong"
        assert await speaker.ask(ping(FRAME + 1)) == {"type": "closed", "code": 1009}


async def test_a_binary_frame_ends_the_connection_with_1003_before_and_after_hello(ground: Playground) -> None:
    async with speaking(ground.hub) as speaker:
        assert await speaker.ask(b'{"ref":1,"type":"ping"}') == {"type": "closed", "code": 1003}
    async with silent(ground.hub) as speaker:
        assert await speaker.ask(b"\x00") == {"type": "closed", "code": 1003}


async def test_text_that_is_no_utf8_ends_the_connection_with_1007(ground: Playground) -> None:
    async with speaking(ground.hub) as speaker:
        speaker.socket.transport.write(b"\x81\x84\x00\x00\x00\x00\xff\xfe\xfd\xfc")
        assert await speaker.closed() == 1007


# Hello.


async def test_a_socket_that_says_nothing_is_closed_in_time(
    ground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connection.HELLO_WITHIN == 5.0
    monkeypatch.setattr(connection, "HELLO_WITHIN", 0.2)
    async with silent(ground.hub) as speaker:
        assert await speaker.closed() == 4502
        assert speaker.heard == []


def hold_up(seconds: float) -> None:
    """As a loop that has too much to do: nothing is read, and nobody called."""
    time.sleep(seconds)


async def test_a_hello_that_came_while_the_hub_was_late_is_one(
    ground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4502 says never to come back: only a device that says nothing is told so."""
    monkeypatch.setattr(connection, "HELLO_WITHIN", 0.2)
    async with silent(ground.hub) as speaker:
        await speaker.say(hello=None, token=ground.hub.token("mallory"))
        hold_up(0.4)  # the hub is in this loop
        assert (await speaker.next("welcome"))["type"] == "welcome"


async def test_something_else_before_hello_is_refused_and_ends_the_connection(ground: Playground) -> None:
    async with silent(ground.hub) as speaker:
        answer = await speaker.ask(type="session.create", title="before hello")
        assert complaint(answer, status=422, field="type") is None
        assert answer["ref"] == 1
        assert await speaker.closed() == 4500


async def test_what_is_said_after_a_wrong_first_frame_is_not_done(ground: Playground) -> None:
    async with silent(ground.hub, "eve") as speaker:
        await speaker.say(type="ping", ref=1)
        await speaker.say(hello=None, token=ground.hub.token("eve"))
        await speaker.say(type="session.create", ref=2)
        assert await speaker.closed() == 4500
        assert [frame["type"] for frame in speaker.heard] == ["refused"]
    async with speaking(ground.hub, "eve") as speaker:
        assert (await speaker.ask(type="session.list"))["result"]["sessions"] == []


async def test_a_second_hello_is_refused_and_the_connection_stays(ground: Playground) -> None:
    async with speaking(ground.hub) as speaker:
        for user in ("mallory", "bystander"):
            device = {"id": "other", "name": "other"}
            answer = await speaker.ask(type="hello", device=device, token=ground.hub.token(user))
            assert complaint(answer, status=422, field="type") is None
        assert (await speaker.ask(type="session.create"))["result"]["userId"] == "mallory"


@pytest.mark.parametrize(
    "since", [{"epoch": "x", "seq": 0}, {"epoch": "\u0000", "seq": 2**53 - 1}, {"epoch": "a" * 200, "seq": 1}]
)
async def test_a_cursor_of_another_timeline_gets_a_snapshot(ground: Playground, since: dict[str, Any]) -> None:
    async with silent(ground.hub) as speaker:
        await speaker.say(json.dumps({"type": "hello", "ref": 0, "device": {"id": "d", "name": "d"},
                                      "token": ground.hub.token("mallory"), "since": since}))  # fmt: skip
        assert (await speaker.next("snapshot", "changes", "refused"))["type"] == "snapshot"


async def test_a_cursor_beyond_the_head_gets_a_snapshot(ground: Playground) -> None:
    async with silent(ground.hub) as first:
        await first.say(hello=None, token=ground.hub.token("mallory"))
        epoch = (await first.next("welcome"))["epoch"]
    async with silent(ground.hub) as speaker:
        await speaker.say(hello=None, token=ground.hub.token("mallory"), since={"epoch": epoch, "seq": 2**53 - 1})
        assert (await speaker.next("snapshot", "changes", "refused"))["type"] == "snapshot"


# Tokens.


BAD_TOKENS = bad_tokens()


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_a_hello_with_a_token_that_is_not_good_is_refused_and_ends_the_connection(
    ground: Playground, token: str
) -> None:
    answers: list[dict[str, Any]] = []
    for shown in (token, "x"):
        async with silent(ground.hub) as speaker:
            await speaker.say(hello=None, token=shown)
            answers.append(await speaker.next(*hostile.ANSWERS))
            assert complaint(answers[-1], status=401) is None
            assert await speaker.closed() == 4501
    assert answers[0] == answers[1], "it says nothing about why"


async def test_a_hello_without_a_token_is_refused_and_ends_the_connection(ground: Playground) -> None:
    for headers in ({}, {"Authorization": "Basic bWFsbG9yeTp4"}, {"Authorization": "Bearer"}, {"Authorization": ""}):
        async with silent(ground.hub, additional_headers=headers) as speaker:
            await speaker.say(hello=None)
            assert complaint(await speaker.next(*hostile.ANSWERS), status=401) is None
            assert await speaker.closed() == 4501


async def test_the_token_may_be_in_the_header_of_the_upgrade(ground: Playground) -> None:
    async with silent(ground.hub, additional_headers=ground.hub.headers("mallory")) as speaker:
        await speaker.say(hello=None)
        assert (await speaker.next("snapshot", *hostile.ANSWERS))["type"] == "snapshot"


async def test_a_token_that_expires_is_announced_and_then_ends_the_connection(ground: Playground) -> None:
    async with silent(ground.hub) as speaker:
        token = signed({"exp": time.time() + 0.7})
        await speaker.hello(token)
        expiring = next(frame for frame in speaker.heard if frame["type"] == "token.expiring")
        assert 0 < expiring["inMs"] <= 700
        assert await speaker.closed() == 4003


async def test_a_fresh_token_in_time_keeps_the_connection(ground: Playground) -> None:
    async with silent(ground.hub) as speaker:
        await speaker.hello(signed({"exp": time.time() + 0.7}))
        assert (await speaker.ask(type="auth.refresh", token=ground.hub.token("mallory")))["type"] == "accepted"
        with pytest.raises(TimeoutError):  # a close would come within these seconds, and does not
            async with asyncio.timeout(1.2):
                await speaker.closed()
        assert await speaker.alive()


async def test_a_token_of_another_user_or_a_bad_one_refreshes_nothing(ground: Playground) -> None:
    async with silent(ground.hub) as speaker:
        await speaker.hello(signed({"exp": time.time() + 1.2}))
        answer = await speaker.ask(type="auth.refresh", token=ground.hub.token("bystander"))
        assert complaint(answer, status=403) is None
        for name, token in BAD_TOKENS.items():
            answer = await speaker.ask(type="auth.refresh", token=token)
            assert complaint(answer, status=401) is None, name
        assert (await speaker.ask(type="session.create"))["result"]["userId"] == "mallory"
        assert await speaker.closed() == 4003


# The upgrade.


@pytest.mark.parametrize("query", ["token={}", "access_token={}", "authorization=Bearer%20{}", "x=1&token={}", "{}"])
async def test_a_token_in_the_address_is_refused_before_the_upgrade_and_never_logged(
    ground: Playground, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], query: str
) -> None:
    token = ground.hub.token("mallory")
    with pytest.raises(InvalidStatus) as refused:
        async with silent(ground.hub, url=f"{ground.hub.socket_url}?{query.format(token)}"):
            pass
    assert refused.value.response.status_code == 400
    _, _, signature = token.split(".")
    assert signature not in caplog.text
    assert signature not in "".join(capfd.readouterr())


async def test_there_is_no_socket_elsewhere(ground: Playground) -> None:
    for path in ("/ws/", f"/ws/{ground.hub.token('mallory')}", "/", "/api/sessions", "/WS"):
        with pytest.raises(InvalidStatus) as refused:
            async with silent(ground.hub, url=f"ws://127.0.0.1:{ground.hub.port}{path}"):
                pass
        assert 400 <= refused.value.response.status_code < 500, path


async def test_only_our_subprotocol_is_spoken(ground: Playground) -> None:
    for offered in (["tutorhub.v2"], ["graphql-ws"], ["x", "y"]):
        with pytest.raises(InvalidStatus) as refused:
            async with silent(ground.hub, subprotocols=offered):
                pass
        assert refused.value.response.status_code == 400
    async with silent(ground.hub, subprotocols=["x", "tutorhub.v1"]) as speaker:
        assert speaker.socket.subprotocol == "tutorhub.v1"


async def test_a_flood_of_commands_without_reading_costs_only_whoever_sends_it(ground: Playground) -> None:
    async with speaking(ground.hub) as speaker:
        for ref in range(150):
            await speaker.say(type="message.send", ref=ref, session=str(uuid4()), message=str(uuid4()), content="flood")
        answers = [await speaker.next(*hostile.ANSWERS) for _ in range(150)]
        assert [answer["ref"] for answer in answers] == list(range(150)), "each is answered once, in order"
        assert {answer["code"] for answer in answers} == {"not_found"}
