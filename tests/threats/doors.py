"""The lines of the table that are about doors: pages, addresses, tokens, requests that are none."""

import asyncio
import json
import time

from tests.hostile import Speaker, http, silent
from tests.threats.attack import Attack, Case, asks, outcome, says_first, signs_in_with, upgrades, writes
from tests.threats.ground import FRIEND, Attacked
from tests.tokens import signed

STRANGERS = ("https://evil.example", "null", "https://app.example.com.evil.io", "https://app.example.com:444")
MALLORY = signed({})
MEGABYTE = b"x" * 2**20
HEAD = b"GET /api/sessions HTTP/1.1\r\nHost: x\r\n"
POST = f"POST /api/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {MALLORY}\r\n".encode()
NO_BEARER = "HTTP 401 unauthenticated with a challenge; refused 401 unauthenticated, closed 4501"


def reads_for_a_page(method: str, **headers: str) -> Attack:
    """As a page of another address: what it is answered, and whether a browser would let it read that."""

    async def attack(ground: Attacked) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await http(ground.hub, method, "/api/sessions", named, b"{}" if method == "POST" else None)
        assert answer.headers["vary"] == "Origin"
        readable = any(name.startswith("access-control") for name in answer.headers)
        return outcome(answer) + (", readable" if readable else ", not readable")

    return attack


def drips(said: bytes, rest: bytes) -> Attack:
    """So much at once, and the rest byte by byte, a second between them. Is it over within ten seconds and a half?"""

    async def attack(ground: Attacked) -> str:
        began = time.monotonic()
        answer = await writes(said, *(bytes([byte]) for byte in rest), pause=1.0)(ground)
        return answer if time.monotonic() - began < 11.0 else f"{answer}, but too late"

    return attack


def refused_or_reset(attack: Attack) -> Attack:
    """Who still writes when it is refused may find the connection reset before it reads why."""

    async def either(ground: Attacked) -> str:
        answer = await attack(ground)
        return "HTTP 400 or cut off" if answer in {"HTTP 400", "cut off"} else answer

    return either


def both(*attacks: Attack) -> Attack:
    """At the same time."""

    async def attack(ground: Attacked) -> str:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(each, ground)) for each in attacks]
        return " and ".join(task.result() for task in tasks)

    return attack


async def _awaited(attack: Attack, ground: Attacked) -> str:
    return await attack(ground)


async def expires(ground: Attacked) -> str:
    """What a socket hears whose token ends while it is there."""
    async with silent(ground.hub) as speaker:
        await speaker.hello(signed({"exp": time.time() + 0.8}))
        said = "token.expiring, " if _heard(speaker, "token.expiring") else ""
        return f"{said}closed {await speaker.closed()}"


def _heard(speaker: Speaker, kind: str) -> bool:
    return any(frame["type"] == kind for frame in speaker.heard)


async def cookies_are_none(ground: Attacked) -> str:
    hello = json.dumps({"type": "hello", "ref": 1, "device": {"id": "d", "name": "d"}})
    cookie = {"Cookie": f"token={MALLORY}; session={MALLORY}"}
    async with silent(ground.hub, additional_headers=cookie) as speaker:
        answer = await speaker.ask(hello)
        return f"refused {answer['status']} {answer['code']}, closed {await speaker.closed()}"


CASES = (
    *(
        Case(1, f"a socket for a page of {page}", upgrades("/ws", f"Origin: {page}"), "HTTP 403 forbidden")
        for page in STRANGERS
    ),
    Case(
        1,
        "two origins at once",
        upgrades("/ws", f"Origin: {FRIEND}", "Origin: https://evil.example"),
        "HTTP 403 forbidden",
    ),
    Case(1, "a socket for a page that may", upgrades("/ws", f"Origin: {FRIEND}"), "HTTP 101"),
    Case(1, "a socket for no page", upgrades(), "HTTP 101"),
    Case(1, "a cookie instead of a token", cookies_are_none, "refused 401 unauthenticated, closed 4501"),
    Case(
        2,
        "a page asks whether it may ask",
        reads_for_a_page("OPTIONS", Origin="https://evil.example", Access_Control_Request_Method="POST"),
        "HTTP 403 forbidden, not readable",
    ),
    Case(
        2,
        "a page posts with a cookie",
        reads_for_a_page("POST", Origin="https://evil.example", Cookie=f"token={MALLORY}", Content_Type="text/plain"),
        "HTTP 403 forbidden, not readable",
    ),
    Case(3, "a token in the query of a socket", upgrades(f"/ws?token={MALLORY}"), "HTTP 400 malformed"),
    Case(3, "an access_token in it", upgrades(f"/ws?access_token={MALLORY}"), "HTTP 400 malformed"),
    Case(3, "a token in the path of a socket", upgrades(f"/ws/{MALLORY}"), "HTTP 404 not_found"),
    Case(3, "a token in the query of a request", asks("GET", f"/api/sessions?token={MALLORY}"), "HTTP 422 invalid"),
    *(
        Case(4, what, signs_in_with(token), NO_BEARER)
        for what, token in {
            "no algorithm": MALLORY.replace(MALLORY.split(".")[0], "eyJhbGciOiJub25lIn0"),
            "HS512": signed({}, {"alg": "HS512"}, digest="sha512"),
            "no expiry": signed({"exp": None}),
            "an expiry beyond numbers": signed('{"sub":"mallory","exp":1e400}'),
            "made in an hour": signed({"iat": time.time() + 3_600}),
            "an extension nobody knows": signed({}, {"alg": "HS256", "crit": ["x"], "x": 1}),
            "a key from a file": signed({}, {"alg": "HS256", "kid": "../../dev/null"}, key="\x00"),
            "four parts": MALLORY + ".x",
        }.items()
    ),
    Case(
        4,
        "a megabyte of token in a header",
        refused_or_reset(writes(HEAD + b"Authorization: Bearer " + MEGABYTE)),
        "HTTP 400 or cut off",
    ),
    Case(
        4,
        "a megabyte of token in hello",
        says_first(json.dumps({"type": "hello", "ref": 1, "device": {"id": "d", "name": "d"}, "token": "x" * 2**20})),
        "closed 1009",
    ),
    Case(5, "a token ends on an open socket", expires, "token.expiring, closed 4003"),
    Case(6, "a socket that says nothing", says_first(), "closed 4502"),
    Case(6, "something else than hello", says_first('{"type":"ping","ref":1}'), "refused 422 invalid, closed 4500"),
    Case(6, "64 KiB and a byte before hello", says_first(" " * 65_537), "closed 1009"),
    Case(
        14,
        "a head and a body, a byte a second",
        both(drips(HEAD, b"X: " + b"x" * 60), drips(POST + b"Content-Length: 100\r\n\r\n", b"x" * 60)),
        "HTTP 408 and HTTP 408",
    ),
    Case(
        14,
        "a header of 100 MB",
        refused_or_reset(writes(HEAD + b"X: ", *(b"x" * 65_536,) * 1_600)),
        "HTTP 400 or cut off",
    ),
    Case(14, "200,000 headers", refused_or_reset(writes(HEAD, *(b"A: b\r\n" * 1_000,) * 200)), "HTTP 400 or cut off"),
    Case(
        38,
        "two lengths of one body",
        writes(POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
        "HTTP 400",
    ),
    Case(
        38,
        "a length and pieces",
        writes(POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HEAD + b"\r\n"),
        "HTTP 400 malformed",
    ),
    Case(
        38,
        "a header over two lines, which is one",
        writes(b"GET /nowhere HTTP/1.1\r\nConnection: close\r\nHost: x\r\n Transfer-Encoding: chunked\r\n\r\n"),
        "HTTP 404 not_found",
    ),
    Case(38, "an encoding nobody knows", writes(POST + b"Transfer-Encoding: xchunked\r\n\r\n"), "HTTP 400"),
    Case(38, "a space before the colon", writes(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"), "HTTP 400"),
)
