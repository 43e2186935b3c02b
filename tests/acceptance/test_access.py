"""Who may do what: every endpoint and every command, said by nobody, with tokens that are not good, by another user,
and about what was deleted. The answer to each is a line of two tables; a new endpoint or command needs its line.
"""

import json
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from msgspec import Struct

from protocol.commands import AuthRefresh, Command, Hello
from protocol.rest import ENDPOINTS, Endpoint
from tests.conftest import _database
from tests.hostile import Tree, fields, good, http, render, shape, silent
from tests.hub import Hub, running
from tests.owned import Owned, deleted, made
from tests.tokens import signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUDIENCE = "tutorhub"
OTHER_IDS = Owned(str(uuid4()), str(uuid4()), str(uuid4()))


class Row(Struct, frozen=True):
    """What is answered about a thing of another user's (`theirs`), and about one's own that was deleted (`gone`).

    `names`: of which thing the id is, and of what the id in a body is. `leaves`: who says it can say nothing after it.
    """

    theirs: str
    gone: str
    names: str = "session"
    leaves: bool = False


FREE = Row("200", "200")
"""It names nothing: everybody sees what is their own."""
HIDDEN = Row("404 not_found", "404 not_found")

REST = {
    "listSessions": FREE,
    "createSession": Row("201", "201"),
    "searchSessions": FREE,
    "readSession": HIDDEN,
    "putSession": HIDDEN,
    "patchSession": HIDDEN,
    "deleteSession": HIDDEN,
    "restoreSession": Row("404 not_found", "200"),
    "listMessages": HIDDEN,
    "sendMessage": HIDDEN,
    "editMessage": Row("404 not_found", "404 not_found", "message"),
    "deleteMessage": Row("404 not_found", "404 not_found", "message"),
    "stopReply": Row("404 not_found", "404 not_found", "reply"),
    "retryReply": Row("404 not_found", "404 not_found", "reply"),
    "addMedia": Row("422 invalid", "422 invalid"),
    "listMedia": FREE,
    "readMedia": HIDDEN,
    "readThumbnail": HIDDEN,
    "readLinkedMedia": HIDDEN,
    "deleteMedia": HIDDEN,
    "linkMedia": HIDDEN,
    "transcribeMedia": HIDDEN,
    "readChanges": FREE,
    "listDevices": FREE,
    "signOutDevice": HIDDEN,
    "signOut": Row("200", "200", leaves=True),
    "eraseMe": Row("202", "202", leaves=True),
    "signIn": FREE,
    "isAlive": FREE,
    "isReady": FREE,
}
"""By the name of the endpoint."""

COMMANDS = {
    "hello": Row("422 invalid", "422 invalid"),
    "auth.refresh": Row("403 forbidden", "accepted"),
    "session.create": Row("accepted", "409 idempotency_conflict"),
    "session.update": HIDDEN,
    "session.delete": HIDDEN,
    "session.restore": Row("404 not_found", "accepted"),
    "session.list": Row("accepted", "accepted"),
    "session.search": Row("accepted", "accepted"),
    "session.open": HIDDEN,
    "session.close": Row("accepted", "accepted"),
    "message.list": HIDDEN,
    "message.send": HIDDEN,
    "message.edit": HIDDEN,
    "message.delete": HIDDEN,
    "reply.stop": Row("404 not_found", "404 not_found", "reply"),
    "reply.retry": Row("404 not_found", "404 not_found", "reply"),
    "typing.set": HIDDEN,
    "read.mark": HIDDEN,
    "ping": Row("pong", "pong"),
}
"""By the type of the command. Where it has an id, that of the other's or of the deleted thing is said."""

NO_GOOD: dict[str, Callable[[], str | None]] = {
    "no token": lambda: None,
    "an expired token": lambda: signed({"aud": AUDIENCE, "exp": time.time() - 1}),
    "a token for another audience": lambda: signed({"aud": "another hub"}),
    "a token for no audience": lambda: signed({}),
}


class Ground(Struct):
    """A hub that takes tokens for its audience only; ada's things, and former things of mallory's."""

    hub: Hub
    adas: Owned
    gone: Owned

    def token(self, user: str) -> str:
        return self.hub.token(user, settings=self.hub.instance.settings if self.hub.instance else None)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground(cluster: str, migrated: str) -> AsyncGenerator[Ground]:
    with _database(cluster, template=migrated) as url:
        async with running(url, lasts=600, dev_sign_in=True, jwt_audience=AUDIENCE) as hub:
            it = Ground(hub, OTHER_IDS, OTHER_IDS)
            async with silent(hub, "ada") as ada, silent(hub) as mallory:
                await ada.hello(it.token("ada"))
                await mallory.hello(it.token("mallory"))
                it.adas, it.gone = await made(ada, "zanzibar"), (await deleted(mallory))[0]
            yield it


async def test_every_endpoint_and_every_command_has_its_line() -> None:
    assert REST.keys() == {endpoint.name for endpoint in ENDPOINTS}
    assert COMMANDS.keys() == {tag(command) for command in Command.__args__}


# By REST.


async def asked(ground: Ground, endpoint: Endpoint, owned: Owned, token: str | None) -> tuple[str, str]:
    """The answer in words, and all that was in it."""
    row = REST[endpoint.name]
    path = endpoint.path.replace("{device}", "another-device")
    path = path.replace("{id}", str(getattr(owned, row.names, uuid4())))
    if endpoint.query is not None:
        path += "".join(f"?{name}={json.loads(leaf)}" for name, leaf in good(shape(endpoint.query)).items())
    body = None if endpoint.body is None else render(good(shape(endpoint.body))).encode()
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = await http(ground.hub, endpoint.method, path, headers, body)
    code = f" {answer.json['code']}" if answer.status >= 400 else ""
    assert answer.status < 400 or answer.complaint() is None
    return f"{answer.status}{code}", answer.body.decode()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
async def test_an_endpoint_answers_nobody_whose_token_is_not_good(ground: Ground, endpoint: Endpoint) -> None:
    for name, token in NO_GOOD.items():
        answer, _ = await asked(ground, endpoint, ground.adas, token())
        assert answer == (REST[endpoint.name].theirs if endpoint.open else "401 unauthenticated"), name
    assert await as_it_was(ground)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
async def test_an_endpoint_shows_nothing_of_another_user_and_nothing_deleted(
    ground: Ground, endpoint: Endpoint
) -> None:
    row = REST[endpoint.name]

    def token() -> str:
        return ground.token(f"leaver {uuid4()}" if row.leaves else "mallory")

    theirs, said = await asked(ground, endpoint, ground.adas, token())
    assert theirs == row.theirs
    assert "zanzibar" not in said
    assert ground.adas.session not in said
    gone, _ = await asked(ground, endpoint, ground.gone, token())
    assert gone == row.gone
    await deleted_again(ground)
    assert await as_it_was(ground)


async def deleted_again(ground: Ground) -> None:
    """What a test has restored is gone for the next one too."""
    headers = {"Authorization": f"Bearer {ground.token('mallory')}"}
    await http(ground.hub, "DELETE", f"/api/sessions/{ground.gone.session}", headers)


async def as_it_was(ground: Ground) -> bool:
    """Ada still has what she had."""
    headers = {"Authorization": f"Bearer {ground.token('ada')}"}
    page = (await http(ground.hub, "GET", f"/api/sessions/{ground.adas.session}/messages", headers)).json
    return (page["messages"][0]["id"], page["messages"][0]["content"]) == (ground.adas.message, "zanzibar")


# By commands.


def tag(command: type[Struct]) -> str:
    return str(command.__struct_config__.tag)


def about(command: type[Struct], owned: Owned, token: str = "x") -> Tree:
    """The command with the ids of these things, in so far as it takes ids, and with this token, if it takes one."""
    said = good(shape(command))
    ids = {"session": owned.session, "message": owned.id("message", reply=COMMANDS[tag(command)].names == "reply")}
    for field in fields(shape(command)):
        if field.name in ids and not (tag(command) == "message.send" and field.name == "message"):
            said[field.name] = json.dumps(ids[field.name])
        elif field.name == "token":
            said["token"] = json.dumps(token)
    return said


def in_words(answer: dict[str, Any]) -> str:
    return f"{answer['status']} {answer['code']}" if answer["type"] == "refused" else answer["type"]


@pytest.mark.parametrize("command", Command.__args__, ids=tag)
async def test_a_command_of_nobody_is_refused_and_ends_the_connection(ground: Ground, command: type[Struct]) -> None:
    expected = ("401 unauthenticated", 4501) if command is Hello else ("422 invalid", 4500)
    async with silent(ground.hub) as speaker:
        said = about(command, ground.adas)
        if command is Hello:
            said.pop("token", None)
        assert (in_words(await speaker.ask(render(said))), await speaker.closed()) == expected
    assert await as_it_was(ground)


@pytest.mark.parametrize("command", Command.__args__, ids=tag)
@pytest.mark.parametrize("name", NO_GOOD)
async def test_a_command_after_a_hello_whose_token_is_not_good_is_not_even_answered(
    ground: Ground, command: type[Struct], name: str
) -> None:
    async with silent(ground.hub) as speaker:
        token = NO_GOOD[name]()
        await speaker.say(hello=None, **({} if token is None else {"token": token}))
        await speaker.say(render(about(command, ground.adas) | {"ref": "9"}))
        assert await speaker.closed() == 4501
        assert [in_words(frame) for frame in speaker.heard] == ["401 unauthenticated"]
    assert await as_it_was(ground)


@pytest.mark.parametrize("command", Command.__args__, ids=tag)
async def test_a_command_does_nothing_to_what_is_anothers_or_deleted(ground: Ground, command: type[Struct]) -> None:
    row = COMMANDS[tag(command)]
    async with silent(ground.hub) as stranger, silent(ground.hub) as mallory:
        await stranger.hello(ground.token(f"stranger to {tag(command)}"))
        await mallory.hello(ground.token("mallory"))
        theirs = await stranger.ask(render(about(command, ground.adas, ground.token("ada"))))
        gone = await mallory.ask(render(about(command, ground.gone, ground.token("mallory"))))
        assert (in_words(theirs), in_words(gone)) == (row.theirs, row.gone)
        assert "zanzibar" not in json.dumps([*stranger.heard, *mallory.heard])
    await deleted_again(ground)
    assert await as_it_was(ground)


@pytest.mark.parametrize("name", [name for name in NO_GOOD if name != "no token"])
async def test_a_token_that_is_not_good_refreshes_nothing(ground: Ground, name: str) -> None:
    async with silent(ground.hub) as speaker:
        await speaker.hello(ground.token("mallory"))
        assert in_words(await speaker.ask(type=tag(AuthRefresh), token=NO_GOOD[name]())) == "401 unauthenticated"
        assert await speaker.alive()
