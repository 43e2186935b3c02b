"""What one device is told, held against what it should be: numbers, places, pieces of text. No I/O, no clock."""

from collections.abc import Iterable

from msgspec import Struct

from loadtest.run.book import Book, Wrong
from loadtest.run.speech import Stamp, stamp_in
from loadtest.run.timings import Timing
from protocol.answers import MessagePage
from protocol.events import Changes, Durable, MessageAdded, ReplySnapshot, TokenAdded
from protocol.ids import MessageId, SessionId
from protocol.model import Message, Session

LACKS_FOR = 5.0
"""Seconds that a device may be without the beginning of a text that it is told the rest of."""
RATED_AFTER = 4.0
"""Seconds of a reply after which its frames are counted."""


class Shown(Struct):
    """What a device shows of an open reply, on one connection. `at`: when it was told something of it last."""

    attempt: int
    next: int
    text: str
    at: float
    stamp: Stamp | None
    frames: int = 0
    began: float = 0.0


class Reading:
    """Of one device, over all its connections. `known`: the messages that it has been told of."""

    def __init__(self, book: Book, device: str) -> None:
        self.seq = 0
        self.known: set[MessageId] = set()
        self.settled: set[MessageId] = set()
        self.shown: dict[MessageId, Shown] = {}
        self._book = book
        self._device = device
        self._missing: set[int] = set()
        self._caught_up = 0
        self._added: set[MessageId] = set()
        self._places: dict[SessionId, int] = {}
        self._lacking: dict[MessageId, float] = {}

    def begin(self) -> None:
        """Another connection: what is open is told anew."""
        self._forget_missing()
        self.shown.clear()
        self._lacking.clear()

    def caught_up(self, seq: int, messages: Iterable[Message]) -> None:
        """All up to this number was told, in pages."""
        self._forget_missing()
        self.seq = self._caught_up = max(self.seq, seq)
        self._put(messages)

    def end(self, pending: set[MessageId]) -> None:
        """Nothing more is awaited, but the end of those replies: what is missing is lost."""
        self._forget_missing()
        for asked in self._book.asked.values():
            if asked.sent is not None and asked.message not in self.known:
                self._broken("lost", f"was not told of {asked.message}")
            if asked.sent is not None and asked.sent.reply not in self.settled | pending:
                self._broken("lost", f"was not told how the reply {asked.sent.reply} ended")

    # What is numbered.

    def durable(self, event: Durable, at: float) -> None:
        self._number(event.seq)
        self._whose(event.sessions)
        if isinstance(event, MessageAdded) and event.seq > self._caught_up:
            self._add(event.messages, at)
        self._put(event.messages)

    def changes(self, event: Changes) -> None:
        if event.since > self.seq:
            self._broken("lost", f"was at {self.seq}, and is told the changes since {event.since}")
        self._whose(event.sessions)
        self.caught_up(event.seq, event.messages)

    def page(self, page: MessagePage, at: float) -> None:
        """The last page of a session, with what is written of its open replies."""
        self._put(page.messages)
        for reply in page.replies:
            held = self.shown.get(reply.message)
            if held is None or (reply.attempt, reply.next) > (held.attempt, held.next):
                self._show(reply.message, reply.attempt, reply.next, reply.text, at)

    def _number(self, seq: int) -> None:
        """Each once, and in order."""
        if seq > self.seq:
            self._missing.update(range(self.seq + 1, seq))
            self.seq = seq
        elif seq in self._missing:
            self._missing.discard(seq)
            self._broken("reordered", f"was told number {seq} after {self.seq}")
        elif seq > self._caught_up:
            self._broken("doubled", f"was told number {seq} twice")

    def _forget_missing(self) -> None:
        for seq in self._missing:
            self._broken("lost", f"was not told number {seq}")
        self._missing.clear()

    def _whose(self, sessions: Iterable[Session]) -> None:
        for session in sessions:
            if session.user_id != self._book.user:
                self._broken("unequal", f"was told of a session of {session.user_id}")

    def _add(self, messages: Iterable[Message], at: float) -> None:
        for row in messages:
            place = self._places.get(row.session_id, 0)
            if row.id in self._added:
                self._broken("doubled", f"was told twice that {row.id} was added")
            elif row.position <= place:
                self._broken("reordered", f"was told of place {row.position} after {place}")
            self._added.add(row.id)
            self._places[row.session_id] = max(place, row.position)
            asked = self._book.asked.get(row.id)
            if asked is not None and asked.device != self._device and row.id not in self.known:
                self._book.tally.timings.took(Timing.SEEN, at - asked.intended, at - asked.said)

    def _put(self, messages: Iterable[Message]) -> None:
        for row in messages:
            self._book.row(row)
            self.known.add(row.id)
            if row.type == "assistant" and row.status != "pending":
                self._ended(row)

    def _ended(self, row: Message) -> None:
        self.settled.add(row.id)
        shown = self.shown.pop(row.id, None)
        if shown is not None:
            if row.status == "complete" and not row.content.startswith(shown.text):
                self._broken("unequal", f"showed of {row.id} what is no beginning of it")
            self._rate(shown)

    # What is written.

    def snapshot(self, event: ReplySnapshot, at: float) -> None:
        held = self.shown.get(event.message)
        if held is not None and event.attempt < held.attempt:
            self._broken("reordered", f"was told attempt {event.attempt} at {event.message} after {held.attempt}")
        elif event.message not in self.settled:
            self._show(event.message, event.attempt, event.next, event.text, at)

    def token(self, event: TokenAdded, at: float) -> None:
        held = self.shown.get(event.message)
        if held is None:
            self._lack(event.message, at)
        elif event.attempt != held.attempt:
            wrong: Wrong = "reordered" if event.attempt < held.attempt else "lost"
            self._broken(wrong, f"was told of attempt {event.attempt} at {event.message} during {held.attempt}")
        elif event.chunk != held.next:
            wrong = "doubled" if event.chunk < held.next else "lost"
            self._broken(wrong, f"was told piece {event.chunk} of {event.message}, {held.next} was the next")
        else:
            self._append(held, event, at)

    def _show(self, message: MessageId, attempt: int, next_: int, text: str, at: float) -> None:
        self._lacking.pop(message, None)
        self.shown[message] = Shown(attempt, next_, text, at, stamp_in(text))
        if text:
            self._begins(message, at)

    def _append(self, held: Shown, event: TokenAdded, at: float) -> None:
        timings, offset = self._book.tally.timings, len(held.text)
        held.text += event.text
        if offset == 0:
            self._begins(event.message, at)
            held.stamp, held.began = stamp_in(held.text), at
            if held.stamp is not None:
                timings.took(Timing.FIRST_PIECE, at - held.stamp.at)
        else:
            timings.took(Timing.GAP, at - held.at)
        if held.stamp is not None and held.attempt == 1:
            timings.took(Timing.TOKEN, at - held.stamp.due(offset))
        held.next, held.at, held.frames = event.next, at, held.frames + 1

    def _begins(self, reply: MessageId, at: float) -> None:
        asked = self._book.replies.get(reply)
        if asked is not None and asked.device == self._device and not asked.has_begun:
            asked.has_begun = True
            self._book.tally.timings.took(Timing.FIRST_TOKEN, at - asked.intended, at - asked.said)

    def _lack(self, reply: MessageId, at: float) -> None:
        """Its beginning comes with the page that was asked for."""
        since = self._lacking.setdefault(reply, at)
        if at - since > LACKS_FOR:
            self._broken("lost", f"is told pieces of {reply} without their beginning")
            self._lacking[reply] = float("inf")

    def _rate(self, shown: Shown) -> None:
        """Of a reply that was shown from its beginning, and for long enough that a late frame makes no difference."""
        lasted, tally = shown.at - shown.began, self._book.tally
        if shown.began and lasted >= RATED_AFTER:
            tally.frames_per_second = max(tally.frames_per_second, round((shown.frames - 1) / lasted, 1))

    def _broken(self, wrong: Wrong, what: str) -> None:
        self._book.broken(wrong, f"{self._device} {what}")
