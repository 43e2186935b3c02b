"""A batch of what is spoiled, said to a real hub: frames on one socket, or requests. Its seed says all of it again.

Frames are said some at a time, and each must be answered, in order, before the next are said; so the one that was
not answered as it should be is known.
"""

import asyncio
import time
from contextlib import suppress
from urllib.parse import quote

import httpx2
from msgspec import structs
from websockets.exceptions import ConnectionClosed

from protocol.rest import ENDPOINTS, Endpoint
from tests.fuzz.mutator import Ids, Mutator
from tests.fuzz.verdict import Found, Said
from tests.hostile import ANSWERS, Answer, Speaker, _parsed, _to_the_end, silent
from tests.hub import Hub
from tests.owned import Owned

FRAMES = 320
AT_A_TIME = 32
"""Fewer than a hub keeps for later, see WAITING_COMMANDS."""
REQUESTS = 40
RAW = 0.4
"""So many requests are spoiled byte by byte; the others are whole ones, about nonsense."""
HELLOS_SPOILED = 0.2
USERS = 12
"""As many as there are batches at a time: one user's changes wait for each other."""
A_USER_FOR = 600
"""Batches, so that nobody's list becomes long."""
SHOWN = 400
LEAVING = {"eraseMe", "signOut"}


class Batch:
    """Number `number` of a seed, on `hub`, where `other` is somebody's. Longer than `limit` nothing may take."""

    def __init__(self, hub: Hub, other: Owned, seed: int, number: int, limit: float) -> None:
        self.said = Said()
        self._hub = hub
        self._seed = f"{seed}:{number}"
        self._user = f"fuzz {seed} {number % USERS}.{number // A_USER_FOR}"
        self._other = other
        self._limit = limit
        self._number = number
        self._last: object = None

    async def run(self) -> Said:
        """Every tenth batch is one of requests. Raises Found, which says what was said."""
        try:
            await (self._requests() if self._number % 10 == 9 else self._socket())
        except Exception as error:
            last = repr(self._last)
            shown = last if len(last) <= SHOWN else f"{last[:SHOWN]} … ({len(last)} characters)"
            raise Found(f"batch {self._seed}: {error!r} after {shown}") from error
        return self.said

    # Frames.

    async def _socket(self) -> None:
        self.said.sockets += 1
        async with silent(self._hub, self._user) as speaker:
            mutator = Mutator(self._seed, Ids((self._other.session,), (self._other.message,)))
            if mutator.random.random() < HELLOS_SPOILED:
                await self._say(speaker, [mutator.hello(self._hub.token(self._user))])
            else:
                await speaker.hello()
                mutator = Mutator(self._seed, await self._things(speaker))
            for _ in range(0, FRAMES, AT_A_TIME):
                if not await self._say(speaker, [mutator.frame() for _ in range(AT_A_TIME)]):
                    break
            speaker.socket.transport.abort()  # a goodbye would take half a second of waiting for it

    async def _things(self, speaker: Speaker) -> Ids:
        """Something to talk about: ids that are there, of one's own and of another's."""
        made = Mutator(self._seed, Ids((), ()))
        session, message = made.id("session"), made.id("message")
        await speaker.ask(type="session.create", session=session)
        sent = await speaker.ask(type="message.send", session=session, message=message, content="What is a prime?")
        reply = sent["result"]["reply"] if sent["type"] == "accepted" else message
        return Ids((session, session, self._other.session), (message, reply, self._other.message))

    async def _say(self, speaker: Speaker, frames: list[str | bytes]) -> bool:
        """Say them and hear the answers. False: the hub has closed, as it may."""
        with suppress(ConnectionClosed):
            for each in frames:
                data = each if isinstance(each, bytes) else each.encode("utf-8", "surrogatepass")
                await speaker.socket.send(data, text=True)
        for self._last in frames:
            self.said.frames += 1
            if not await self._hear(speaker):
                return False
        speaker.heard.clear()
        return True

    async def _hear(self, speaker: Speaker) -> bool:
        began = time.monotonic()
        answer = await speaker.next(*ANSWERS, "welcome")
        self.said.waited(time.monotonic() - began, self._limit)
        if answer["type"] == "closed":
            self.said.close(answer["code"])
        elif answer["type"] != "welcome":
            self.said.frame(answer, self._limit)
        return answer["type"] != "closed"

    # Requests.

    async def _requests(self) -> None:
        mutator = Mutator(self._seed, Ids((self._other.session,), (self._other.message,)))
        headers = self._hub.headers(self._user)
        async with httpx2.AsyncClient(base_url=self._hub.url, headers=headers, timeout=8) as client:
            for _ in range(REQUESTS):
                self.said.requests += 1
                request = self._request(client, mutator)
                began = time.monotonic()
                if mutator.random.random() < RAW:
                    await self._raw(mutator, request)
                else:
                    self._last = (request.method, request.url, request.content)
                    answer = await client.send(request)
                    whole = Answer(answer.status_code, dict(answer.headers), answer.content)
                    self.said.answer(whole, head=request.method == "HEAD", limit=self._limit)
                self.said.waited(time.monotonic() - began, self._limit)

    def _request(self, client: httpx2.AsyncClient, mutator: Mutator) -> httpx2.Request:
        endpoint = mutator.random.choice(ENDPOINTS)
        named = mutator.id("message" if "messages/{id}" in endpoint.path else "session")
        path = endpoint.path.replace("{id}", quote(named if mutator.random.random() < 0.8 else mutator.word(), safe=""))
        return client.build_request(
            endpoint.method if mutator.random.random() < 0.95 else mutator.random.choice(("HEAD", "TRACE", "PUT")),
            path + _query(endpoint, mutator),
            headers=_headers(endpoint, mutator) | self._leaver(endpoint),
            content=mutator.body(endpoint.body),
        )

    def _leaver(self, endpoint: Endpoint) -> dict[str, str]:
        """What ends its user's visit is asked for by somebody who has nothing else to say."""
        return self._hub.headers(f"leaver {self._seed} {self.said.requests}") if endpoint.name in LEAVING else {}

    async def _raw(self, mutator: Mutator, request: httpx2.Request) -> None:
        """On a connection of its own, with bytes turned over; what is no request any more may be left unanswered."""
        lines = [f"{request.method} {request.url.raw_path.decode()} HTTP/1.1".encode()]
        lines += [b"%s: %s" % header for header in request.headers.raw]
        data = mutator.bytes_of((b"\r\n".join(lines) + b"\r\n\r\n").decode("latin-1")) + request.content
        self._last = data
        async with asyncio.timeout(8):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._hub.port)
            writer.write(data)
            with suppress(OSError):
                writer.write_eof()
            received = await _to_the_end(reader)
            writer.transport.abort()
        if received:
            self.said.answer(_first(received), head=data.startswith(b"HEAD"), limit=self._limit)


def _first(received: bytes) -> Answer:
    """What is spoiled may have become two requests, and is answered twice then."""
    whole = _parsed(received)
    return structs.replace(whole, body=whole.body[: int(whole.headers.get("content-length", 0))])


def _query(endpoint: Endpoint, mutator: Mutator) -> str:
    if endpoint.query is None and mutator.random.random() < 0.9:
        return ""
    names = [*(endpoint.query.__struct_encode_fields__ if endpoint.query else ()), "bogus"]
    chosen = [name for name in names if mutator.random.random() < 0.5]
    return "?" + "&".join(f"{name}={quote(mutator.word())}" for name in chosen)


def _headers(endpoint: Endpoint, mutator: Mutator) -> dict[str, str]:
    found = {"content-type": "application/json"} if mutator.random.random() < 0.95 else {"content-type": "text/plain"}
    for name, taken in (("idempotency-key", endpoint.keyed), ("if-match", endpoint.guarded)):
        if taken and mutator.random.random() < 0.5:
            word = mutator.random.choice((mutator.id("session"), mutator.word(), '"1"', "*"))
            found[name] = "".join(letter for letter in word if letter.isprintable() and letter.isascii()).strip()
    return found
