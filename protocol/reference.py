"""The text of docs/protocol.md: prose of ours, and tables made from the types.

Long because it is a document.
"""

import re
from collections.abc import Iterable
from typing import Any, get_args

from msgspec import Struct

from protocol.answers import ANSWERS
from protocol.commands import Command
from protocol.errors import GIVE_UP, CloseCode, comes_back
from protocol.events import Event
from protocol.meanings import CLOSES, REASONS
from protocol.rest import ENDPOINTS, Endpoint, refusals

Json = dict[str, Any]
Shapes = dict[str, Json]

PLAIN: dict[Any, str] = {None: "text", bytes: "the file"}
INTRODUCTION = """\
What is said between a device and the hub. The types in `protocol/` are the truth; this text, `/openapi.json` and
`/asyncapi.json` are made from them."""

CONNECTING = """\
`GET /ws`, subprotocol `tutorhub.v1`; text frames, one JSON object each, `type` names it. The first command is `hello`.
The hub answers it with `welcome`, and then with a `snapshot`, or, if the device says where it stands (`since`), with
as many `changes` as it takes to reach the head. A device that reads slowly is left out for a while and then caught up
in the same way: `changes`, or a `snapshot`, at any time, and a `reply.snapshot` of each open reply that it shows.

Before the upgrade a hub may answer 503: it is leaving, or too many devices join at once. Come back after as many
seconds as `Retry-After` says, and a random time more.

A command carries `ref`, an integer of the device's own, and is answered with the same `ref`: by `accepted` once it is
done and committed, or by `refused`. Commands are carried out and answered in the order in which they were said.
Unknown fields are refused; a device ignores events and fields that it does not know. Names are camelCase, what is
absent has its default, ids are UUIDs, times are RFC 3339 in UTC, lengths are counted in code points. A frame holds at
most `limits.frameBytes`, so write text as UTF-8 and not as `\\u` escapes, which take up to six times the room."""

APPLYING = """\
Every transaction that changes something durable takes the next number of its user's timeline, and every row that it
changed carries that number as `seq`. A device keeps the rows it shows and one cursor: the number up to which it has
everything.

- **Put a row** if its `seq` is higher than that of the row held under its id; otherwise leave the held one. A row with
  `deletedAt` is a tombstone: it is put like any other, so that an older page cannot bring the row back, and not shown.
- **A durable event** carries all rows of one number, whole. If its `seq` is the cursor + 1, put its rows and move the
  cursor. If it is lower, ignore it: what it says is held already, or gone since. If it is higher, numbers are missing:
  put nothing and read the changes since the cursor.
- **`changes`** carries each row that is now numbered in (`since`, `seq`]. A row that changed twice is there once, so
  numbers are missing inside. Put all, then set the cursor to `seq`. With `more`, go on from there. If `since` is above
  the cursor, numbers are missing as above.
- **`snapshot`** replaces everything, and says the numbers' `epoch`.
- **A page** is a fresh look: it may be ahead of the cursor, or behind what is held. Put it and leave the cursor.
- **Windows.** The session list is known down to the last row of the last page, the messages of an opened session from
  the first one of the oldest page. Rows below are not shown, but held when they are heard of: a page may have been
  read before a change and be heard after it.
- **Sessions** are shown by `updatedAt`, then `id`, from the highest down; **messages** by `position`.
- **Live text.** `reply.snapshot` replaces what is held of a pending reply unless its `attempt` is lower than the held
  one; each attempt begins with one, which holds the text that it goes on from, if any. `token.added` is appended only
  if its `attempt` is the held one and its `chunk` the held `next`; otherwise it is ignored until a snapshot comes. Text
  of a reply that is not known, or that has ended, is ignored. `reply.settled` has the whole text.
- **A session that is deleted** is closed; to see the messages of a restored one, open it again.
- **`typing.changed`** is believed for 6 s.

`protocol/timeline.py` does this, without I/O. `protocol/cases/` holds what every reader must pass."""

REFUSING = """\
`refused` and every REST error carry the [Problem](#problem) object (RFC 9457); in `refused` its `type` is called
`problem`. A program branches on `code`; `detail` is for people; `retryable` says whether the same may work later."""

RESTING = """\
Everything but `/auth/dev`, `/media/…`, `/livez` and `/readyz` asks for `Authorization: Bearer …`. What is done here is
heard on the sockets, and the other way round. Where a row is answered, its `seq` is the `ETag`: a write with `If-Match`
is refused if the row has changed, a read with `If-None-Match` answers 304 if it has not. Where a body has no id, a UUID
`Idempotency-Key` is the id."""

CASES = """\
`protocol/cases/*.json`, one file for each theme. Before it is parsed, `"#a1"` in a file stands for the UUID
`"00000000-0000-4000-8000-0000000000a1"`. `rows` completes every session and message row in the file's steps and pages.
A case is a sentence and its steps, fed to a fresh reader one after the other:

- `open`, `openRefused`, `close`: the device says `session.open` of a session, is refused it, says `session.close`.
- `event`: a frame is heard, at `now` seconds; with `gap: true` the reader reports that numbers are missing.
- `sessionPage`, `messagePage`: the answer to `session.list` (with `before`) or to `session.open` is heard.
- `shows`: what is given must be shown just so. `seq`: the cursor. `sessions`: the list, as ids or as rows of which the
  given fields count. `messages`: of each session its messages, with `id`, `text` and, of replies, `status`. `typing`:
  of each session the names of those who type, at `now` seconds."""


def text(shapes: Shapes) -> str:
    """The whole document; `shapes` are the schemas of all types by name."""
    parts = [
        "# The protocol",
        "<!-- Made by `python -m protocol.schema`. -->",
        INTRODUCTION,
        "## Connecting",
        CONNECTING,
        "## Commands",
        _commands(shapes),
        "## Events",
        _events(shapes),
        "## Applying events",
        APPLYING,
        "## Objects",
        _objects(shapes),
        "## Reasons of a refusal",
        REFUSING,
        _table(
            ("code", "status", "means"),
            [(f"`{code}`", str(means.status), means.text) for code, means in REASONS.items()],
        ),
        "## Close codes",
        _close_codes(),
        "## REST",
        _rest(shapes),
        "## Contract cases",
        CASES,
    ]
    return "\n\n".join(parts) + "\n"


def _commands(shapes: Shapes) -> str:
    rows: list[tuple[str, ...]] = []
    for kind in get_args(Command):
        shape = shapes[kind.__name__]
        does = re.sub(r"\s*Answer: .*", "", _said(shape), flags=re.DOTALL)
        rows.append((_tag(shape), _fields(shape, {"type", "ref"}), does, _answer(kind, shapes)))
    return _table(("command", "fields, besides `ref`", "does", "answer"), rows)


def _answer(command: type[Struct], shapes: Shapes) -> str:
    return _named(ANSWERS[command], shapes)


def _named(kind: type[Struct], shapes: Shapes) -> str:
    """An event by its type, an object by a link to it."""
    return _tag(shapes[kind.__name__]) if kind in get_args(Event) else _link(kind.__name__)


def _events(shapes: Shapes) -> str:
    rows: list[tuple[str, ...]] = []
    for kind in get_args(Event):
        shape = shapes[kind.__name__]
        rows.append((_tag(shape), _fields(shape, {"type"}), _said(shape)))
    return _table(("event", "fields", "means"), rows)


def _objects(shapes: Shapes) -> str:
    spoken = {kind.__name__ for kind in get_args(Command | Event)} | _bodies()
    names = [name for name in shapes if name not in spoken and "properties" in shapes[name]]
    return "\n\n".join(_object(shapes[name]) for name in sorted(names))


def _object(shape: Json) -> str:
    fields = [(f"`{name}`", kind, default) for name, kind, default in _described(shape, set())]
    parts = [
        f"### {shape['title']}",
        shape.get("description", ""),
        _table(("field", "type", "if absent"), fields) if fields else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _close_codes() -> str:
    rows = [
        (str(int(code)), code.name.lower().replace("_", " "), "yes" if comes_back(code) else "no", CLOSES[code])
        for code in CloseCode
    ]
    intro = "The number alone says whether to come back: 4000–4499 yes, with growing pauses; 4500–4999 no."
    wire = ", ".join(str(code) for code in sorted(GIVE_UP))
    also = f"Of the websocket protocol's own codes, {wire} say that the device is at fault; others are worth a retry."
    return "\n\n".join([intro, _table(("code", "name", "come back", "means"), rows), also])


def _rest(shapes: Shapes) -> str:
    rows = [
        (f"`{each.method} {each.path}`", _asked(each), each.does, _told(each, shapes), _refused(each))
        for each in ENDPOINTS
    ]
    bodies = [_object(shapes[name]) for name in sorted(_bodies())]
    heads = ("endpoint", "takes", "does", "answer", "may refuse")
    common = (
        "Beyond these, every endpoint that asks for a token may answer `unauthenticated`, `rate_limited`, `unavailable`"
        " and `internal`."
    )
    return "\n\n".join([RESTING, _table(heads, rows), common, *bodies])


def _asked(endpoint: Endpoint) -> str:
    query = endpoint.query.__struct_encode_fields__ if endpoint.query else ()
    headers = {"Idempotency-Key": endpoint.keyed, "If-Match": endpoint.guarded, "If-None-Match": endpoint.cached}
    headers["Range"] = endpoint.ranged
    found = [_link(endpoint.body.__name__)] if endpoint.body else ["the file"] if endpoint.uploads else []
    found += [f"`?{name}`" for name in query] + [f"`{name}`" for name, taken in headers.items() if taken]
    return ", ".join(found)


def _told(endpoint: Endpoint, shapes: Shapes) -> str:
    kinds = get_args(endpoint.answer) or (endpoint.answer,)
    return f"{endpoint.status} " + " or ".join(PLAIN.get(kind) or _named(kind, shapes) for kind in kinds)


def _refused(endpoint: Endpoint) -> str:
    common = ("unauthenticated", "rate_limited", "unavailable", "internal")
    return " ".join(f"`{reason}`" for reason in refusals(endpoint) if endpoint.open or reason not in common)


def _bodies() -> set[str]:
    return {endpoint.body.__name__ for endpoint in ENDPOINTS if endpoint.body}


# Schemas in words.


def _said(shape: Json) -> str:
    return " ".join(shape.get("description", "").split())


def _tag(shape: Json) -> str:
    return f"`{shape['properties']['type']['enum'][0]}`"


def _fields(shape: Json, without: set[str]) -> str:
    return "<br>".join(
        f"`{name}`{'?' if default else ''} {kind}" + (f", else {default}" if default not in ("", "nothing") else "")
        for name, kind, default in _described(shape, without)
    )


def _described(shape: Json, without: set[str]) -> list[tuple[str, str, str]]:
    """Of each field its name, its kind, and what its absence means ("" if it may not be absent)."""
    required = shape.get("required", [])
    return [
        (name, _kind(schema), "" if name in required else _default(schema.get("default")))
        for name, schema in shape["properties"].items()
        if name not in without
    ]


def _default(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case []:
            return "none"
        case bool():
            return str(value).lower()
        case _:
            return f"`{value}`"


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return "[reason](#reasons-of-a-refusal)" if name == "Reason" else _link(name)
    if "anyOf" in schema:
        kinds = [_kind(each) for each in schema["anyOf"] if each != {"type": "null"}]
        nullable = len(kinds) < len(schema["anyOf"]) and "default" not in schema
        return " or ".join([*kinds, "null"] if nullable else kinds)
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    match schema["type"]:
        case "string":
            return _string(schema)
        case "integer":
            return _between("integer", schema.get("minimum"), schema.get("maximum"))
        case "array":
            return f"list of {_kind(schema['items'])}"
        case other:
            return str(other)


def _string(schema: Json) -> str:
    if "format" in schema:
        return {"uuid": "UUID", "date-time": "time"}[schema["format"]]
    pattern = schema.get("pattern", "")
    length = _between("text", schema.get("minLength"), schema.get("maxLength"))
    if not pattern or pattern == r"^[^\x00]*$":
        return length + (", no NUL" if pattern else "")
    return f"{length}, like `{_readable(pattern)}`"


def _readable(pattern: str) -> str:
    return pattern.replace("(?!\\n)", "").replace("|", "\\|")


def _between(kind: str, least: int | None, most: int | None) -> str:
    if most == 2**53 - 1:
        return f"{kind} ≥ {least}, < 2⁵³"
    if least is not None and most is not None:
        return f"{kind} of {least}" if least == most else f"{kind} {least}–{most}"
    return f"{kind} ≤ {most}" if most is not None else kind


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(" ".join(cell.split()) for cell in line) + " |" for line in lines)
