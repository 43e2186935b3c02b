"""One device: catches up, opens its session, says what it is given, and reads what it is told.

It keeps to the contract as `client/` does: one `hello` with the cursor where it stands, sends said again under their
ids until they are answered.
"""

import asyncio
from collections.abc import Callable
from random import Random
from time import monotonic
from typing import TypeVar

import msgspec
from msgspec import Struct, structs

from loadtest.run.book import Asked, Book
from loadtest.run.link import Link
from loadtest.run.reading import Reading
from loadtest.run.timings import Timing
from loadtest.run.wire import Address
from protocol import model
from protocol.answers import MessagePage, Sent
from protocol.codec import Undecodable, decode_event, encode
from protocol.commands import Command, Hello, MessageSend, SessionCreate, SessionOpen
from protocol.events import (
    Accepted,
    Changes,
    Degraded,
    Draining,
    Event,
    Pong,
    Refused,
    ReplySnapshot,
    Snapshot,
    TokenAdded,
    TokenExpiring,
    TypingChanged,
    Welcome,
)
from protocol.ids import MessageId, SessionId
from protocol.model import Cursor, Message

AGAIN_AFTER = 1.0
"""Seconds after which what was refused for now is said again, if the hub does not say when."""
ANSWER_WITHIN = 30.0
PAGE = 100

T = TypeVar("T", bound=Struct)
Answer = Accepted | Refused
Hear = Callable[[Answer, float], None]


class Device:
    """`session`: what it opens in each connection, once there is one; who `creates` it makes it first. `comes_at`: when
    it is meant to come, by the monotonic clock. Of one that `joins` late it is timed how soon it has the text so far.
    """

    def __init__(
        self,
        name: str,
        token: str,
        where: list[Address],
        book: Book,
        *,
        session: SessionId,
        creates: bool,
        comes_at: float,
        joins: bool = False,
        narrow: bool = False,
    ) -> None:
        self.name = name
        self.reading = Reading(book, name)
        self.link = Link(
            where,
            Random(f"{book.user} {name}"),
            book.tally,
            comes_at=comes_at,
            narrow=narrow,
            begin=self._begin,
            hear=self._hear,
        )
        self.has_opened = asyncio.Event()
        self._token = token
        self._book = book
        self._session = session
        self._creates = creates
        self._joins = joins
        self._epoch = ""
        self._resumes = False
        self._has_asked = False
        """To open its session, in this connection."""
        self._ref = 0
        self._answers: dict[int, Hear] = {}
        self._unanswered: dict[MessageId, Asked] = {}

    @property
    def is_in_step(self) -> bool:
        return self.link.welcome.is_set()

    def send(self, asked: Asked) -> None:
        """Now, or once its session is opened; again after each loss, until it is answered."""
        self._book.asked[asked.message] = asked
        self._unanswered[asked.message] = asked
        if self.is_in_step and self.has_opened.is_set():
            self._say_message(asked)

    def open(self) -> None:
        """The session may be there now. Once in each connection."""
        if self._book.has_session.is_set() and self.is_in_step and not self._has_asked:
            self._has_asked = True
            self._ask(SessionOpen(ref=0, session=self._session), self._opened)

    async def pages(self) -> list[Message] | None:
        """The whole session, as the hub has it now; None: it did not say."""
        rows: dict[int, Message] = {}
        before: str | None = None
        while True:
            asked = SessionOpen(ref=0, session=self._session, before=before, limit=PAGE)
            page = await self._answer_to(asked, MessagePage)
            if page is None:
                return None
            rows.update({row.position: row for row in page.messages})
            if (before := page.before) is None:
                return [rows[place] for place in sorted(rows)]

    # What it hears.

    def _begin(self) -> None:
        """A connection is there."""
        self.reading.begin()
        self._answers.clear()
        self.has_opened.clear()
        self._has_asked = False
        since = Cursor(epoch=self._epoch, seq=self.reading.seq) if self._epoch else None
        who = model.Device(id=self.name, name=self.name)
        self._ask(Hello(ref=0, device=who, token=self._token, since=since), self._answered)

    def _hear(self, data: bytes, at: float) -> None:
        self._book.tally.counts["frames"] += 1
        try:
            event = decode_event(data)
        except Undecodable as error:
            self._book.broken("unequal", f"{self.name} was told what is no event: {error}")
            return
        if event is not None:
            self._take(event, at)

    def _take(self, event: Event, at: float) -> None:
        match event:
            case TokenAdded():
                self.reading.token(event, at)
            case ReplySnapshot():
                self.reading.snapshot(event, at)
            case Accepted() | Refused():
                self._hear_answer(event, at)
            case Welcome() | Snapshot() | Changes():
                self._catch_up(event, at)
            case Draining():
                self.link.stay_away(event.reconnect_in_ms / 1_000)
            case TypingChanged() | Degraded() | TokenExpiring() | Pong():
                pass
            case _:
                self.reading.durable(event, at)

    def _hear_answer(self, answer: Answer, at: float) -> None:
        if answer.ref is not None and (hear := self._answers.pop(answer.ref, None)) is not None:
            hear(answer, at)

    def _catch_up(self, event: Welcome | Snapshot | Changes, at: float) -> None:
        """Welcome comes first; then a snapshot, or changes, which come again whenever the device has fallen behind."""
        match event:
            case Welcome():
                self._answers.pop(event.ref, None)
                self._resumes, self._epoch = self._epoch == event.epoch, event.epoch
                return
            case Snapshot():
                self._book.tally.counts["snapshots"] += 1
                self.reading.caught_up(event.seq, [])
            case Changes():
                self.reading.changes(event)
        if not self.is_in_step and not (isinstance(event, Changes) and event.more):
            self._is_in_step(at)

    def _is_in_step(self, at: float) -> None:
        link = self.link
        if self._resumes:
            self._book.tally.timings.took(Timing.RESUME, at - link.comes_at, at - link.began)
        else:
            self._book.tally.timings.took(Timing.HELLO, at - link.connected)
        link.welcome.set()
        if self._creates:
            self._ask(SessionCreate(ref=0, session=self._session), self._created)
        else:
            self.open()

    def _created(self, answer: Answer, at: float) -> None:
        if isinstance(answer, Accepted):
            self._creates = False
            self._book.has_session.set()
            self.open()
        else:
            self._again(answer, lambda: self._ask(SessionCreate(ref=0, session=self._session), self._created))

    def _opened(self, answer: Answer, at: float) -> None:
        if isinstance(answer, Refused):
            self._has_asked = False
            self._again(answer, self.open)
            return
        page = msgspec.json.decode(answer.result, type=MessagePage)
        self.reading.page(page, at)
        if self._joins and page.replies:
            self._joins = False
            self._book.tally.timings.took(Timing.JOIN, at - self.link.comes_at, at - self.link.began)
        self.has_opened.set()
        for asked in self._unanswered.values():
            self._say_message(asked)

    # What it says.

    def _say_message(self, asked: Asked) -> None:
        asked.said = asked.said or monotonic()
        command = MessageSend(ref=0, session=self._session, message=asked.message, content=asked.content)
        self._ask(command, lambda answer, at: self._answered_send(asked, answer, at))

    def _answered_send(self, asked: Asked, answer: Answer, at: float) -> None:
        if isinstance(answer, Refused) and answer.retryable:
            self._again(answer, lambda: self._say_message(asked))
            return
        self._unanswered.pop(asked.message, None)
        if isinstance(answer, Accepted):
            self._book.accepted(asked, msgspec.json.decode(answer.result, type=Sent), at)
        else:
            asked.failed = answer.code
            self._answered(answer, at)

    def _answered(self, answer: Answer, at: float) -> None:
        """Of a refusal it is told why."""
        if isinstance(answer, Refused):
            self._book.tally.counts["refused"] += 1
            self._book.tally.counts[f"refused: {answer.code}"] += 1

    def _again(self, answer: Refused, say: Callable[[], None]) -> None:
        """Later in this connection; the next one begins anew."""
        self._answered(answer, 0.0)
        connected = self.link.connected

        def later() -> None:
            if self.link.connected == connected:
                say()

        asyncio.get_running_loop().call_later((answer.retry_after_ms or 0) / 1_000 or AGAIN_AFTER, later)

    def _ask(self, command: Command, hear: Hear) -> None:
        self._ref += 1
        self._answers[self._ref] = hear
        self.link.say(encode(structs.replace(command, ref=self._ref)))

    async def _answer_to(self, command: Command, kind: type[T]) -> T | None:
        """None: it was refused, or not answered in time."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def hear(answer: Answer, _at: float) -> None:
            if not answered.done():
                answered.set_result(answer)

        self._ask(command, hear)
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                answer = await answered
        except TimeoutError:
            return None
        return msgspec.json.decode(answer.result, type=kind) if isinstance(answer, Accepted) else None
