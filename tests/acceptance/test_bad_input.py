"""Every field of every command and endpoint, given what it must not take. The tables are made from protocol/, so
that a new command, body or endpoint is covered by itself, or a test here says that it is not.

Long because the tables of every command, body and query are side by side.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import quote
from uuid import uuid4

import pytest
from msgspec import Struct
from msgspec.inspect import IntType
from starlette.routing import Route

from protocol import bodies
from protocol.commands import Command, Hello
from server.edge.account import Account
from server.edge.http import Rest
from tests import hostile
from tests.hostile import Field, Playground, Speaker, bad, complaint, fields, http, shape, silent, speaking, with_leaf

pytestmark = hostile.on_one_ground

COMMANDS: tuple[type[Struct], ...] = Command.__args__
SERVER_OWNED = ("seq", "status", "role", "userId", "user_id", "position", "createdAt", "bogus", "__proto__", "")

BODIES: dict[tuple[str, str], type[Struct]] = {
    ("POST", "/api/sessions"): bodies.NewSession,
    ("PUT", "/api/sessions/{id}"): bodies.SessionChange,
    ("PATCH", "/api/sessions/{id}"): bodies.SessionChange,
    ("POST", "/api/sessions/{id}/messages"): bodies.NewMessage,
    ("PUT", "/api/messages/{id}"): bodies.MessageChange,
    ("POST", "/auth/dev"): bodies.SignIn,
    ("POST", "/auth/sign-out"): bodies.SignOut,
}
QUERIES: dict[tuple[str, str], type[Struct]] = {
    ("GET", "/api/sessions"): bodies.PageQuery,
    ("GET", "/api/sessions/search"): bodies.SearchQuery,
    ("GET", "/api/sessions/{id}/messages"): bodies.MessageQuery,
    ("GET", "/api/changes"): bodies.ChangesQuery,
}
PLAIN = {
    ("GET", "/api/sessions/{id}"),
    ("DELETE", "/api/sessions/{id}"),
    ("POST", "/api/sessions/{id}/restore"),
    ("DELETE", "/api/messages/{id}"),
    ("POST", "/api/messages/{id}/stop"),
    ("POST", "/api/messages/{id}/retry"),
    ("GET", "/api/devices"),
    ("DELETE", "/api/devices/{device}"),
    ("DELETE", "/api/me"),
}
"""Endpoints that take nothing but an id."""


def tag(command: type[Struct]) -> str:
    return str(command.__struct_config__.tag)


def command_fields() -> Iterator[Any]:
    for command in COMMANDS:
        for field in fields(shape(command)):
            yield pytest.param(command, field, id=f"{tag(command)}-{field.name}")


def body_fields() -> Iterator[Any]:
    for (method, path), body in BODIES.items():
        for field in fields(shape(body)):
            yield pytest.param(method, path, body, field, id=f"{method} {path}-{field.name}")


def query_fields() -> Iterator[Any]:
    for (_, path), query in QUERIES.items():
        for field in fields(shape(query)):
            yield pytest.param(path, query, field, id=f"{path}-{field.name}")


def objects(command: type[Struct]) -> list[tuple[str, ...]]:
    """The paths of the objects in a command or body, itself included."""
    return [(), *(field.path for field in fields(shape(command)) if "StructType" in type(field.bare).__name__)]


def target(path: str) -> str:
    return path.replace("{id}", str(uuid4()))


async def says_hello_wrongly(ground: Playground, text: str) -> tuple[dict[str, Any], int | None]:
    """The answer to a first frame, and the code of the close after it."""
    async with silent(ground.hub) as speaker:
        answer = await speaker.ask(text)
        return answer, answer["code"] if answer["type"] == "closed" else await speaker.closed()


async def refused(speaker: Speaker, text: str, field: str | None) -> str | None:
    """What is wrong with the answer to a bad command; None: nothing."""
    answer = await speaker.ask(text)
    if answer["type"] != "refused":
        return f"not refused: {answer}"
    return complaint(answer, status=422, field=field)


async def test_the_tables_of_this_module_know_every_endpoint_and_every_body() -> None:
    nobody = cast("Any", None)
    routes: list[Route] = [*Rest(nobody, nobody).routes(), *Account(nobody, nobody).routes()]
    served = {(method, route.path) for route in routes for method in route.methods or () if method != "HEAD"}
    assert served | {("POST", "/auth/dev")} == BODIES.keys() | QUERIES.keys() | PLAIN
    known = {kind for kind in vars(bodies).values() if isinstance(kind, type) and issubclass(kind, bodies._Body)}
    assert known - {bodies._Body, bodies.NoQuery} == {*BODIES.values(), *QUERIES.values()}


@pytest.mark.parametrize(("command", "field"), list(command_fields()))
async def test_a_command_with_a_bad_field_is_refused_and_the_field_is_named(
    ground: Playground, command: type[Struct], field: Field
) -> None:
    wrong: dict[str, Any] = {}
    async with speaking(ground.hub) as speaker:
        for name, literal in bad(field).items():
            text = with_leaf(shape(command), field.path, literal)
            if command is Hello:
                answer, code = await says_hello_wrongly(ground, text)
                wrong[name] = complaint(answer, status=422, field=field.name) or (None if code == 4500 else code)
            elif field.path == ("ref",):  # three without a ref that can be read end the connection
                async with speaking(ground.hub, "trudy") as another:
                    wrong[name] = await refused(another, text, field.name)
            else:
                wrong[name] = await refused(speaker, text, field.name)
        assert await speaker.alive()
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("command", COMMANDS, ids=tag)
async def test_a_command_with_a_field_it_does_not_know_is_refused_and_the_field_is_named(
    ground: Playground, command: type[Struct]
) -> None:
    wrong: dict[str, Any] = {}
    async with speaking(ground.hub) as speaker:
        for path in objects(command):
            taken = {field.path for field in fields(shape(command))}
            for name in SERVER_OWNED:
                extra = (*path, name)
                if extra in taken:
                    continue
                text = with_leaf(shape(command), extra, '"1"')
                named = ".".join(extra).strip(".")
                if command is Hello:
                    answer, code = await says_hello_wrongly(ground, text)
                    wrong[named] = complaint(answer, status=422, field=named or None) or (
                        code if code != 4500 else None
                    )
                else:
                    wrong[named] = await refused(speaker, text, named or None)
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    "kind",
    [
        '"nonsense"',
        "7",
        "null",
        "[]",
        "{}",
        "true",
        '"HELLO"',
        '"hello "',
        '""',
        '"welcome"',
        '"ping\\u0000"',
        '"\\ud800"',
        json.dumps("ping" * 5_000),
        "9" * 5_000,
        "1e999",
        None,
    ],
    ids=lambda kind: str(kind)[:20],
)
async def test_a_command_of_no_known_type_is_refused_and_the_connection_stays(
    ground: Playground, kind: str | None
) -> None:
    async with speaking(ground.hub) as speaker:
        answer = await speaker.ask('{"ref":41}' if kind is None else f'{{"ref":41,"type":{kind}}}')
        assert answer["type"] == "refused"
        assert complaint(answer, status=422, field="type") is None
        assert answer["ref"] == 41
        assert await speaker.alive()


@pytest.mark.parametrize(("method", "path", "body", "field"), list(body_fields()))
async def test_a_body_with_a_bad_field_is_refused_and_the_field_is_named(
    ground: Playground, method: str, path: str, body: type[Struct], field: Field
) -> None:
    headers = ground.hub.headers("mallory")
    wrong: dict[str, Any] = {}
    for name, literal in bad(field).items():
        text = with_leaf(shape(body), field.path, literal)
        answer = await http(ground.hub, method, target(path), headers, text.encode())
        wrong[name] = answer.complaint(status=422, field=field.name)
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_a_body_with_a_field_it_does_not_know_is_refused_and_the_field_is_named(
    ground: Playground, method: str, path: str
) -> None:
    headers = ground.hub.headers("mallory")
    body = BODIES[method, path]
    wrong: dict[str, Any] = {}
    for place in objects(body):
        for name in SERVER_OWNED:
            text = with_leaf(shape(body), (*place, name), "1")
            answer = await http(ground.hub, method, target(path), headers, text.encode())
            named = ".".join((*place, name)).strip(".")
            wrong[named] = answer.complaint(status=422, field=named or None)
    assert {name: found for name, found in wrong.items() if found} == {}


NO_NUMBERS = ("x", "", "1.5", "1e999", "9" * 5_000, "0x10", "1_0", "%D9%A1", "%00", "%ff", "null", "true", "[]", "-0.1")
NO_TEXTS = ("%00", "a%00b", "%ED%A0%80%00", quote(hostile.MARKS[:5_000]), "a" * 20_000)


@pytest.mark.parametrize(("path", "query", "field"), list(query_fields()))
async def test_a_bad_parameter_is_refused_and_named(
    ground: Playground, path: str, query: type[Struct], field: Field
) -> None:
    kind = field.bare
    texts: list[str] = list(NO_TEXTS)
    if isinstance(kind, IntType):
        texts = [*NO_NUMBERS, str((kind.ge or 0) - 1), str((kind.le or 2**53) + 1), str(2**63), str(2**64)]
    elif field.name == "epoch":  # it is only compared with ours: a strange one is of another timeline
        texts = [text for text in NO_TEXTS if len(text) > 200]
    needed = {"q": "en"} if query is bodies.SearchQuery else {}
    if query is bodies.ChangesQuery:
        needed = {"since": "0", "epoch": "en"}
    wrong: dict[str, Any] = {}
    for text in texts:
        parameters = "&".join(f"{name}={value}" for name, value in (needed | {field.name: text}).items())
        answer = await http(ground.hub, "GET", f"{target(path)}?{parameters}", ground.hub.headers("mallory"))
        wrong[text[:40]] = answer.complaint(status=422, field=field.name)
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("/api/sessions?before=null", "before"),
        ("/api/changes?since=null", "since"),
        ("/api/changes?since=NULL&epoch=null", "since"),
        ("/api/sessions?limit=1&limit=2", "limit"),
        ("/api/sessions/search?q=a&q=a", "q"),
    ],
)
async def test_a_parameter_is_given_once_or_left_out(ground: Playground, query: str, field: str) -> None:
    answer = await http(ground.hub, "GET", query, ground.hub.headers("mallory"))
    assert answer.complaint(status=422, field=field) is None


@pytest.mark.parametrize("path", [path for _, path in QUERIES])
async def test_a_parameter_that_is_not_known_is_refused_and_named(ground: Playground, path: str) -> None:
    for name in ("offset", "user", "userId", "sort"):
        answer = await http(ground.hub, "GET", f"{target(path)}?{name}=1", ground.hub.headers("mallory"))
        assert answer.complaint(status=422, field=name) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "garbage",
        "AAAA",
        "!!!!",
        "=",
        "%C3%A9",
        "MQ%3D%3D",
        "bnVsbA",
        "LTE",
        "OTk5OTk5OTk5OTk5OTk5OTk5OTk5",
        "dHJ1ZQ",
        "MS41",
        "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl0",
    ],
)
async def test_a_cursor_that_was_never_given_is_refused_wherever_one_is_taken(ground: Playground, cursor: str) -> None:
    """The long one is a time without a zone."""
    wrong: dict[str, Any] = {}
    async with speaking(ground.hub) as speaker:
        session = (await speaker.ask(type="session.create"))["result"]["id"]
        by_list = ("WyI" in cursor) or cursor == "MQ%3D%3D"
        paths = ["/api/sessions?before=", "/api/sessions/search?q=a&before="]
        said: list[dict[str, Any]] = [{"type": "session.list"}, {"type": "session.search", "query": "a"}]
        if not by_list or "WyI" in cursor:
            paths += [f"/api/sessions/{session}/messages?{side}=" for side in ("before", "after")]
            said.append({"type": "session.open", "session": session})
        for path in paths:
            field = "after" if "after" in path else "before"
            answer = await http(ground.hub, "GET", path + cursor, ground.hub.headers("mallory"))
            wrong[path] = answer.complaint(status=422, field=field)
        for command in said:
            frame = await speaker.ask(**command, before=cursor)
            wrong[command["type"]] = complaint(frame, status=422, field="before")
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    "place",
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"],
)
async def test_a_cursor_at_the_edge_of_time_is_refused_or_gives_a_page(ground: Playground, place: str) -> None:
    cursor = urlsafe_b64encode(json.dumps([place, str(uuid4())]).encode()).decode()
    async with speaking(ground.hub) as speaker:
        for command in ({"type": "session.list"}, {"type": "session.search", "query": "a"}):
            frame = await speaker.ask(**command, before=cursor)
            assert frame["type"] == "accepted" or complaint(frame, status=422, field="before") is None, frame


async def test_before_and_after_together_are_refused(ground: Playground) -> None:
    async with speaking(ground.hub) as speaker:
        session = (await speaker.ask(type="session.create"))["result"]["id"]
    path = f"/api/sessions/{session}/messages?before=MQ&after=MQ"
    answer = await http(ground.hub, "GET", path, ground.hub.headers("mallory"))
    assert answer.complaint(status=422, field="after") is None


@pytest.mark.parametrize("query", ["since=0", "epoch=en"])
async def test_half_a_cursor_of_a_device_is_refused(ground: Playground, query: str) -> None:
    answer = await http(ground.hub, "GET", f"/api/changes?{query}", ground.hub.headers("mallory"))
    missing = "epoch" if "since" in query else "since"
    assert answer.complaint(status=422, field=missing) is None


MEDIA = "/api/media/01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize("field", ["audioUrl", "imageUrl"])
async def test_only_our_own_media_are_taken_as_media(ground: Playground, field: str) -> None:
    wrong: dict[str, Any] = {}
    async with speaking(ground.hub) as speaker:
        session = (await speaker.ask(type="session.create"))["result"]["id"]
        for url in _not_our_media():
            said = {"session": session, "message": str(uuid4()), "content": "Look", "metadata": {field: url}}
            frame = await speaker.ask(type="message.send", **said)
            wrong[url] = complaint(frame, status=422, field=f"metadata.{field}")
            body = json.dumps({"content": "Look", "metadata": {field: url}}).encode()
            headers = ground.hub.headers("mallory")
            answer = await http(ground.hub, "POST", f"/api/sessions/{session}/messages", headers, body)
            wrong[f"{url} by REST"] = answer.complaint(status=422, field=f"metadata.{field}")
        never = {"session": session, "message": str(uuid4()), "content": "Look", "metadata": {field: MEDIA}}
        unknown = await speaker.ask(type="message.send", **never)
        assert [error["code"] for error in unknown["errors"]] == ["unknown_media"], "its form is right"
    assert {name: found for name, found in wrong.items() if found} == {}


def _not_our_media() -> list[str]:
    return [
        "http://127.0.0.1:6379/",
        "http://169.254.169.254/",
        "http://[::1]",
        "http://0x7f000001",
        "http://2130706433",
        "file:///etc/passwd",
        "gopher://x",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example" + MEDIA,
        "https://evil.example" + MEDIA,
        "https://u@127.0.0.1",
        "",
        "/api/media/",
        MEDIA + "/",
        MEDIA + "?x",
        MEDIA + "\n",
        MEDIA[:-1] + "\n",
        MEDIA[:-1],
        MEDIA.upper(),
        MEDIA.replace("a", "A"),
        "/api/media/../" + MEDIA[-36:-3],
        " " + MEDIA[:-1],
        MEDIA[:-1] + "\u0661",
        MEDIA.replace("/", "\\"),
        "/api/media/%30" + MEDIA[14:],
    ]


@pytest.mark.parametrize(
    "language", ["x", "e", "english", "en_GB", "en-", "-en", "en\n", "en-GB\n", "12", "é" * 2, "en-ABCDEFGHI", "en GB"]
)
async def test_what_is_no_language_is_refused(ground: Playground, language: str) -> None:
    async with speaking(ground.hub) as speaker:
        session = (await speaker.ask(type="session.create"))["result"]["id"]
        for command in ({"type": "session.create"}, {"type": "session.update", "session": session}):
            frame = await speaker.ask(**command, language=language)
            assert complaint(frame, status=422, field="language") is None, frame
    body = json.dumps({"language": language}).encode()
    for method, path in (("POST", "/api/sessions"), ("PATCH", f"/api/sessions/{session}")):
        answer = await http(ground.hub, method, path, ground.hub.headers("mallory"), body)
        assert answer.complaint(status=422, field="language") is None, answer


@pytest.mark.parametrize(
    "blank", [" ", "\n\t ", "\u00a0", "\u2003\u3000", "\u200b", "\ufeff", "\u0001", "\u202e", "\u2060\u200d"], ids=ascii
)
async def test_a_message_without_anything_to_read_is_refused(ground: Playground, blank: str) -> None:
    async with speaking(ground.hub) as speaker:
        session = (await speaker.ask(type="session.create"))["result"]["id"]
        sent = await speaker.ask(type="message.send", session=session, message=str(uuid4()), content="Well?")
        message = sent["result"]["message"]
        for command in (
            {"type": "message.send", "session": session, "message": str(uuid4())},
            {"type": "message.edit", "message": message},
        ):
            frame = await speaker.ask(**command, content=blank)
            assert complaint(frame, status=422, field="content") is None, frame
    body = json.dumps({"content": blank}).encode()
    for method, path in (("POST", f"/api/sessions/{session}/messages"), ("PUT", f"/api/messages/{message}")):
        answer = await http(ground.hub, method, path, ground.hub.headers("mallory"), body)
        assert answer.complaint(status=422, field="content") is None, answer


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("\u0001\u0002\u001f", ""),
        (" \n\t ", ""),
        ("\u202egpj.exe", "gpj.exe"),
        ("\u2066a\u2069", "a"),
        ("a\r\nb", "a b"),
        ("\U000e0041\U000e0042", ""),
        ("e\u0301" * 250, "e\u0301" * 250),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("'; DROP TABLE sessions; --", "'; DROP TABLE sessions; --"),
        ("%s %(user)s {} ${x}", "%s %(user)s {} ${x}"),
        ("\ud83d\ude00" * 0 + "\U0001f600" * 500, "\U0001f600" * 500),
    ],
    ids=ascii,
)
async def test_a_title_keeps_what_can_be_read_and_loses_what_hides_or_reverses(
    ground: Playground, title: str, kept: str
) -> None:
    async with speaking(ground.hub) as speaker:
        created = await speaker.ask(type="session.create", title=title)
        assert created["result"]["title"] == kept
        changed = await speaker.ask(type="session.update", session=created["result"]["id"], title=title)
        assert changed["result"]["title"] == kept


@pytest.mark.parametrize(
    "content",
    [
        "\u202e reversed",
        "e" + "\u0301" * 7_999,
        "\U0010ffff" * 8_000,
        "\U000e0041 tags",
        "\u0001 controls \x7f \x85",
        "'; DROP TABLE messages; --",
        "\\x00 \\u0000 %s {}",
        "<script>alert(1)</script>",
        "| & ! ( ) : * ' \" \\",
        "\u1100" * 8_000,
        "\ufdfa" * 8_000,
        "中" * 8_000,
        " ".join(chr(0x4E00 + step) for step in range(4_000)),
    ],
    ids=lambda content: ascii(content)[:30],
)
async def test_any_text_within_the_limit_is_kept_as_it_is_and_can_be_searched(ground: Playground, content: str) -> None:
    async with speaking(ground.hub) as speaker:
        session = (await speaker.ask(type="session.create"))["result"]["id"]
        message = str(uuid4())
        sent = await speaker.ask(type="message.send", session=session, message=message, content=content)
        assert sent["type"] == "accepted", sent
        page = await speaker.ask(type="session.open", session=session)
        assert page["result"]["messages"][0]["content"] == content
        assert (await speaker.ask(type="session.search", query=content[:200]))["type"] == "accepted"
    answer = await http(
        ground.hub, "GET", f"/api/sessions/search?q={quote(content[:200])}", ground.hub.headers("mallory")
    )
    assert answer.status == 200


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2016-12-31T23:59:60Z", "2026-01-01T24:00:00Z"]
)
async def test_a_moment_at_the_edge_of_time_is_refused_or_kept_and_read_again(ground: Playground, moment: str) -> None:
    async with speaking(ground.hub) as speaker:
        session = (await speaker.ask(type="session.create"))["result"]["id"]
        said = {"session": session, "message": str(uuid4()), "content": "Now", "metadata": {"timestamp": moment}}
        sent = await speaker.ask(type="message.send", **said)
        if sent["type"] == "refused":
            assert complaint(sent, status=422, field="metadata.timestamp") is None
        page = await speaker.ask(type="session.open", session=session)
        assert page["type"] == "accepted"
