"""A device for tests: one websocket that does only what it is told, and the reference reader behind it.

The Python client reconnects and sends again by itself; here the test decides when a socket breaks and what is said.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeVar
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from protocol.answers import MessagePage, Sent, SessionPage
from protocol.codec import decode_event, encode
from protocol.commands import (
    Command,
    Hello,
    MessageSend,
    SessionCreate,
    SessionList,
    SessionOpen,
)
from protocol.errors import Reason
from protocol.events import Accepted, Changes, Event, Pong, Refused, Snapshot, Welcome
from protocol.ids import MessageId, SessionId, fresh_message_id
from protocol.model import Cursor, Message, Session
from protocol.model import Device as Named
from protocol.timeline import Outcome, Timeline
from tests.canaries import CANARY, noted
from tests.hub import Hub

T = TypeVar("T")
PATIENCE = 15.0


class RefusedError(Exception):
    """A command was refused; `reason` says why, `refused` is the whole answer."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.code}: {refused.detail}")
        self.refused = refused
        self.reason: Reason = refused.code


class Device:
    """`timeline` is what it shows, `events` all that it was told on all its sockets, `closed` the last close code."""

    def __init__(self, hub: Hub, user: str, name: str = "device") -> None:
        self.hub = hub
        self.user = user
        self.named = Named(id=f"{name}-{uuid4().hex[:8]}", name=f"{name} {CANARY}")
        self.timeline = Timeline()
        self.events: list[Event] = []
        self.welcome: Welcome | None = None
        self.closed: int | None = None
        self.gaps = 0
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ref = 0
        self._asked: dict[int, Command] = {}
        self._answers: dict[int, Accepted | Refused | Pong] = {}
        self._changed = asyncio.Condition()
        self._group = asyncio.TaskGroup()

    # The socket.

    async def connect(self, *, fresh: bool = False, token: str | None = None) -> None:
        """Hello, with the cursor if there is one, and everything until the hub has caught us up."""
        self._socket = await connect(
            self.hub.socket_url,
            compression=None,
            max_size=2**26,
            subprotocols=[Subprotocol("tutorhub.v1")],
            open_timeout=PATIENCE,
        )
        self.closed, self.welcome = None, None
        self._asked.clear()
        self._reading = self._group.create_task(self._read(self._socket))
        since = None
        if self.timeline.epoch is not None and not fresh:
            since = Cursor(epoch=self.timeline.epoch, seq=self.timeline.seq)
        before = len(self.events)
        await self.say(
            Hello(ref=self._next(), token=token or self.hub.token(self.user), device=self.named, since=since)
        )
        await self.until(lambda: self.closed is not None or any(_caught_up(event) for event in self.events[before:]))
        for session in list(self.timeline.opened):
            with suppress(RefusedError):  # it was deleted meanwhile
                await self.open(session, limit=1)

    async def drop(self) -> None:
        """The network breaks: no goodbye is said, and what is on its way is lost."""
        if self._socket is not None and self._reading is not None:
            self._socket.transport.abort()
            await asyncio.wait([self._reading])

    async def leave(self) -> None:
        if self._socket is not None and self._reading is not None:
            await self._socket.close()
            await asyncio.wait([self._reading])

    async def stall(self) -> None:
        """Read nothing more, for the time being."""
        assert self._socket is not None
        self._socket.transport.pause_reading()

    async def go_on(self) -> None:
        """Read again."""
        assert self._socket is not None
        self._socket.transport.resume_reading()

    # Saying and hearing.

    async def say(self, command: Command) -> None:
        assert self._socket is not None
        self._asked[command.ref] = command
        for field in ("content", "title", "query"):
            noted(getattr(command, field, None))
        if isinstance(command, SessionOpen):
            self.timeline.open(command.session)
        await self._socket.send(encode(command).decode())

    async def say_raw(self, text: str | bytes) -> None:
        assert self._socket is not None
        await self._socket.send(text)

    async def ask(self, kind: Callable[..., Command], answer: type[T], **fields: Any) -> T:
        """Say a command and return its answer. Raises RefusedError."""
        ref = self._next()
        await self.say(kind(ref=ref, **fields))
        return await self.answer(ref, answer)

    async def answer(self, ref: int, kind: type[T]) -> T:
        await self.until(lambda: ref in self._answers or self.closed is not None)
        found = self._answers[ref]
        if isinstance(found, Refused):
            raise RefusedError(found)
        assert isinstance(found, Accepted)
        return msgspec.json.decode(found.result, type=kind)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until what was heard makes it true."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def until_event(self, kind: type[T], condition: Callable[[T], object] = lambda _: True) -> T:
        """The first event of a kind, from the beginning, that fulfils the condition."""

        def found() -> list[T]:
            return [event for event in self.events if isinstance(event, kind) and condition(event)]

        await self.until(found)
        return found()[0]

    # Short forms.

    async def create(self, **fields: Any) -> SessionId:
        return (await self.ask(SessionCreate, Session, **fields)).id

    async def open(self, session: SessionId, **fields: Any) -> MessagePage:
        return await self.ask(SessionOpen, MessagePage, session=session, **fields)

    async def send(self, session: SessionId, content: str, message: MessageId | None = None, **fields: Any) -> Sent:
        return await self.ask(
            MessageSend, Sent, session=session, message=message or fresh_message_id(), content=content, **fields
        )

    async def begin(self, content: str) -> tuple[SessionId, Sent]:
        """A new session, opened, and what was said first in it."""
        session = await self.create()
        await self.open(session)
        return session, await self.send(session, content)

    async def hears_of(self) -> SessionId:
        """The session that was begun elsewhere, once this device knows of it."""
        await self.until(lambda: self.timeline.sessions)
        return next(iter(self.timeline.sessions))

    async def settled(self, reply: MessageId) -> Message:
        """The reply, once it has ended."""
        await self.until(
            lambda: self.timeline.messages[reply].status != "pending" if reply in self.timeline.messages else False
        )
        return self.timeline.messages[reply]

    def text(self, message: MessageId) -> str:
        """What is shown of a message."""
        return self.timeline.text_of(self.timeline.messages[message]) if message in self.timeline.messages else ""

    def _next(self) -> int:
        self._ref += 1
        return self._ref

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                event = decode_event(text)
                assert event is not None
                async with self._changed:
                    self._hear(event)
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        async with self._changed:
            self.closed = socket.close_code
            self._changed.notify_all()

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self.gaps += self.timeline.apply(event) is Outcome.GAP
        if isinstance(event, Welcome):
            self.welcome = event
        if isinstance(event, Accepted | Refused | Pong) and event.ref is not None:
            self._answers[event.ref] = event
        if isinstance(event, Accepted | Refused) and event.ref in self._asked:
            self._apply_page(self._asked[event.ref], event)

    def _apply_page(self, asked: Command, accepted: Accepted | Refused) -> None:
        if isinstance(accepted, Refused):
            if isinstance(asked, SessionOpen):
                self.timeline.open_refused(asked.session)
        elif isinstance(asked, SessionOpen):
            self.timeline.apply_message_page(msgspec.json.decode(accepted.result, type=MessagePage))
        elif isinstance(asked, SessionList) and asked.before is not None:
            self.timeline.apply_session_page(msgspec.json.decode(accepted.result, type=SessionPage))

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:  # noqa: PYI036  # handed on as they are
        await self.drop()
        await self._group.__aexit__(*error)


@asynccontextmanager
async def device(hub: Hub, user: str = "ada", name: str = "device") -> AsyncGenerator[Device]:
    """A connected device."""
    async with Device(hub, user, name) as made:
        await made.connect()
        yield made


def _caught_up(event: Event) -> bool:
    return isinstance(event, Snapshot) or (isinstance(event, Changes) and not event.more)
