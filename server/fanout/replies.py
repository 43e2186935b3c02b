"""The text of a user's open replies, as far as it was told on this instance. No I/O.

A piece that follows what is held goes on to the devices; one that was told before, or of a lower attempt, is dropped.
One that comes too early waits, while somebody here is shown its session, until what is missing before it was read.
"""

from collections.abc import Callable

from msgspec import Struct

from protocol.events import ReplySnapshot, TokenAdded
from protocol.ids import MessageId, SessionId
from protocol.model import Reply
from server.fanout.frames import Frame, frame

WAITING_PIECES = 1_000
"""What comes after so many is let go: the next piece then is one too early, and is read for again."""

PARTS = 100
"""Pieces that are kept apart, each of which costs more than its letters; more are put together."""

ENDED_REPLIES = 200
"""Those that have ended last are remembered: a read that was under way may still tell of them."""

Text = TokenAdded | ReplySnapshot


class Missing(Struct):
    """A reply of which something was missed, up to `attempt`, and the pieces that wait for it to be read."""

    session: SessionId
    attempt: int
    waiting: list[Frame]
    reading: bool = False


class _Held:
    """A reply of a session, whose text is put together when it is wanted."""

    def __init__(self, session: SessionId, reply: Reply) -> None:
        self.session = session
        self.attempt = reply.attempt
        self.next = reply.next
        self._message = reply.message
        self._parts = [reply.text]

    def followed_by(self, event: Text) -> bool:
        """Whether it is the next piece. Then it is added."""
        if type(event) is not TokenAdded or event.chunk != self.next or event.attempt != self.attempt:
            return False
        self._parts.append(event.text)
        self.next = event.next
        if len(self._parts) > PARTS:
            self._join()
        return True

    @property
    def reply(self) -> Reply:
        return Reply(message=self._message, attempt=self.attempt, next=self.next, text=self._join())

    def _join(self) -> str:
        self._parts = ["".join(self._parts)]
        return self._parts[0]


class Replies:
    """`missing` is what is to be read."""

    def __init__(self) -> None:
        self.missing: dict[MessageId, Missing] = {}
        self._ended: dict[MessageId, None] = {}
        self._held: dict[MessageId, _Held] = {}

    def of(self, session: SessionId) -> dict[MessageId, Reply]:
        return {message: held.reply for message, held in self._held.items() if held.session == session}

    def held(self, message: MessageId) -> Reply | None:
        return held.reply if (held := self._held.get(message)) else None

    def take(self, session: SessionId, told: Frame, event: Text, is_shown: Callable[[SessionId], bool]) -> bool:
        """Whether the devices are to be told; `is_shown`: whether one of them shows the session."""
        held = self._held.get(event.message)
        if held is not None and held.followed_by(event):
            return True
        if event.message in self._ended:
            return False
        if held is not None and (event.attempt, event.next) <= (held.attempt, held.next):
            return False
        if isinstance(event, ReplySnapshot):
            self._put(session, Reply(message=event.message, attempt=event.attempt, next=event.next, text=event.text))
            return True
        if is_shown(session):
            self._wait(session, told, event)
        else:
            self.forget(event.message)  # who opens the session reads it
        return False

    def fill(self, session: SessionId, reply: Reply) -> list[Frame]:
        """It was read how far the reply is. What the devices are to be told: that, and what has waited for it."""
        if reply.message in self._ended:
            return []
        held = self.held(reply.message)
        told: list[Frame] = []
        if held is None or (reply.attempt, reply.next) > (held.attempt, held.next):
            self._put(session, reply)
            told.append(frame(_step(held, reply)))
        missing = self.missing.pop(reply.message, None)
        for waiting in missing.waiting if missing else []:
            event = waiting.event
            if isinstance(event, Text) and self.take(session, waiting, event, lambda _: True):
                told.append(waiting)
        if missing is not None and (again := self.missing.get(reply.message)) is not None:
            again.reading = missing.reading
        return told

    def end(self, message: MessageId) -> None:
        """It has settled: whatever is still said of it is late."""
        self.forget(message)
        self._ended[message] = None
        if len(self._ended) > ENDED_REPLIES:
            del self._ended[next(iter(self._ended))]

    def begin_anew(self) -> None:
        """What has ended may be open: it was another database that said so."""
        self._ended.clear()

    def forget(self, message: MessageId) -> None:
        """Nothing is known of it any more, as when nobody here is shown it."""
        self.missing.pop(message, None)
        self._held.pop(message, None)

    def keep(self, messages: set[MessageId]) -> None:
        """Of all others nothing is known any more."""
        for message in self._held.keys() - messages:
            self.forget(message)

    def _put(self, session: SessionId, reply: Reply) -> None:
        self._held[reply.message] = _Held(session, reply)

    def _wait(self, session: SessionId, told: Frame, event: Text) -> None:
        missing = self.missing.setdefault(event.message, Missing(session, event.attempt, []))
        missing.attempt = max(missing.attempt, event.attempt)
        if len(missing.waiting) < WAITING_PIECES:
            missing.waiting.append(told)


def snapshot(reply: Reply) -> ReplySnapshot:
    """All that is told of it, as one event."""
    return ReplySnapshot(message=reply.message, attempt=reply.attempt, next=reply.next, text=reply.text)


def _step(held: Reply | None, reply: Reply) -> Text:
    """What brings a device from the one to the other."""
    if held is not None and held.attempt == reply.attempt and reply.text.startswith(held.text):
        added = reply.text[len(held.text) :]
        return TokenAdded(message=reply.message, attempt=reply.attempt, chunk=held.next, next=reply.next, text=added)
    return snapshot(reply)
