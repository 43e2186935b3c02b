"""One connection to a Redis server: commands out; replies, in the order of asking, and pushes in.

The only module that knows redis-py and hiredis. redis-py reads the URL; the conversation is ours, because its
PubSub subscribes again in silence and does not notice a server that has gone quiet. It is RESP3; sharded pub/sub
needs Redis 7.

To wait for a reply may be cancelled: the wire goes on counting, so that nobody is given another's.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from ssl import SSLContext
from typing import Any, cast

import hiredis
from msgspec import Struct
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection, parse_url
from redis.crc import key_slot
from redis.exceptions import RedisError

from server.errors import StartupError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

CONNECT_WITHIN = 1.0
"""Seconds for the connection and for the greetings together."""

Push = list[Any]
Word = str | int | bytes
slot = key_slot
_pack_command: Callable[[tuple[Word, ...]], bytes] = cast("Any", hiredis.pack_command)
"""Its stub says that a command has one word."""
_NOTHING = object()


class WireError(Exception):
    """The connection is of no use any more; the message says why, without any secret."""


class ReplyError(Exception):
    """The server does not do what it was asked. As an item of an answer; the first word is its kind."""

    @property
    def kind(self) -> str:
        return str(self).partition(" ")[0]


class Address(Struct, frozen=True):
    """Where a server is, and how to be let in. `path` is given for a socket of this machine."""

    host: str
    port: int
    path: str | None
    database: int
    account: tuple[str, str] | None
    tls: SSLContext | None


class _Question(Struct):
    """`missing` replies have not come yet."""

    missing: int
    replies: list[Any]
    answer: "asyncio.Future[list[Any]]"


def address(url: str) -> Address:
    """What redis-py makes of a URL: redis://, rediss:// or unix://. Raises StartupError, which shows nothing secret."""
    try:
        fields: dict[str, Any] = dict(parse_url(url))
        found = fields.pop("connection_class", Connection)(**fields)
        tls = cast("SSLContext", found.ssl_context.get()) if isinstance(found, SSLConnection) else None
        path = found.path if isinstance(found, UnixDomainSocketConnection) else None
        account = (found.username or "default", found.password) if found.password else None
        return Address(getattr(found, "host", ""), int(getattr(found, "port", 0)), path, int(found.db), account, tls)
    except (ValueError, TypeError, OSError, RedisError) as error:
        raise StartupError(f"TUTORHUB_REDIS_URL: cannot be used ({_why(error)}).") from None


def _why(error: Exception) -> str:
    """An error that quotes what it was given is not repeated: it may hold the password."""
    if isinstance(error, ValueError) and "schemes" in str(error):
        return "it begins with none of redis://, rediss:// and unix://"
    if isinstance(error, OSError):
        return "a file that it names cannot be read"
    return "redis-py cannot read it"


def packed(*words: Word) -> bytes:
    """A command as it goes over the wire."""
    return _pack_command(words)


class Beginning:
    """A command but for its last word: for one that is said again and again, which costs a third of packing it."""

    def __init__(self, *words: Word) -> None:
        self._packed = packed(*words, b"").removesuffix(b"$0\r\n\r\n")

    def followed_by(self, word: bytes) -> bytes:
        """As it goes over the wire."""
        return b"%b$%d\r\n%b\r\n" % (self._packed, len(word), word)


class Wire(asyncio.Protocol):
    """`heard_at`: when anything came in, by the loop's clock. `hear` is given each push, and may raise WireError."""

    def __init__(self, hear: Callable[[Push], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        self.heard_at = self._loop.time()
        self.greeting: dict[bytes, Any] = {}
        self._hear = hear
        self._reason = ""
        self._questions: deque[_Question] = deque()
        self._reader = hiredis.Reader(replyError=ReplyError, notEnoughData=_NOTHING)
        self._transport: asyncio.Transport | None = None

    def tell(self, commands: bytes) -> None:
        """Say what is answered by pushes, or not at all."""
        if self._transport is not None and not self.ended.is_set():
            self._transport.write(commands)

    async def ask(self, commands: bytes, replies: int = 1) -> list[Any]:
        """As many replies; a refused command's is a ReplyError. Raises WireError."""
        if self.ended.is_set() or self._transport is None:
            raise WireError(self._reason)
        question = _Question(replies, [], self._loop.create_future())
        self._questions.append(question)
        self._transport.write(commands)
        return await question.answer

    async def lost(self) -> None:
        """Wait for the end, and raise it as WireError."""
        await self.ended.wait()
        raise WireError(self._reason)

    def end(self, reason: str) -> None:
        """Be gone at once: what was not sent yet never is."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    async def greet(self, where: Address) -> None:
        account = ("AUTH", *where.account) if where.account else ()
        [greeting] = await self.ask(packed("HELLO", 3, *account))
        if where.database and not isinstance(greeting, ReplyError):
            [chosen] = await self.ask(packed("SELECT", where.database))
            greeting = chosen if isinstance(chosen, ReplyError) else greeting
        if isinstance(greeting, ReplyError):
            raise WireError(str(greeting))
        self.greeting = greeting

    # What asyncio calls.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, and does not say so

    @override
    def data_received(self, data: bytes) -> None:
        self.heard_at = self._loop.time()
        self._reader.feed(data)
        next_one = self._reader.gets
        try:
            while (said := next_one()) is not _NOTHING:
                if type(said) is hiredis.PushNotification:
                    self._hear(said)
                else:
                    self._answered(said)
        except (WireError, hiredis.HiredisError) as error:
            self.end(str(error))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._reason = self._reason or (type(exc).__name__ if exc else "the server closed the connection")
        self.ended.set()
        for question in self._questions:
            if not question.answer.done():
                question.answer.set_exception(WireError(self._reason))
        self._questions.clear()

    def _answered(self, reply: object) -> None:
        if not self._questions:
            raise WireError(f"not asked for: {reply}" if isinstance(reply, ReplyError) else "a reply to nothing")
        question = self._questions[0]
        question.replies.append(reply)
        question.missing -= 1
        if not question.missing:
            self._questions.popleft()
            if not question.answer.done():
                question.answer.set_result(question.replies)


async def connect(where: Address, hear: Callable[[Push], None]) -> Wire:
    """A wire that was let in. Raises WireError or OSError (TimeoutError is one)."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_WITHIN):
        if where.path is not None:
            _, wire = await loop.create_unix_connection(lambda: Wire(hear), where.path)
        else:
            _, wire = await loop.create_connection(lambda: Wire(hear), where.host, where.port, ssl=where.tls)
        with ExitStack() as undo:
            undo.callback(wire.end, "no greeting")
            await wire.greet(where)
            undo.pop_all()
        return wire
