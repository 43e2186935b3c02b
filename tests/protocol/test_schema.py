"""The documents that describe the protocol to others: complete, whole in themselves, and up to date."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from protocol import schema
from protocol.answers import ANSWERS, Answer
from protocol.commands import Command
from protocol.errors import CloseCode, Reason
from protocol.events import Event
from protocol.meanings import CLOSES, REASONS
from protocol.rest import ENDPOINTS
from server import errors
from tests.hub import running

Json = dict[str, Any]

DOCUMENTS = {"JSON Schema": schema.json_schema, "OpenAPI": schema.openapi, "AsyncAPI": schema.asyncapi}
DESCRIPTIONS = {"/openapi.json", "/asyncapi.json", "/docs"}
KINDS = {"string", "integer", "number", "boolean", "array", "object", "null"}

each_document = pytest.mark.parametrize("document", [pytest.param(make(), id=name) for name, make in DOCUMENTS.items()])


def nodes(value: Any) -> Iterator[Json]:
    """Every object inside a document."""
    if isinstance(value, dict):
        yield cast("Json", value)
        inner = list(cast("Json", value).values())
    else:
        inner = cast("list[Any]", value) if isinstance(value, list) else []
    for each in inner:
        yield from nodes(each)


def found(document: Json, reference: str) -> Any:
    at: Any = document
    for name in reference.removeprefix("#/").split("/"):
        at = at[name]
    return at


def schemas(document: Json) -> Iterator[Json]:
    """Every schema of a document: the named ones, and those where they are used."""
    named = document.get("$defs") or document["components"]["schemas"]
    used = [node["schema"] for node in nodes(document) if isinstance(node.get("schema"), dict)]
    payloads = [node["payload"] for node in nodes(document) if isinstance(node.get("payload"), dict)]
    waiting = [*named.values(), *used, *payloads]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += [*each.get("anyOf", []), *each.get("allOf", []), *each.get("properties", {}).values()]
        waiting += [each["items"]] if "items" in each else []


@each_document
def test_every_reference_leads_somewhere(document: Json) -> None:
    references = [node["$ref"] for node in nodes(document) if "$ref" in node]
    assert references
    for reference in references:
        assert isinstance(found(document, reference), dict), reference


@each_document
def test_every_schema_says_what_it_is(document: Json) -> None:
    for each in schemas(document):
        assert each.get("type") in KINDS or each.keys() & {"$ref", "anyOf", "allOf"}, each


@each_document
def test_every_required_field_is_described(document: Json) -> None:
    for each in schemas(document):
        assert set(each.get("required", [])) <= set(each.get("properties", {})), each


@each_document
def test_every_pattern_can_be_compiled(document: Json) -> None:
    for each in schemas(document):
        re.compile(each.get("pattern", ""))


@each_document
def test_every_discriminator_leads_to_what_has_that_type(document: Json) -> None:
    for each in nodes(document):
        if "propertyName" in each and "mapping" in each:
            for name, reference in each["mapping"].items():
                assert found(document, reference)["properties"]["type"]["enum"] == [name]


@each_document
def test_a_document_is_json(document: Json) -> None:
    assert msgspec.json.decode(msgspec.json.encode(document)) == document


def test_a_docstring_is_told_in_the_words_of_the_wire() -> None:
    told = schema.prose("""With `deleted_at` it is a tombstone (None: it is not).

    See `reply_to`.""")
    assert told == "With `deletedAt` it is a tombstone (null: it is not).\n\nSee `replyTo`."


def test_every_command_and_event_is_a_message_of_the_websocket() -> None:
    document = schema.asyncapi()
    messages = document["components"]["messages"]
    tags = {schema.tag(kind) for kind in get_args(Command | Event)}
    accepted = {f"accepted.{kind.__name__}" for kind in get_args(Answer)}
    assert set(messages) == tags | accepted
    assert set(document["channels"]["ws"]["messages"]) == set(messages)
    for name in tags:
        shape = found(document, messages[name]["payload"]["$ref"])
        assert shape["properties"]["type"]["enum"] == [name]


def test_every_command_is_received_and_every_event_sent() -> None:
    operations = schema.asyncapi()["operations"]
    received = {name for name, operation in operations.items() if operation["action"] == "receive"}
    assert received == {schema.tag(kind) for kind in get_args(Command)}
    sent = {message["$ref"].rsplit("/", 1)[1] for message in operations["events"]["messages"]}
    assert sent == {schema.tag(kind) for kind in get_args(Event)}


def test_every_command_has_an_answer() -> None:
    assert set(ANSWERS) == set(get_args(Command))
    replies = {
        name: [message["$ref"].rsplit("/", 1)[1] for message in operation["reply"]["messages"]]
        for name, operation in schema.asyncapi()["operations"].items()
        if "reply" in operation
    }
    assert replies["message.send"] == ["accepted.Sent", "refused"]
    assert replies["hello"] == ["welcome", "refused"]
    assert replies["ping"] == ["pong", "refused"]


def test_every_command_says_what_it_does() -> None:
    assert all(kind.__doc__ for kind in get_args(Command))


async def test_every_endpoint_of_the_hub_is_described_and_no_other(database_url: str) -> None:
    async with running(database_url, dev_sign_in=True) as hub:
        assert hub.server is not None
        app = hub.server.config.app
        while not isinstance(app, Starlette):  # layers around it
            app = getattr(app, "app", None)
            assert app is not None
        served = {
            (method.lower(), route.path)
            for route in app.routes
            if isinstance(route, Route) and route.path not in DESCRIPTIONS
            for method in (route.methods or set()) - {"HEAD"}
        }
    described = {(method, path) for path, methods in schema.openapi()["paths"].items() for method in methods}
    assert served - {("get", "/")} == described  # what is there is for people


def test_every_parameter_in_a_path_is_described() -> None:
    for path, methods in schema.openapi()["paths"].items():
        for operation in methods.values():
            named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [endpoint.name for endpoint in ENDPOINTS]
    assert len(set(names)) == len(names)


def test_a_write_to_a_row_takes_if_match_and_a_read_if_none_match() -> None:
    session = schema.openapi()["paths"]["/api/sessions/{id}"]
    headers = {
        method: {each["name"] for each in operation["parameters"] if each["in"] == "header"}
        for method, operation in session.items()
    }
    assert headers == {"get": {"If-None-Match"}, "put": {"If-Match"}, "patch": {"If-Match"}, "delete": {"If-Match"}}
    assert "304" in session["get"]["responses"]
    assert "412" in session["put"]["responses"]
    assert "ETag" in session["get"]["responses"]["200"]["headers"]


def test_a_parameter_is_described_with_its_bounds_and_is_never_null() -> None:
    parameters = schema.openapi()["paths"]["/api/sessions/search"]["get"]["parameters"]
    described = {each["name"]: (each["required"], each["schema"]) for each in parameters}
    assert described == {
        "q": (True, {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\x00]*$"}),
        "before": (False, {"type": "string", "minLength": 1, "maxLength": 200}),
        "limit": (False, {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}),
    }


def test_every_reason_is_explained_and_has_a_kind_of_refusal() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Refusal)]
    assert {kind.code for kind in kinds} == set(Reason) == set(REASONS)


def test_every_close_code_is_explained() -> None:
    assert set(CLOSES) == set(CloseCode)


def test_the_reference_is_up_to_date() -> None:
    written = Path(schema.__file__).parent.parent / "docs" / "protocol.md"
    assert written.read_text(encoding="utf-8") == schema.markdown(), "run `python -m protocol.schema`"


def test_every_link_in_the_reference_leads_to_a_heading() -> None:
    text = schema.markdown()
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in re.findall(r"(?m)^#+ .*$", text)
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= headings


def test_every_command_event_and_endpoint_is_in_the_reference() -> None:
    text = schema.markdown()
    for kind in get_args(Command | Event):
        assert f"| `{schema.tag(kind)}` |" in text
    for endpoint in ENDPOINTS:
        assert f"| `{endpoint.method} {endpoint.path}` |" in text
