"""The lines of the table that are about what is said: texts, numbers, names, and what belongs to others."""

import json
import time
from typing import Any
from uuid import uuid4

from tests.hostile import http, silent
from tests.threats.attack import Attack, Case, asks, outcome, says
from tests.threats.ground import Attacked

SQL = "'; DROP TABLE messages; --"
UNREADABLE = '\x1b[2J\r\n{"event":"forged"}'
MARKS = "e" + "\u0301" * 9_999


def sent(content: Any, **fields: Any) -> Attack:
    return says(type="message.send", session="<my session>", message="<fresh>", content=content, **fields)


def searched(query: str) -> Attack:
    return asks("GET", f"/api/sessions/search?{query}")


def same_as_nothing(method: str, path: str, body: Any = None) -> Attack:
    """Another user's thing and one that never was: are they answered the same, byte for byte?"""

    async def attack(ground: Attacked) -> str:
        data = None if body is None else json.dumps(body).encode()
        headers = ground.hub.headers("mallory")
        others = path.format(session=ground.others.session, message=ground.others.message)
        none = path.format(session=uuid4(), message=uuid4())
        theirs, nothing = [await http(ground.hub, method, each, headers, data) for each in (others, none)]
        return outcome(theirs) + (", as nothing" if theirs.comparable == nothing.comparable else ", otherwise")

    return attack


async def deleted_while_open(ground: Attacked) -> str:
    """What a device hears of a session that another deletes, and what it may do there afterwards."""
    async with silent(ground.hub) as phone, silent(ground.hub) as laptop:
        await phone.hello()
        await laptop.hello()
        session = (await phone.ask(type="session.create"))["result"]["id"]
        await phone.ask(type="session.open", session=session)
        await laptop.ask(type="session.delete", session=session)
        heard = await phone.next("session.removed")
        phone.heard.clear()
        answer = await phone.ask(type="typing.set", session=session, active=True)
        assert [frame["type"] for frame in phone.heard] == ["refused"]
        return f"{heard['type']}, then refused {answer['status']} {answer['code']}"


def said_again(**changes: str) -> Attack:
    """The same id, but for these fields the same message."""

    async def attack(ground: Attacked) -> str:
        async with silent(ground.hub) as speaker:
            await speaker.hello()
            other = (await speaker.ask(type="session.create"))["result"]["id"]
            said = {"session": ground.mine.session, "message": str(uuid4()), "content": "Once."}
            await speaker.ask(type="message.send", **said)
            new = {name: other if value == "<another of mine>" else value for name, value in changes.items()}
            answer = await speaker.ask(type="message.send", **said | new)
            return f"refused {answer['status']} {answer['code']}" if "code" in answer else answer["type"]

    return attack


def kept(content: str) -> Attack:
    """Is it given back as it was said, as data that no browser takes for a page?"""

    async def attack(ground: Attacked) -> str:
        async with silent(ground.hub) as speaker:
            await speaker.hello()
            session = (await speaker.ask(type="session.create"))["result"]["id"]
            await speaker.ask(type="message.send", session=session, message=str(uuid4()), content=content)
        path = f"/api/sessions/{session}/messages"
        answer = await http(ground.hub, "GET", path, ground.hub.headers("mallory"))
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        return "kept, as data" if answer.json["messages"][0]["content"] == content else "changed"

    return attack


def titled(title: str) -> Attack:
    async def attack(ground: Attacked) -> str:
        async with silent(ground.hub) as speaker:
            await speaker.hello()
            return str((await speaker.ask(type="session.create", title=title))["result"]["title"])

    return attack


async def never_in_the_log(ground: Attacked) -> str:
    """Line breaks, escapes and a megabyte, wherever a text is taken. Reading the log fails if a line is not JSON."""
    before = len(ground.logged())
    headers = {"User-Agent": "\x1b[31mred", "X-Request-Id": "a" * 4_000, "Referer": "forged"}
    await http(ground.hub, "GET", "/%0d%0aforged", ground.hub.headers("mallory") | headers)
    async with silent(ground.hub) as speaker:
        await speaker.say(hello=None, token=ground.hub.token("mallory"))
        await speaker.next("snapshot")
        for command in ("session.create", "session.search"):
            await speaker.ask(type=command, **{"title" if "create" in command else "query": UNREADABLE})
        await speaker.ask(f'{{"type":{json.dumps(UNREADABLE)},"ref":1,{json.dumps(UNREADABLE)}:1}}')
        await speaker.ask(json.dumps(UNREADABLE * 500))
    return "nothing logged" if not any("forged" in repr(line) for line in ground.logged()[before:]) else "logged"


async def misses_take_as_long_as_hits(ground: Attacked) -> str:
    """Whether a stranger's id can be told from none by the time that the answer takes, over 200 of each."""
    times: dict[str, list[float]] = {"theirs": [], "none": []}
    for _ in range(200):
        for kind, named in (("theirs", ground.others.session), ("none", str(uuid4()))):
            began = time.perf_counter()
            await http(ground.hub, "GET", f"/api/sessions/{named}", ground.hub.headers("mallory"))
            times[kind].append(time.perf_counter() - began)
    middles = [sorted(each)[100] for each in times.values()]
    return "within noise" if abs(middles[0] - middles[1]) < 0.25 * max(middles) else f"told apart: {middles}"


CASES = (
    *(
        Case(7, f"{method} {path} of another", same_as_nothing(method, path, body), "HTTP 404 not_found, as nothing")
        for method, path, body in (
            ("GET", "/api/sessions/{session}", None),
            ("PATCH", "/api/sessions/{session}", {"title": "mine"}),
            ("DELETE", "/api/sessions/{session}", None),
            ("POST", "/api/sessions/{session}/messages", {"content": "mine"}),
            ("PUT", "/api/messages/{message}", {"content": "mine"}),
        )
    ),
    Case(7, "another's session, opened", says(type="session.open", session="<other session>"), "refused 404 not_found"),
    Case(7, "how long a miss takes", misses_take_as_long_as_hits, "within noise"),
    Case(8, "a session is deleted while it is open", deleted_while_open, "session.removed, then refused 404 not_found"),
    Case(17, "NUL in a message", sent("a\x00b"), "refused 422 invalid"),
    Case(17, "NUL in a title", says(type="session.create", title="a\x00b"), "refused 422 invalid"),
    Case(17, "half a pair", says('{"type":"session.create","ref":1,"title":"\\ud800"}'), "refused 422 invalid"),
    Case(17, "half a pair by REST", asks("POST", "/api/sessions", b'{"title":"\\ud800"}'), "HTTP 422 invalid"),
    Case(17, "NUL in what is searched", searched("q=a%00b"), "HTTP 422 invalid"),
    Case(18, "a letter with 9,999 marks", sent(MARKS), "refused 422 invalid"),
    Case(18, "a letter with 7,999 marks", sent(MARKS[:8_000]), "accepted"),
    Case(18, "a title that runs backwards", titled("\u202egpj.exe"), "gpj.exe"),
    Case(18, "a title that nobody sees", titled("\U000e0041\U000e0042hi"), "hi"),
    Case(19, "SQL in a message", kept(SQL), "kept, as data"),
    Case(19, "SQL in a title", titled(SQL), SQL),
    Case(19, "SQL in a cursor", asks("GET", "/api/sessions?before=%27%3BDROP"), "HTTP 422 invalid"),
    Case(19, "SQL in a limit", asks("GET", "/api/sessions?limit=1;DROP"), "HTTP 422 invalid"),
    Case(19, "SQL for an order", asks("GET", "/api/sessions?sort=id;DROP"), "HTTP 422 invalid"),
    Case(19, "SQL for an id", asks("GET", "/api/sessions/'%20OR%201=1--"), "HTTP 404 not_found"),
    *(
        Case(20, query, asks("GET", f"/api/{query}"), "HTTP 422 invalid")
        for query in (
            "sessions?limit=-1",
            "sessions?limit=1000000000",
            "changes?since=-1&epoch=x",
            f"changes?since={2**63}&epoch=x",
        )
    ),
    *(
        Case(21, what, sent(content, **more), "refused 422 invalid")
        for what, content, more in (
            ("an empty message", "", {}),
            ("8,001 letters", "a" * 8_001, {}),
            ("a number for a text", 7, {}),
            ("a role", "Hi.", {"role": "tutor"}),
            ("a number of the hub's", "Hi.", {"seq": 1}),
        )
    ),
    Case(21, "no such mode", says(type="session.create", mode="exam"), "refused 422 invalid"),
    Case(21, "a key too many by REST", asks("POST", "/api/sessions", {"userId": "ada"}), "HTTP 422 invalid"),
    Case(22, "an id with another text", said_again(content="Twice."), "refused 409 idempotency_conflict"),
    Case(22, "an id in another session", said_again(session="<another of mine>"), "refused 409 idempotency_conflict"),
    Case(22, "an id with the same text", said_again(), "accepted"),
    Case(23, "a script in a message", kept("<img src=x onerror=alert(1)><script>alert(1)</script>"), "kept, as data"),
    Case(36, "what forges lines, in every text", never_in_the_log, "nothing logged"),
    Case(39, "a pattern for an id", says(type="session.open", session="*"), "refused 422 invalid"),
    Case(39, "a line break in an id", says(type="session.open", session="a\r\nPUBLISH x y"), "refused 422 invalid"),
)
