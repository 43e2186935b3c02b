"""Keeps a device connected: tokens, waiting, and when to give up. Reads only what is about the connection itself.

After a loss it comes back with full jitter, so that devices do not all come at once; a hub that leaves says
when to come; the close code says whether to come back at all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import uniform
from typing import Protocol

from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException

from client.connection import ABNORMAL, Closed, Connection, Dial, opened
from client.errors import GaveUp, problem_of
from protocol.commands import AuthRefresh, Command, Hello
from protocol.errors import CloseCode, Problem, comes_back
from protocol.events import Draining, Event, Refused, TokenExpiring

TokenSource = str | Callable[[], Awaitable[str]]
"""A token, or what gives a fresh one. An OSError of it is tried again, anything else is given up."""

LONGEST_WAIT = 30.0
FIRST_WAIT = 0.5
RENEWED_AFTER = (0.2, 0.6)
"""The part of a token's last time that may pass: not all devices ask at once, and short-lived tokens do not spin."""
LATER = (1.0, 1.5)
"""So many times as long as it was told, so that not all devices come back at once."""
STABLE_AFTER = 10.0
"""Seconds after which a connection counts as a good one."""
SERVER_FAULT = 500
WORTH_A_RETRY = frozenset({408, 425, 429})
"""The statuses below 500 with which the next attempt may do better."""


class Backoff:
    """How long to wait before the next attempt: random(0, min(30 s, 0.5 s · 2ⁿ)). No clock."""

    def __init__(self) -> None:
        self._attempts = 0

    def wait(self) -> float:
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._attempts, 10))
        self._attempts += 1
        return uniform(0, longest)

    def reset(self) -> None:
        self._attempts = 0


class Tokens:
    """The token that is held, and where the next comes from."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._held = source if isinstance(source, str) else None
        self.new = False
        """It was asked for since `spend`, or for the first time: another would not do better."""

    async def token(self) -> str:
        """The held one, or a fresh one if none is held."""
        return self._held or await self.fresh()

    async def fresh(self) -> str:
        if isinstance(self._source, str):
            return self._source
        self._held = await self._source()
        self.new = True
        return self._held

    def spend(self) -> bool:
        """The held token is of no more use. True: the next one is a fresh one."""
        if isinstance(self._source, str):
            return False
        self._held = None
        return True


class Owner(Protocol):
    """The device, as its link sees it."""

    def hello(self, token: str) -> Hello: ...
    def renewal(self, token: str) -> AuthRefresh: ...
    def hear(self, event: Event) -> bool: ...
    def away(self, closed: Closed, back_in: float) -> None: ...


class Link:
    """`run` connects, and connects again, until it gives up."""

    def __init__(self, url: str, source: TokenSource, owner: Owner, dial: Dial = opened) -> None:
        self._url = url
        self._dial = dial
        self._tokens = Tokens(source)
        self._owner = owner
        self._backoff = Backoff()
        self._connection: Connection | None = None
        self._problem: Problem | None = None
        self._back_at: float | None = None
        """When the hub has said to come back, by the loop's clock."""
        self._renewals: asyncio.Queue[float] = asyncio.Queue()

    def say(self, command: Command) -> None:
        """Only while there is a connection; what is said without one is lost."""
        if self._connection is not None:
            self._connection.say(command)

    async def run(self) -> GaveUp:
        """Until it gives up; cancel it to leave."""
        async with asyncio.TaskGroup() as group:
            renewing = group.create_task(self._renew_tokens())
            gave_up = await self._stay_connected()
            renewing.cancel()
        return gave_up

    async def _stay_connected(self) -> GaveUp:
        while True:
            try:
                closed = await self._connect_once()
                seconds = self._wait_after(closed)
            except GaveUp as error:
                return error
            self._owner.away(closed, seconds)
            await asyncio.sleep(seconds)

    async def _connect_once(self) -> Closed:
        """One attempt and, if it succeeds, one connection. Raises GaveUp."""
        try:
            token = await self._token()
            async with self._dial(self._url) as connection:
                return await self._talk(connection, token)
        except InvalidStatus as error:
            closed = _refused_by_http(error)
            if (seconds := _retry_after(error)) is not None:
                self._back_at = asyncio.get_running_loop().time() + seconds + self._backoff.wait()
            return closed
        except InvalidURI as error:
            raise GaveUp(0, str(error)) from error
        except (OSError, WebSocketException) as error:
            return Closed(ABNORMAL, str(error) or type(error).__name__)

    async def _token(self) -> str:
        try:
            return await self._tokens.token()
        except OSError:
            raise
        except Exception as error:
            raise GaveUp(CloseCode.UNAUTHENTICATED, f"there is no token: {error}") from error

    async def _talk(self, connection: Connection, token: str) -> Closed:
        loop = asyncio.get_running_loop()
        since = loop.time()
        self._problem = self._back_at = None
        connection.say(self._owner.hello(token))
        self._connection = connection
        try:
            return await connection.run(self._hear)
        finally:
            self._connection = None
            if loop.time() - since >= STABLE_AFTER:
                self._backoff.reset()

    def _hear(self, event: Event) -> bool:
        match event:
            case Draining():
                self._back_at = asyncio.get_running_loop().time() + event.reconnect_in_ms / 1_000
            case TokenExpiring():
                self._renewals.put_nowait(event.in_ms / 1_000)
            case Refused():
                self._problem = problem_of(event)
            case _:
                pass
        return self._owner.hear(event)

    def _wait_after(self, closed: Closed) -> float:
        """Seconds until the next attempt. Raises GaveUp. We did say hello: if it came too late, the next may not."""
        if closed.code == CloseCode.TOKEN_EXPIRED:
            self._tokens.spend()
        elif closed.code != CloseCode.NO_HELLO and not comes_back(closed.code):
            held_for_long = closed.code == CloseCode.UNAUTHENTICATED and not self._tokens.new
            if not (held_for_long and self._tokens.spend()):
                raise GaveUp(closed.code, closed.reason, self._problem)
        self._tokens.new = False
        if self._back_at is None:
            return max(self._backoff.wait(), self._forbidden_for(closed))
        seconds, self._back_at = self._back_at - asyncio.get_running_loop().time(), None
        return max(0.0, seconds)

    def _forbidden_for(self, closed: Closed) -> float:
        """Who has asked too much comes back no earlier than it was told to."""
        if closed.code != CloseCode.RATE_LIMITED or self._problem is None:
            return 0.0
        return (self._problem.retry_after_ms or 0) / 1_000 * uniform(*LATER)

    async def _renew_tokens(self) -> None:
        """Some time before the token expires. If that fails, the hub closes, and the next hello has another."""
        while True:
            left = await self._renewals.get()
            await asyncio.sleep(left * uniform(*RENEWED_AFTER))
            with suppress(Exception):
                self.say(self._owner.renewal(await self._tokens.fresh()))


def _refused_by_http(error: InvalidStatus) -> Closed:
    """Refused before there was a websocket. Raises GaveUp if coming back is of no use."""
    status = error.response.status_code
    if status < SERVER_FAULT and status not in WORTH_A_RETRY:
        raise GaveUp(status, str(error)) from error
    return Closed(ABNORMAL, str(error))


def _retry_after(error: InvalidStatus) -> float | None:
    """How long the hub asks to stay away: whole seconds, as it says them. None: it does not say."""
    said = error.response.headers.get("Retry-After", "")
    return min(float(said), LONGEST_WAIT) if said.isascii() and said.isdigit() else None
