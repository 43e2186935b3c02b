"""Bad input for tests: JSON that a type must not take, made from the type itself; and ways to send it byte for byte.

Long because bad values, raw requests and raw frames are made with each other's help.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import msgspec
import pytest
import structlog
from msgspec import Struct, inspect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from protocol.errors import Reason
from tests.canaries import CANARY, found_in, noted
from tests.conftest import _database
from tests.hub import Hub, running

on_one_ground = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("unharmed")]
"""The mark of a module whose tests share a hub; see tests/acceptance/conftest.py."""

PATIENCE = 8.0
ANSWERS = frozenset({"accepted", "refused", "pong"})
MARKS = "e" + "\u0301" * 10_000
"""One letter on the screen, 10,001 in a column."""
TOO_LONG = 70_000
"""Letters that a text of no stated length is not tried with: a frame ends before."""

Tree: TypeAlias = dict[str, Any]
"""A JSON object whose leaves are the text of JSON values, so that a leaf may be what no encoder makes."""

# Good and bad values, from types.


@cache
def shape(kind: type[Struct]) -> inspect.StructType:
    found = inspect.type_info(kind)
    assert isinstance(found, inspect.StructType)
    return found


def render(tree: Tree) -> str:
    leaves = (f"{json.dumps(name)}:{_leaf(leaf)}" for name, leaf in tree.items())
    return "{" + ",".join(leaves) + "}"


def good(kind: inspect.StructType) -> Tree:
    """What must be there, and no more."""
    tagged = {str(kind.tag_field): json.dumps(kind.tag)} if kind.tag_field else {}
    return tagged | {field.encode_name: _good(field.type) for field in kind.fields if field.required}


def _good(kind: inspect.Type) -> Any:
    match kind:
        case inspect.UnionType():
            return _good(next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
        case inspect.StructType():
            return good(kind)
        case inspect.IntType():
            return str(kind.ge or 0)
        case inspect.BoolType():
            return "true"
        case inspect.UUIDType():
            return json.dumps(str(uuid4()))
        case inspect.LiteralType():
            return json.dumps(kind.values[0])
        case inspect.DateTimeType():
            return '"2026-01-01T00:00:00Z"'
        case inspect.StrType() if kind.pattern and "media" in kind.pattern:
            return f'"/api/media/{uuid4()}"'
        case inspect.StrType():
            return '"en"'
        case _:
            raise NotImplementedError(kind)


class Field(Struct, frozen=True):
    """One field of a command or body, nested ones too, with its path on the wire."""

    path: tuple[str, ...]
    type: inspect.Type
    required: bool

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def optional(self) -> bool:
        """Null is as good as absent."""
        return isinstance(self.type, inspect.UnionType) and self.type.includes_none

    @property
    def bare(self) -> inspect.Type:
        if isinstance(self.type, inspect.UnionType):
            return next(each for each in self.type.types if not isinstance(each, inspect.NoneType))
        return self.type


def fields(kind: inspect.StructType, under: tuple[str, ...] = ()) -> Iterator[Field]:
    for each in kind.fields:
        found = Field((*under, each.encode_name), each.type, each.required)
        yield found
        if isinstance(found.bare, inspect.StructType):
            yield from fields(found.bare, found.path)


def with_leaf(kind: inspect.StructType, path: tuple[str, ...], literal: str | None) -> str:
    """A good object but for one leaf; None leaves it out. What is around a nested leaf is good."""
    tree = good(kind)
    place, known = tree, kind
    for name in path[:-1]:
        inner = next(each for each in fields(known) if each.path == (name,)).bare
        assert isinstance(inner, inspect.StructType)
        place, known = place.setdefault(name, good(inner)), inner
    if literal is None:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = literal
    return render(tree)


def bad(field: Field) -> dict[str, str | None]:
    """What the field must not be, as JSON text, each with a name; None is its absence."""
    values: dict[str, str | None] = {"a list": "[]", "a list of it": f"[{_leaf(_good(field.type))}]"}
    if field.required:
        values["missing"] = None
    if not field.optional:
        values["null"] = "null"
    match field.bare:
        case inspect.IntType() as kind:
            return values | _no_integers(kind)
        case inspect.StrType() as kind:
            return values | _NO_TEXTS | _no_texts(kind)
        case inspect.BoolType():
            return values | {"one": "1", "a word": '"true"', "an object": "{}", "empty": '""'}
        case inspect.UUIDType():
            return values | _NO_TEXTS | _NO_UUIDS
        case inspect.LiteralType():
            return values | _NO_TEXTS | _NO_UUIDS | {"upper case": '"FUN"'}
        case inspect.DateTimeType():
            return values | _NO_TEXTS | _NO_MOMENTS
        case inspect.StructType():
            return values | {"a text": '"{}"', "a number": "7", "true": "true"}
        case other:
            raise NotImplementedError(other)


def _leaf(leaf: Any) -> str:
    return leaf if isinstance(leaf, str) else render(leaf)


_NO_TEXTS: dict[str, str | None] = {
    "a number": "7",
    "a huge number": "9" * 5_000,
    "true": "true",
    "an object": "{}",
    "half a pair": '"\\ud800"',
    "the other half": '"\\udc00"',
    "a pair turned round": '"\\ude00\\ud83d"',
}
_NO_UUIDS: dict[str, str | None] = {
    "empty": '""',
    "no such word": '"nonsense"',
    "NUL": '"\\u0000"',
    "one letter too few": f'"{str(UUID(int=1))[:-1]}"',
    "one letter too many": f'"{UUID(int=1)}0"',
    "no hexadecimal": f'"{"g" * 36}"',
    "in braces": f'"{{{UUID(int=1)}}}"',
    "a URN": f'"urn:uuid:{UUID(int=1)}"',
    "NUL after it": f'"{UUID(int=1)}\\u0000"',
    "SQL": '"\'; DROP TABLE messages; --"',
    "long": json.dumps("f" * 5_000),
    "combining marks": json.dumps(MARKS),
}
_NO_MOMENTS: dict[str, str | None] = {
    "empty": '""',
    "no moment": '"yesterday"',
    "no zone": '"2026-01-01T00:00:00"',
    "a day": '"2026-01-01"',
    "no such day": '"2026-02-30T00:00:00Z"',
    "the year 10000": '"10000-01-01T00:00:00Z"',
    "long": json.dumps("2" * 5_000),
    "NUL": '"2026-01-01T00:00:00Z\\u0000"',
}


def _no_integers(kind: inspect.IntType) -> dict[str, str | None]:
    values = {
        "negative": "-1",
        "2**53": str(2**53),
        "2**63": str(2**63),
        "2**64": str(2**64),
        "-2**63 - 1": str(-(2**63) - 1),
        "1e999": "1e999",
        "5000 digits": "9" * 5_000,
        "a fraction": "1.5",
        "a text": '"7"',
        "true": "true",
        "an object": "{}",
    }
    if kind.ge:
        values["too low"] = str(kind.ge - 1)
    if kind.le is not None:
        values["too high"] = str(kind.le + 1)
    return dict(values)


def _no_texts(kind: inspect.StrType) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    if kind.min_length:
        values["empty"] = '""'
    if kind.max_length is not None and kind.max_length < TOO_LONG:
        values["over-long"] = json.dumps("a" * (kind.max_length + 1))
    if kind.max_length is not None and kind.max_length < len(MARKS):
        values["combining marks"] = json.dumps(MARKS)
    if kind.pattern is not None:
        values |= {"NUL": '"\\u0000"', "NUL inside": '"en\\u0000"'}
    return values


# What is heard.


def complaint(problem: dict[str, Any], *, status: int | None = None, field: str | None = None) -> str | None:
    """What is wrong with a problem object; None: nothing. In a frame its `type` is called `problem`."""
    urn = problem.get("problem" if "problem" in problem else "type")
    if problem.get("code") not in {reason.value for reason in Reason}:
        return f"no code that a program knows: {problem}"
    if urn != f"urn:tutorhub:problem:{problem['code']}":
        return f"no type: {problem}"
    if not (problem.get("title") and problem.get("detail")):
        return f"nothing for a person: {problem}"
    if problem.get("status") not in ({status} if status else set(range(400, 500))):
        return f"status {problem.get('status')} and not {status or '4xx'}: {problem}"
    errors = problem.get("errors", [])
    if not all(error.get("field") and error.get("code") and error.get("message") for error in errors):
        return f"an error is not complete: {problem}"
    if field is not None and field not in [error["field"] for error in errors]:
        return f"{field} is not named: {problem}"
    return None


class Answer(Struct, frozen=True):
    """What came back by HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def comparable(self) -> tuple[int, dict[str, str], bytes]:
        """All of it but the time of day."""
        return self.status, {name: value for name, value in self.headers.items() if name != "date"}, self.body

    def complaint(self, status: int | None = None, field: str | None = None) -> str | None:
        """What is wrong with this as a refusal; None: nothing."""
        if self.headers.get("content-type") != "application/problem+json":
            return f"no problem object: {self.status} {self.headers} {self.body[:200]!r}"
        if self.json.get("status") != self.status:
            return f"two different statuses: {self.status} and {self.json}"
        return complaint(self.json, status=status, field=field)


async def http(
    hub: Hub, method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """One request on a connection of its own, as it is written."""
    lines = {"Host": f"127.0.0.1:{hub.port}", "Connection": "close"} | (headers or {})
    if body is not None and not {"Content-Length", "Transfer-Encoding"} & lines.keys():
        lines["Content-Length"] = str(len(body))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        try:
            writer.write(head.encode("latin-1") + b"\r\n" + (body or b""))
            return _parsed(await _to_the_end(reader))
        finally:
            writer.close()


async def _to_the_end(reader: asyncio.StreamReader) -> bytes:
    received = bytearray()
    try:
        while piece := await reader.read(65_536):
            received += piece
    except ConnectionError:  # it did not read all that we sent, and has said what it had to say
        pass
    return bytes(received)


def _parsed(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(first.split()[1]) if first else 0, headers, body)


class Speaker:
    """A websocket that says what it is told to, however wrong. `heard` is every frame that came."""

    def __init__(self, hub: Hub, user: str) -> None:
        self.hub = hub
        self.user = user
        self.heard: list[dict[str, Any]] = []
        self.ref = 0
        self.socket: ClientConnection

    async def hello(self, token: str | None = None) -> None:
        """Returns once the hub has caught us up."""
        await self.say(hello=None, token=token or self.hub.token(self.user))
        await self.next("snapshot")

    async def say(self, text: str | bytes | None = None, /, **fields: Any) -> None:
        if "hello" in fields:
            del fields["hello"]
            fields |= {"type": "hello", "ref": 0, "device": {"id": "speaker", "name": CANARY}}
        for field in ("content", "title", "query"):
            noted(fields.get(field))
        await self.socket.send(json.dumps(fields, ensure_ascii=False) if text is None else text)

    async def next(self, *types: str) -> dict[str, Any]:
        """The next frame of one of these types; of the type `closed`, with the code, if there is an end before."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    frame = msgspec.json.decode(await self.socket.recv())
                    self.heard.append(frame)
                    if frame["type"] in types:
                        return frame
        except ConnectionClosed:
            return {"type": "closed", "code": self.socket.close_code}

    async def ask(self, text: str | bytes | None = None, /, **fields: Any) -> dict[str, Any]:
        """Say it; the next answer."""
        if text is None:
            self.ref += 1
            fields = {"ref": self.ref} | fields
        try:
            await self.say(text, **fields)
        except ConnectionClosed:
            return {"type": "closed", "code": self.socket.close_code}
        return await self.next(*ANSWERS)

    async def closed(self) -> int | None:
        """The code of the close, which must come."""
        return (await self.next())["code"]

    async def alive(self) -> bool:
        return (await self.ask(type="ping")).get("type") == "pong"


@asynccontextmanager
async def silent(hub: Hub, user: str = "mallory", **options: Any) -> AsyncGenerator[Speaker]:
    """A socket on which nothing was said yet."""
    speaker = Speaker(hub, user)
    options = {"subprotocols": ["tutorhub.v1"], "compression": None, "max_size": 2**26, "ping_interval": None} | options
    url = options.pop("url", hub.socket_url)
    async with connect(url, open_timeout=PATIENCE, close_timeout=1, **options) as speaker.socket:
        yield speaker


@asynccontextmanager
async def speaking(hub: Hub, user: str = "mallory") -> AsyncGenerator[Speaker]:
    """A socket after its hello."""
    async with silent(hub, user) as speaker:
        await speaker.hello()
        yield speaker


class Playground(Struct):
    """A hub for a whole module of bad manners, and somebody who must not notice any of them."""

    hub: Hub
    bystander: Speaker
    asked_at: float = 0.0

    async def unharmed(self) -> None:
        """The bystander is served, and has heard nothing but that. It keeps to its own budget of frames."""
        now = asyncio.get_running_loop().time()
        if now - self.asked_at < 0.02:
            return
        self.asked_at = now
        answer = await self.bystander.ask(type="ping")
        assert answer["type"] == "pong", answer
        assert {frame["type"] for frame in self.bystander.heard} == {"welcome", "snapshot", "pong"}


@asynccontextmanager
async def playground(cluster: str, template: str) -> AsyncGenerator[Playground]:
    with _database(cluster, template=template) as url:
        async with running(url, lasts=600, dev_sign_in=True) as hub, speaking(hub, "bystander") as bystander:
            yield Playground(hub, bystander)


@contextmanager
def nothing_goes_wrong(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """Whatever is sent inside, the hub logs no error, a refusal is not one, and nothing that is nobody's business."""
    with structlog.testing.capture_logs() as told, caplog.at_level(logging.INFO):
        yield
    assert found_in(repr(told)) == []
    assert [entry for entry in told if entry["log_level"] in {"error", "critical"}] == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
