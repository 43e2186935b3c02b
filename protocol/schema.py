"""The protocol for other programs: JSON Schema, OpenAPI and AsyncAPI documents, all made from the types.

`python -m protocol.schema` writes docs/protocol.md; `python -m protocol.schema json` prints the JSON Schema, of which
`npm run types` makes the types of the TypeScript client. Long because all that is made of the types is made here.
"""

import inspect
import json
import re
import sys
from pathlib import Path
from types import UnionType
from typing import Any, cast, get_args

from msgspec import Struct
from msgspec.json import schema_components

from protocol import answers, reference
from protocol.answers import ANSWERS, Answer
from protocol.commands import Command
from protocol.errors import Problem, Reason
from protocol.events import Event
from protocol.meanings import REASONS
from protocol.rest import ENDPOINTS, Endpoint, refusals

Json = dict[str, Any]

VERSION = "1"
SHAPES: list[Any] = [
    *get_args(Command),
    *get_args(Event),
    *get_args(Answer),
    answers.DeviceList,
    answers.DevToken,
    answers.Media,
    answers.MediaPage,
    answers.MediaLinks,
    answers.Transcript,
    Problem,
    *(endpoint.body for endpoint in ENDPOINTS if endpoint.body),
]


def json_schema() -> Json:
    """Every type of the protocol by its name, under $defs, and what is said (Command) and heard (Event)."""
    unions = {"Command": Command, "Event": Event, "Answer": Answer}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tutorhub",
        "oneOf": [_reference(kind) for kind in get_args(Command | Event)],
        "$defs": _components("#/$defs/{name}")
        | {name: {"anyOf": [_reference(kind) for kind in get_args(union)]} for name, union in unions.items()},
    }


def _reference(kind: type[Struct]) -> Json:
    return {"$ref": f"#/$defs/{kind.__name__}"}


def openapi() -> Json:
    """An OpenAPI 3.1 document of the REST endpoints."""
    paths: Json = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    schemas = _components("#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {"title": "tutorhub", "version": VERSION, "description": reference.INTRODUCTION},
        "paths": paths,
        "components": {
            "schemas": {name: schemas[name] for name in _reached(paths, schemas)},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def asyncapi() -> Json:
    """An AsyncAPI 3.0 document of the websocket, as seen by the hub: it receives commands and sends events."""
    messages = _messages()
    schemas = _components("#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "tutorhub", "version": VERSION, "description": reference.INTRODUCTION},
        "defaultContentType": "application/json",
        "channels": {
            "ws": {
                "address": "/ws",
                "description": "Text frames, one JSON object each. Subprotocol tutorhub.v1.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {tag(kind): _received(kind) for kind in get_args(Command)}
        | {"events": {"action": "send", "channel": _channel(), "messages": [_told(kind) for kind in get_args(Event)]}},
        "components": {
            "messages": messages,
            "schemas": {name: schemas[name] for name in _reached(messages, schemas)},
        },
    }


def markdown() -> str:
    """The text of docs/protocol.md."""
    return reference.text(_components("#/{name}"))


def tag(kind: type[Struct]) -> str:
    """The `type` of a command or event on the wire."""
    return str(kind.__struct_config__.tag)


# REST.


def _operation(endpoint: Endpoint) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": endpoint.does,
        "security": [] if endpoint.open else [{"bearer": []}],
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint),
    }
    if endpoint.body is not None:
        content = {"application/json": {"schema": _schema(endpoint.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.uploads:
        operation["requestBody"] = {"required": True, "content": {"*/*": {"schema": _BYTES}}}
    return operation


def _parameters(endpoint: Endpoint) -> list[Json]:
    found: list[Json] = []
    for name in re.findall(r"{(\w+)}", endpoint.path):
        schema = {"type": "string"} | ({"format": "uuid"} if name == "id" else {})
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    if endpoint.query is not None:
        shape = _shapes([endpoint.query], "#/{name}")[endpoint.query.__name__]
        required = shape.get("required", [])
        for name, schema in shape["properties"].items():
            found.append({"name": name, "in": "query", "required": name in required, "schema": _given(schema)})
    if endpoint.keyed:
        found.append(_header("Idempotency-Key", "A UUID; it is the id where the body has none.", "uuid"))
    if endpoint.guarded:
        found.append(_header("If-Match", "The ETag of the row as it was read; with another one nothing is done."))
    if endpoint.cached:
        found.append(_header("If-None-Match", "The ETag of the row, or of the file, that is held."))
    if endpoint.ranged:
        found.append(_header("Range", "One range of bytes, such as `bytes=0-65535`."))
    return found


def _given(schema: Json) -> Json:
    """A parameter is given or left out; it is never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema


def _header(name: str, description: str, form: str | None = None) -> Json:
    schema = {"type": "string"} | ({"format": form} if form else {})
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _responses(endpoint: Endpoint) -> Json:
    responses: Json = {str(endpoint.status): _success(endpoint)}
    if endpoint.cached:
        responses["304"] = {"description": "It is what is held.", "headers": _ETAG}
    if endpoint.ranged:
        responses["206"] = {"description": "The range that was asked for.", "content": _FILE}
    by_status: dict[int, list[Reason]] = {}
    for reason in refusals(endpoint):
        by_status.setdefault(REASONS[reason].status, []).append(reason)
    for status, reasons in sorted(by_status.items()):
        responses[str(status)] = {
            "description": " ".join(f"`{reason}`: {REASONS[reason].text}" for reason in reasons),
            "content": {"application/problem+json": {"schema": _schema(Problem)}},
        }
    return responses


_ETAG = {"ETag": {"description": "The row's `seq`; of a file, its hash.", "schema": {"type": "string"}}}
_BYTES: Json = {"type": "string", "format": "binary"}
_FILE = {"image/*": {"schema": _BYTES}, "audio/*": {"schema": _BYTES}}


def _success(endpoint: Endpoint) -> Json:
    if endpoint.answer is None:
        return {"description": endpoint.does, "content": {"text/plain": {"schema": {"type": "string"}}}}
    if endpoint.answer is bytes:
        return {"description": endpoint.does, "content": _FILE, "headers": _ETAG}
    answer: Json = {
        "description": endpoint.does,
        "content": {"application/json": {"schema": _schema(endpoint.answer)}},
    }
    if endpoint.answer in (answers.Session, answers.Message):
        answer["headers"] = _ETAG
    return answer


# The websocket.


def _messages() -> Json:
    said = {tag(kind): _message(kind) for kind in get_args(Command | Event)}
    accepted = {f"accepted.{kind.__name__}": _accepted(kind) for kind in get_args(Answer)}
    return said | accepted


def _message(kind: type[Struct]) -> Json:
    return {"name": tag(kind), "payload": _schema(kind)} | _summary(kind)


def _accepted(answer: type[Struct]) -> Json:
    result = {"type": "object", "properties": {"result": _schema(answer)}}
    payload = {"allOf": [{"$ref": "#/components/schemas/Accepted"}, result]}
    return {"name": "accepted", "payload": payload} | _summary(answer)


def _summary(kind: type[Struct]) -> Json:
    return {"summary": prose(kind.__doc__)} if kind.__doc__ else {}


def _received(command: type[Struct]) -> Json:
    answer = ANSWERS[command]
    name = f"accepted.{answer.__name__}" if answer in get_args(Answer) else tag(answer)
    return {
        "action": "receive",
        "channel": _channel(),
        "messages": [_told(command)],
        "reply": {"channel": _channel(), "messages": [_on_channel(name), _on_channel("refused")]},
    } | _summary(command)


def _channel() -> Json:
    return {"$ref": "#/channels/ws"}


def _told(kind: type[Struct]) -> Json:
    return _on_channel(tag(kind))


def _on_channel(name: str) -> Json:
    return {"$ref": f"#/channels/ws/messages/{name}"}


# The types.


def _schema(kind: type[Struct] | UnionType) -> Json:
    return schema_components([kind], ref_template="#/components/schemas/{name}")[0][0]


def _components(template: str) -> Json:
    shapes = _shapes(SHAPES, template)
    results = [{"$ref": template.format(name=kind.__name__)} for kind in get_args(Answer)]
    shapes["Accepted"]["properties"]["result"] = {"anyOf": results}
    return shapes


def _shapes(kinds: list[Any], template: str) -> Json:
    return {name: _tidied(shape) for name, shape in schema_components(kinds, ref_template=template)[1].items()}


def _tidied(value: Any) -> Any:
    """As msgspec made it, but with descriptions in the words of the wire, and a type also where values are listed."""
    if isinstance(value, list):
        return [_tidied(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    tidied = {key: _tidied(each) for key, each in cast("Json", value).items()}
    if isinstance(tidied.get("description"), str):
        tidied["description"] = prose(tidied["description"])
    if isinstance(tidied.get("enum"), list):
        tidied.setdefault("type", "string")
    return tidied


def prose(docstring: str | None) -> str:
    """A docstring as it is read outside: without its indentation, `reply_to` as `replyTo`, None as null."""

    def on_the_wire(name: re.Match[str]) -> str:
        first, *others = name[1].split("_")
        return f"`{first}{''.join(word.capitalize() for word in others)}`"

    text = re.sub(r"`([a-z]+(?:_[a-z]+)+)`", on_the_wire, inspect.cleandoc(docstring or ""))
    return re.sub(r"\bNone\b", "null", text)


def _reached(document: Any, schemas: Json) -> list[str]:
    """The names of the schemas that a document refers to, directly or through others."""
    found: set[str] = set()
    waiting = [document]
    while waiting:
        for name in re.findall(r"'#/components/schemas/(\w+)'", str(waiting.pop())):
            if name not in found:
                found.add(name)
                waiting.append(schemas[name])
    return sorted(found)


def main() -> None:
    if sys.argv[1:] == ["json"]:
        sys.stdout.write(json.dumps(json_schema()))
        return
    (Path(__file__).parent.parent / "docs" / "protocol.md").write_text(markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
