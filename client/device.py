"""A device of a user, as asyncio code holds it: say something, wait for a state, see what comes.

    async with connect("http://127.0.0.1:8000", token, model.Device(id=fresh_device_id(), name="x")) as device:
        session = await device.create_session(title="Pho")
        await device.open(session.id)
        sent = await device.send(session.id, "How long must the bones simmer?")
        reply = await device.settled(sent.reply)

What the device knows is its `timeline`, kept up to date across lost connections. A method returns when the hub has
answered: what it did is committed. While there is no connection, commands wait in the outbox; only `retry`, which may
not be said twice, raises ConnectionLost. Everything raises GaveUp once the device will not connect again.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from client.connection import Dial, opened
from client.errors import ConnectionLost
from client.exchange import Exchange
from client.link import Link, TokenSource
from client.outbox import Outbox, Repeatable
from client.watchers import Condition, Happenings
from protocol import commands as say
from protocol import model
from protocol.answers import MessagePage, SearchPage, Sent, SessionPage
from protocol.commands import Ref
from protocol.events import Welcome
from protocol.ids import MessageId, SessionId, fresh_message_id, fresh_session_id
from protocol.model import Message, Metadata, Mode, Session
from protocol.timeline import Timeline

T = TypeVar("T")


class Device:
    """Made by `connect`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.timeline = exchange.timeline
        self.outbox = exchange.outbox

    @property
    def welcome(self) -> Welcome | None:
        """The hub's last one: its limits, its tutor."""
        return self._exchange.welcome

    @property
    def is_in_step(self) -> bool:
        """Connected, and shown is what the hub has."""
        return self._exchange.is_in_step

    # Sessions.

    async def create_session(
        self, *, title: str | None = None, mode: Mode = "fun", language: str = "en", session: SessionId | None = None
    ) -> Session:
        session = session or fresh_session_id()
        command = say.SessionCreate(ref=self._ref(), session=session, title=title, mode=mode, language=language)
        return await self._ask(command, Session)

    async def update_session(
        self, session: SessionId, *, title: str | None = None, mode: Mode | None = None, language: str | None = None
    ) -> Session:
        """Change what is given."""
        command = say.SessionUpdate(ref=self._ref(), session=session, title=title, mode=mode, language=language)
        return await self._ask(command, Session)

    async def delete_session(self, session: SessionId) -> None:
        await self._exchange.ask(say.SessionDelete(ref=self._ref(), session=session))

    async def restore_session(self, session: SessionId) -> Session:
        return await self._ask(say.SessionRestore(ref=self._ref(), session=session), Session)

    async def list(self, before: str | None = None, limit: int = say.DEFAULT_PAGE) -> SessionPage:
        """A page of sessions, the latest first. The one that continues the timeline's list is put into it."""
        return await self._ask(say.SessionList(ref=self._ref(), before=before, limit=limit), SessionPage)

    async def list_older(self) -> bool:
        """Have the timeline's list go further down. False: it is whole."""
        if (before := self._exchange.pages.older_sessions) is None:
            return False
        await self.list(before)
        return True

    async def search(self, query: str, before: str | None = None, limit: int = say.DEFAULT_PAGE) -> SearchPage:
        command = say.SessionSearch(ref=self._ref(), query=query, before=before, limit=limit)
        return await self._ask(command, SearchPage)

    async def open(self, session: SessionId, before: str | None = None, limit: int = say.DEFAULT_PAGE) -> MessagePage:
        """Have its last page, or the one before a cursor, and from now on its live text, in the timeline."""
        command = say.SessionOpen(ref=self._ref(), session=session, before=before, limit=limit)
        return await self._ask(command, MessagePage)

    async def open_older(self, session: SessionId) -> bool:
        """Have the page before the oldest message held. False: there is none."""
        if (before := self._exchange.pages.older_messages(session)) is None:
            return False
        await self.open(session, before)
        return True

    async def look(
        self,
        session: SessionId,
        *,
        before: str | None = None,
        after: str | None = None,
        around: MessageId | None = None,
        limit: int = say.DEFAULT_PAGE,
    ) -> MessagePage:
        """A page before or after a cursor, or around a message. The timeline stays as it is: there may be a gap."""
        command = say.MessageList(
            ref=self._ref(), session=session, before=before, after=after, around=around, limit=limit
        )
        return await self._ask(command, MessagePage)

    async def close(self, session: SessionId) -> None:
        """No more messages of this session."""
        self._exchange.pages.close(session)
        await self._exchange.ask(say.SessionClose(ref=self._ref(), session=session))

    async def mark_read(self, session: SessionId, seq: int) -> Session:
        return await self._ask(say.ReadMark(ref=self._ref(), session=session, seq=seq), Session)

    # Messages.

    async def send(
        self, session: SessionId, content: str, *, metadata: Metadata | None = None, message: MessageId | None = None
    ) -> Sent:
        """Returns the receipt once the message is committed. It goes out also if this is cancelled; a refused one
        stays in the outbox as failed. With the `message` id of an earlier call it is the same send again.
        """
        message = message or fresh_message_id()
        command = say.MessageSend(ref=self._ref(), session=session, message=message, content=content, metadata=metadata)
        return await self._ask(command, Sent)

    async def edit(self, message: MessageId, content: str) -> Message:
        return await self._ask(say.MessageEdit(ref=self._ref(), message=message, content=content), Message)

    async def delete(self, message: MessageId) -> None:
        await self._exchange.ask(say.MessageDelete(ref=self._ref(), message=message))

    async def stop(self, reply: MessageId) -> Message:
        """End an open reply; at least what this device has seen of it is saved, unless who wrote it was lost."""
        held = self.timeline.replies.get(reply)
        command = say.ReplyStop(ref=self._ref(), message=reply, seen=held.next if held else 0)
        return await self._ask(command, Message)

    async def retry(self, reply: MessageId) -> Message:
        """A new reply to the same message. Raises ConnectionLost if it is not known whether there is one now."""
        answer = await self._exchange.ask_once(say.ReplyRetry(ref=self._ref(), message=reply))
        return msgspec.json.decode(answer, type=Message)

    def typing(self, session: SessionId, *, active: bool) -> None:
        """To be said again every 3 s. Without a connection nobody hears it."""
        if self._exchange.is_in_step:
            self._exchange.say_once(say.TypingSet(ref=self._ref(), session=session, active=active))

    # What comes.

    async def settled(self, reply: MessageId) -> Message:
        """The reply, once it has come to its end. Its session must be opened."""
        await self.until(lambda timeline: _has_ended(timeline.messages.get(reply)))
        return self.timeline.messages[reply]

    def events(self) -> Happenings:
        """What comes from now on, each after it was applied, and how the connection does."""
        return self._exchange.watchers.events()

    async def until(self, condition: Condition) -> None:
        """Returns once the condition holds; it is looked at now and after each event."""
        await self._exchange.watchers.until(condition)

    async def in_step(self) -> None:
        """Returns once the device is connected and shows what the hub has."""
        await self.until(lambda _: self.is_in_step)

    def _ref(self) -> Ref:
        return self.outbox.fresh_ref()

    async def _ask(self, command: Repeatable, kind: type[T]) -> T:
        return msgspec.json.decode(await self._exchange.ask(command), type=kind)


def _has_ended(reply: Message | None) -> bool:
    return reply is not None and reply.status != "pending"


@asynccontextmanager
async def connect(
    url: str,
    token: TokenSource,
    who: model.Device,
    *,
    timeline: Timeline | None = None,
    outbox: Outbox | None = None,
    dial: Dial = opened,
) -> AsyncGenerator[Device]:
    """A device, connected while the block runs, and again after each loss. It need not be in step yet: see `in_step`.

    A timeline and an outbox of an earlier connection of the same user are taken up where they were left. `dial` makes
    each connection: another address after a loss, or one that is watched.
    """
    exchange = Exchange(who, timeline or Timeline(), outbox or Outbox())
    link = Link(url, token, exchange, dial)
    exchange.speak = link.say
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        running = group.create_task(_run(link, exchange), name=f"device {who.name}")
        try:
            yield Device(exchange)
        except Exception as error:  # raised again below: the group would wrap it
            failure = error
        finally:
            running.cancel()
            exchange.finish(ConnectionLost("The device was disconnected."))
    if failure is not None:
        raise failure


async def _run(link: Link, exchange: Exchange) -> None:
    exchange.outbox.lose()
    exchange.finish(await link.run())
