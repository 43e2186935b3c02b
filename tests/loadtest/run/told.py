"""A learner with two devices and one question, and all that a hub tells of it."""

from datetime import UTC, datetime

from loadtest.run.book import Asked, Book, Tally
from loadtest.run.reading import Reading
from loadtest.run.speech import Stamp
from protocol.answers import Sent
from protocol.events import MessageAdded, ReplySettled, ReplySnapshot, TokenAdded
from protocol.ids import MessageId, fresh_message_id, fresh_session_id
from protocol.model import Message, ReplyStatus, Session
from tests.rows import session_row

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SESSION = fresh_session_id()
BODY = "Twelve hours, and skim it."
STAMP = Stamp(at=100.0, pace=40.0)


class Story:
    """A learner with two devices; one of them has said something, and what the hub tells of it is told here."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.book = Book("ada", self.tally, lambda _asked: BODY)
        self.one, self.other = Reading(self.book, "one"), Reading(self.book, "other")
        self.asked = Asked(fresh_message_id(), "How long? (1.1)", "one", intended=99.0, said=99.5)
        self.book.asked[self.asked.message] = self.asked
        self.reply = fresh_message_id()
        self.sent = Sent(SESSION, self.asked.message, self.reply, 1, 2)
        for each in (self.one, self.other):
            each.begin()
            each.caught_up(1, [])

    def message(self, seq: int = 2, content: str = "How long? (1.1)") -> Message:
        return row(self.asked.message, 1, content, seq)

    def written(self, seq: int = 2, status: ReplyStatus = "pending", content: str = "") -> Message:
        return row(self.reply, 2, content, seq, status=status, reply_to=self.asked.message)

    def added(self, seq: int = 2) -> MessageAdded:
        return MessageAdded(seq=seq, messages=[self.message(seq), self.written(seq)])

    def settled(self, content: str = STAMP.text + BODY, seq: int = 3) -> ReplySettled:
        return ReplySettled(seq=seq, messages=[self.written(seq, "complete", content)])

    def token(self, chunk: int, text: str, attempt: int = 1) -> TokenAdded:
        return TokenAdded(message=self.reply, attempt=attempt, chunk=chunk, next=chunk + 1, text=text)

    def begun(self, attempt: int = 1) -> ReplySnapshot:
        return ReplySnapshot(message=self.reply, attempt=attempt, next=0, text="")

    def told(self, reading: Reading) -> None:
        """All that there is to be told, as it should be."""
        reading.durable(self.added(), 100.0)
        reading.snapshot(self.begun(), 100.0)
        reading.token(self.token(0, STAMP.text), 100.1)
        reading.token(self.token(1, BODY[:8]), 100.2)
        reading.token(self.token(2, BODY[8:]), 100.3)
        reading.durable(self.settled(), 100.4)

    def kept(self) -> list[Message]:
        return [self.message(), self.written(3, "complete", STAMP.text + BODY)]

    @property
    def wrong(self) -> dict[str, int]:
        return dict(self.tally.broken)


def row(message: MessageId, position: int, content: str, seq: int, **changes: object) -> Message:
    return Message(
        id=message,
        session_id=SESSION,
        position=position,
        type="assistant" if "reply_to" in changes else "user",
        content=content,
        created_at=NOW,
        seq=seq,
        **changes,  # type: ignore[arg-type]
    )


def session(user: str) -> Session:
    return session_row(SESSION, user, 2)
