"""What is no good request, byte for byte over HTTP: bodies, headers, addresses and tokens of all wrong kinds.

Long because every kind of bad request is one short test.
"""

import asyncio
import gzip
import json
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from starlette.routing import Route

from server.edge.http import Rest
from server.edge.requests import BODY_BYTES
from tests import hostile
from tests.hostile import Playground, http
from tests.tokens import bad_tokens

pytestmark = hostile.on_one_ground

ROUTES: list[Route] = Rest(cast("Any", None), cast("Any", None)).routes()
ENDPOINTS = [(method, route.path) for route in ROUTES for method in sorted(route.methods or ()) if method != "HEAD"]
WITH_BODY = [
    *(each for each in ENDPOINTS if each[0] in {"PUT", "PATCH"}),
    ("POST", "/api/sessions"),
    ("POST", "/api/sessions/{id}/messages"),
    ("POST", "/auth/dev"),
]
BAD_TOKENS = bad_tokens()


def target(path: str) -> str:
    return path.replace("{id}", str(uuid4()))


async def a_session(ground: Playground, **fields: Any) -> dict[str, Any]:
    body = json.dumps(fields).encode()
    return (await http(ground.hub, "POST", "/api/sessions", ground.hub.headers("mallory"), body)).json


# Bodies.

NO_JSON = {
    "a word": b"not json",
    "half an object": b'{"content":"a"',
    "rubbish after it": b'{"content":"a"} x',
    "a mark before it": b'\xef\xbb\xbf{"content":"a"}',
    "UTF-16": '{"content":"a"}'.encode("utf-16"),
    "Latin-1": '{"content":"é","title":"é","user":"é"}'.encode("latin-1"),
    "an overlong NUL": b'{"content":"\xc0\x80","title":"\xc0\x80","user":"\xc0\x80"}',
    "half a pair in bytes": b'{"content":"\xed\xa0\x80","title":"\xed\xa0\x80","user":"\xed\xa0\x80"}',
    "NUL": b"\x00",
    "NaN": b'{"content":NaN}',
    "infinity": b'{"content":-Infinity}',
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 12_000,
    "deep and closed": b"[" * 30_000 + b"]" * 30_000,
    "deep in a field": b'{"content":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "a list": b"[]",
    "a text": b'"a"',
    "a number": b"7",
    "null": b"null",
    "a huge number": b"9" * 60_000,
    "a form": b"content=a&title=b&user=c",
}


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
async def test_a_body_that_is_not_the_object_asked_for_is_refused(
    ground: Playground, method: str, path: str, body: bytes
) -> None:
    answer = await http(ground.hub, method, target(path), ground.hub.headers("mallory"), body)
    assert answer.complaint() is None
    assert answer.json["code"] in {"malformed", "invalid"}


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
async def test_a_body_of_the_limit_is_read_and_one_byte_more_is_refused(
    ground: Playground, method: str, path: str
) -> None:
    for size, status in ((BODY_BYTES, 422), (BODY_BYTES + 1, 413), (10_000_000, 413)):
        body = b'{"bogus":1' + b" " * (size - 11) + b"}"
        answer = await http(ground.hub, method, target(path), ground.hub.headers("mallory"), body)
        assert answer.complaint(status=status) is None, size


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
async def test_a_body_over_the_limit_is_refused_also_without_a_length(
    ground: Playground, method: str, path: str
) -> None:
    piece = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    headers = ground.hub.headers("mallory") | {"Transfer-Encoding": "chunked"}
    answer = await http(ground.hub, method, target(path), headers, piece * (BODY_BYTES // 0x4000 + 1) + b"0\r\n\r\n")
    assert answer.complaint(status=413) is None


@pytest.mark.parametrize(("method", "path"), [each for each in ENDPOINTS if each not in WITH_BODY])
async def test_a_body_where_none_is_asked_for_harms_nobody(ground: Playground, method: str, path: str) -> None:
    for body in (b"not json", b" " * (BODY_BYTES + 1)):
        answer = await http(ground.hub, method, target(path), ground.hub.headers("mallory"), body)
        assert answer.status in {200, 404, 413, 422}
        assert answer.status == 200 or answer.complaint() is None


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999999999999999999", "5, 6"])
async def test_a_length_that_is_none_is_refused(ground: Playground, length: str) -> None:
    answer = await http(
        ground.hub, "POST", "/api/sessions", ground.hub.headers("mallory") | {"Content-Length": length}, b"{}"
    )
    assert answer.status in {400, 413}


async def test_a_body_that_never_comes_holds_up_nobody(ground: Playground) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ground.hub.port)
    head = "POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nAuthorization: Bearer "
    writer.write(f"{head}{ground.hub.token('mallory')}\r\n\r\n".encode())
    await ground.unharmed()
    writer.transport.abort()
    await reader.read()


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "gzip, identity", "nonsense"])
async def test_a_body_that_is_packed_is_refused(ground: Playground, method: str, path: str, encoding: str) -> None:
    headers = ground.hub.headers("mallory") | {"Content-Encoding": encoding}
    answer = await http(ground.hub, method, target(path), headers, gzip.compress(b"{}"))
    assert answer.complaint(status=415) is None


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                                  "application/xml", "application/jsonx", "", "x"])  # fmt: skip
async def test_a_body_of_another_kind_is_refused(ground: Playground, method: str, path: str, kind: str) -> None:
    headers = ground.hub.headers("mallory") | {"Content-Type": kind}
    answer = await http(ground.hub, method, target(path), headers, b"{}")
    assert answer.complaint(status=415) is None


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
async def test_json_is_json_however_it_is_spelled(ground: Playground, kind: str) -> None:
    headers = ground.hub.headers("mallory") | {"Content-Type": kind, "Content-Encoding": "Identity"}
    assert (await http(ground.hub, "POST", "/api/sessions", headers, b"{}")).status == 201


async def test_a_name_twice_in_a_body_is_answered_once(ground: Playground) -> None:
    body = b'{"title":"one","title":"two"}'
    answer = await http(ground.hub, "POST", "/api/sessions", ground.hub.headers("mallory"), body)
    assert answer.complaint() is None if answer.status != 201 else answer.json["title"] in {"one", "two"}


# Tokens.


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_a_request_with_a_token_that_is_not_good_is_refused_as_one_without(
    ground: Playground, token: str
) -> None:
    without = await http(ground.hub, "GET", "/api/sessions")
    assert without.complaint(status=401) is None
    assert without.headers["www-authenticate"].startswith("Bearer")
    answer = await http(ground.hub, "GET", "/api/sessions", {"Authorization": f"Bearer {token}"})
    assert answer.comparable == without.comparable


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
async def test_no_endpoint_answers_a_stranger(ground: Playground, method: str, path: str) -> None:
    for header in (None, "", "Bearer", "Bearer ", "Basic bWFsbG9yeTp4", "Bearer x", "Bearer \xff\xfe", "x" * 20_000):
        headers = {} if header is None else {"Authorization": header}
        answer = await http(ground.hub, method, target(path), headers, b"not json")
        assert answer.complaint(status=401) is None, header
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", ["token", "access_token", "authorization"])
@pytest.mark.parametrize(("method", "path"), [*ENDPOINTS, ("POST", "/auth/dev")])
async def test_a_token_in_an_address_is_refused_and_never_logged(  # noqa: PLR0917 - pytest gives them by name
    ground: Playground,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    method: str,
    path: str,
    name: str,
) -> None:
    token = ground.hub.token("mallory")
    address = f"{target(path)}?{name}={token}"
    for headers in ({}, ground.hub.headers("mallory")):
        answer = await http(ground.hub, method, address, headers, b"{}")
        assert answer.complaint() is None
        assert answer.status in {400, 401, 422}, answer
        assert token.encode() not in answer.body
    assert token[-20:] not in caplog.text
    assert token[-20:] not in "".join(capfd.readouterr())


# Addresses and methods.


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/session",
        "/api/sessions/",
        "/api/sessions//",
        "/api/messages",
        "/API/sessions",
        "//api/sessions",
        "/api/sessions/x/y",
        "/..",
        "/api/../api/sessions",
        "/.env",
        "/%00",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/" + "a" * 20_000,
        "/%ff%fe",
        "/api/sessions;x",
        "/metrics",
        "/admin",
        "/auth/dev/",
        "/ws",
    ],
)
async def test_an_address_that_is_none_is_not_found(ground: Playground, path: str) -> None:
    answer = await http(ground.hub, "GET", path, ground.hub.headers("mallory") | {"Host": "evil.example"})
    assert answer.complaint(status=404) is None, answer


async def test_a_method_that_an_address_does_not_know_is_refused_and_the_others_are_named(ground: Playground) -> None:
    wrong: dict[str, Any] = {}
    for path in {path for _, path in ENDPOINTS} - {"/api/sessions/search"}:  # which is an {id} to other methods
        known = {method for method, other in ENDPOINTS if other == path}
        known |= {"HEAD"} if "GET" in known else set()
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get"} - known:
            answer = await http(ground.hub, method, target(path), ground.hub.headers("mallory"))
            wrong[f"{method} {path}"] = answer.complaint(status=405) or _not_allowed(answer.headers, known)
    assert {name: found for name, found in wrong.items() if found} == {}


def _not_allowed(headers: dict[str, str], known: set[str]) -> str | None:
    """RFC 9110, 15.5.6: a 405 says in Allow which methods there are, all of them."""
    allowed = {method.strip() for method in headers.get("allow", "").split(",") if method.strip()}
    return None if allowed == known else f"Allow is {sorted(allowed)} and not {sorted(known)}"


async def test_head_answers_as_get_without_the_body(ground: Playground) -> None:
    session = (await a_session(ground))["id"]
    for path in (
        f"/api/sessions/{session}",
        "/api/sessions",
        f"/api/sessions/{session}/messages",
        f"/api/sessions/{uuid4()}",
    ):
        headers = ground.hub.headers("mallory")
        got, head = [await http(ground.hub, method, path, headers) for method in ("GET", "HEAD")]
        assert (head.status, head.comparable[1], head.body) == (got.status, got.comparable[1], b"")


def spellings(id: UUID) -> dict[str, str]:
    """Of one id: those that msgspec reads too, so that a socket and REST take the same."""
    return {"as it is": str(id), "upper case": str(id).upper(), "without hyphens": id.hex}


def misspellings(id: UUID) -> dict[str, str]:
    text = str(id)
    return {
        "in braces": f"{{{text}}}",
        "a URN": f"urn:uuid:{text}",
        "hyphens elsewhere": "-".join(id.hex),
        "two hyphens": text.replace("-", "--", 1),
        "underscores": f"{id.hex[0]}_{id.hex[2:]}",
        "a plus": "+" + id.hex[1:],
        "0x": "0x" + id.hex[2:],
        "other digits": text.replace("1", "%D9%A1").replace("2", "%D9%A2"),
        "a space": text + "%20",
        "a line break": text + "%0A",
        "NUL": text + "%00",
        "no UTF-8": text + "%ff",
        "too short": text[:-1],
        "too long": text + "0",
        "long": "f" * 20_000,
        "SQL": "'%20OR%201=1--",
        "a star": "*",
        "nothing like it": "1",
    }


@pytest.mark.parametrize("name", spellings(UUID(int=0)))
async def test_an_id_has_three_spellings_and_is_answered_in_one(ground: Playground, name: str) -> None:
    session = UUID("12a1b2c3-1111-4222-8333-44aa55bb66cc")
    await a_session(ground, id=str(session))
    path = f"/api/sessions/{spellings(session)[name]}"
    answer = await http(ground.hub, "GET", path, ground.hub.headers("mallory"))
    assert (answer.status, answer.json["id"]) == (200, str(session))
    async with hostile.speaking(ground.hub) as speaker:
        opened = await speaker.ask(type="session.open", session=spellings(session)[name])
        assert opened["result"]["session"]["id"] == str(session)


@pytest.mark.parametrize("name", misspellings(UUID(int=0)))
async def test_what_is_no_id_names_nothing(ground: Playground, name: str) -> None:
    session = UUID("12a1b2c3-1111-4222-8333-44aa55bb66cc")
    await a_session(ground, id=str(session))
    path = f"/api/sessions/{misspellings(session)[name]}"
    answer = await http(ground.hub, "GET", path, ground.hub.headers("mallory"))
    assert answer.complaint(status=404) is None, answer


# Headers.


@pytest.mark.parametrize("path", ["/api/sessions", "/api/sessions/{session}/messages"])
@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "7",
        "null",
        "{12a1b2c3-1111-4222-8333-44aa55bb66cc}",
        "urn:uuid:12a1b2c3-1111-4222-8333-44aa55bb66cc",
        "1_a1b2c3-1111-4222-8333-44aa55bb66cc",
        "\xff",
        "f" * 10_000,
        "12a1b2c3-1111-4222-8333-44aa55bb66c",
    ],
)
async def test_an_idempotency_key_that_is_no_id_is_refused_and_named(ground: Playground, path: str, key: str) -> None:
    path = path.replace("{session}", (await a_session(ground))["id"])
    headers = ground.hub.headers("mallory") | {"Idempotency-Key": key}
    body = b'{"content":"a"}' if "messages" in path else b"{}"
    answer = await http(ground.hub, "POST", path, headers, body)
    assert answer.complaint(status=422, field="Idempotency-Key") is None


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "tag", ['"0"', '"999"', "x", '""', "", "W/x", '"-1"', '"1e9"', '"' + "9" * 5_000 + '"', '"\xb2"', '"0", "999"']
)
async def test_a_change_of_what_was_changed_meanwhile_is_refused(ground: Playground, method: str, tag: str) -> None:
    session = await a_session(ground, title="before")
    path, headers = f"/api/sessions/{session['id']}", ground.hub.headers("mallory")
    answer = await http(ground.hub, method, path, headers | {"If-Match": tag}, b'{"title":"after"}')
    assert answer.complaint(status=412) is None
    assert (await http(ground.hub, "GET", path, headers)).json == session


@pytest.mark.parametrize("tag", ['"{}"', "*"])
async def test_a_change_of_what_is_as_it_was_read_is_done(ground: Playground, tag: str) -> None:
    session = await a_session(ground)
    path, headers = f"/api/sessions/{session['id']}", ground.hub.headers("mallory")
    answer = await http(ground.hub, "PATCH", path, headers | {"If-Match": tag.format(session["seq"])}, b'{"title":"a"}')
    assert (answer.status, answer.json["title"]) == (200, "a")


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ('"{}"', 304),
        ('W/"{}"', 304),
        ('"0", "{}"', 304),
        ("*", 304),
        ('"0"', 200),
        ("x", 200),
        ("", 200),
        ("{}", 200),
        ('"{}0"', 200),
    ],
)
async def test_who_holds_a_row_already_is_not_given_it_again(ground: Playground, tag: str, status: int) -> None:
    session = await a_session(ground)
    path, headers = f"/api/sessions/{session['id']}", ground.hub.headers("mallory")
    answer = await http(ground.hub, "GET", path, headers | {"If-None-Match": tag.format(session["seq"])})
    assert answer.status == status
    assert answer.headers["etag"] == f'"{session["seq"]}"'
    assert (answer.body == b"") is (status == 304)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /api/sessions HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\x00\xff\r\n\r\n",
        b"GET /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        b"POST /api/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n a: folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=lambda raw: ascii(raw[:40]),
)
async def test_what_is_no_http_is_refused_and_the_connection_is_closed(ground: Playground, raw: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ground.hub.port)
    async with asyncio.timeout(hostile.PATIENCE):
        writer.write(raw)
        writer.write_eof()
        received = await hostile._to_the_end(reader)
    writer.close()
    assert received == b"" or received.split(b" ")[1][:1] == b"4", received[:200]
