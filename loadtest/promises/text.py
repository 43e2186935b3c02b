"""P4: what is shown of an open reply is a prefix of what its attempt produced. P6: one attempt at a time writes it.
P7: what was stopped stays stopped.
"""

from collections.abc import Iterator
from itertools import islice

from msgspec import Struct, structs

from loadtest.evidence import Entry, Evidence, event_rows
from loadtest.history import Opened
from loadtest.verdict import Violation, broken
from protocol.answers import MessagePage
from protocol.commands import MessageEdit, MessageSend, ReplyStop
from protocol.events import ReplySnapshot, TokenAdded
from protocol.ids import MessageId
from protocol.model import Message, Reply

REPAIRED_WITHIN = 5.0
"""Seconds that a device may be without the beginning of a text that it is told the rest of."""
STRETCH = 30.0
"""Seconds around the loss of an instance in which the end of what it wrote may be lost with it."""

Longest = dict[tuple[str | None, MessageId, int], tuple[Entry, str]]
"""The longest text that was shown of an attempt, and the record that completed it."""


class Piece(Struct, frozen=True):
    """What a record tells of a reply. `whole`: all the text so far, not only what was added."""

    entry: Entry
    reply: Reply
    chunk: int
    whole: bool


class Reading(Struct):
    """One reply on one connection: what is held of it, and the record that said so."""

    held: Reply | None = None
    last: Entry | None = None
    lacking: Entry | None = None
    """The first piece that could not be placed because nothing was held."""


class Texts:
    """What one device holds of open replies. A piece that does not fit is ignored."""

    def __init__(self) -> None:
        self.held: dict[MessageId, Reply] = {}

    def hear(self, entry: Entry) -> list[Reply]:
        """One record, in its turn; what is held now of the replies that it told of."""
        if isinstance(entry.what, Opened):
            self.held.clear()
        fitting = [piece for piece in pieces(entry) if piece.whole or self._is_next(piece)]
        for piece in fitting:
            reply = piece.reply
            former = "" if piece.whole else self.held[reply.message].text
            self.held[reply.message] = structs.replace(reply, text=former + reply.text)
        return [self.held[piece.reply.message] for piece in fitting]

    def _is_next(self, piece: Piece) -> bool:
        held = self.held.get(piece.reply.message)
        return held is not None and (held.attempt, held.next) == (piece.reply.attempt, piece.chunk)


def pieces(entry: Entry) -> Iterator[Piece]:
    """What a record tells of open replies."""
    match entry.what:
        case TokenAdded() as told:
            reply = Reply(message=told.message, attempt=told.attempt, next=told.next, text=told.text)
            yield Piece(entry, reply, told.chunk, whole=False)
        case ReplySnapshot() as told:
            reply = Reply(message=told.message, attempt=told.attempt, next=told.next, text=told.text)
            yield Piece(entry, reply, 0, whole=True)
        case _ if isinstance(entry.answer, MessagePage):
            for reply in entry.answer.replies:
                yield Piece(entry, reply, 0, whole=True)
        case _:
            pass


def settled_rows(entry: Entry) -> Iterator[Message]:
    """The replies that a record says have ended."""
    for row in event_rows(entry):
        if isinstance(row, Message) and row.status not in (None, "pending"):
            yield row


def text_is_joined_without_seam(evidence: Evidence) -> Iterator[Violation]:
    """P4 and P6 on each connection: each piece is the next one of the held attempt, and no attempt goes back."""
    for entries in evidence.devices.values():
        readings: dict[MessageId, Reading] = {}
        ended: set[MessageId] = set()
        for entry in entries:
            if isinstance(entry.what, Opened):
                readings.clear()
            for row in settled_rows(entry):
                ended.add(row.id)
                readings.pop(row.id, None)
            for piece in pieces(entry):
                if piece.reply.message not in ended:  # what is late is ignored
                    reading = readings.setdefault(piece.reply.message, Reading())
                    yield from _read(evidence, reading, piece)


def everybody_reads_the_same(evidence: Evidence) -> Iterator[Violation]:
    """P4: whoever reads an attempt reads beginnings of one text, the one that it would have been in the end."""
    longest: Longest = {}
    for entry, reply in _shown(evidence):
        first, text = longest.setdefault((entry.epoch, reply.message, reply.attempt), (entry, reply.text))
        if not (text.startswith(reply.text) or reply.text.startswith(text)):
            yield broken("P4", evidence.user, f"attempt {reply.attempt} at {reply.message} has two texts", first, entry)
        elif len(reply.text) > len(text):
            longest[entry.epoch, reply.message, reply.attempt] = (entry, reply.text)
    expected = _Expected(evidence)
    for (_, message, _), (entry, text) in longest.items():
        if not expected.is_beginning(message, text):
            yield broken("P4", evidence.user, f"what is shown of {message} is no beginning of the answer", entry)


def ended_text_is_whole(evidence: Evidence) -> Iterator[Violation]:
    """P4 and P6 once a reply has ended: a complete one is the whole answer, any other one a beginning of it."""
    expected = _Expected(evidence)
    attempts: dict[MessageId, dict[int, str]] = {}
    for _, reply in _shown(evidence):
        texts = attempts.setdefault(reply.message, {})
        texts[reply.attempt] = max(texts.get(reply.attempt, ""), reply.text, key=len)
    for row in (each.message for each in evidence.messages.values()):
        if row.status in (None, "pending") or row.deleted_at is not None:
            continue
        truncated = row.metadata is not None and bool(row.metadata.truncated)
        if row.status == "complete" and not truncated and not expected.is_answer(row.id, row.content):
            yield broken("P4", evidence.user, f"{row.id} is complete and not the answer", *_last_about(evidence, row))
        elif not expected.is_beginning(row.id, row.content):
            what = f"{row.id} is {row.status} with what is no beginning of the answer"
            yield broken("P4", evidence.user, what, *_last_about(evidence, row))
        seen = attempts.get(row.id, {}).values()
        if seen and not any(row.content.startswith(text) or text.startswith(row.content) for text in seen):
            what = f"{row.id} ended with a text that no attempt has told"
            yield broken("P6", evidence.user, what, *_last_about(evidence, row))


def stopped_stays_stopped(evidence: Evidence) -> Iterator[Violation]:
    """P7: what a stop was answered is what there is, and, unless an instance was lost, at least what was seen."""
    for entries in evidence.devices.values():
        texts = Texts()
        seen: dict[ReplyStop, tuple[Entry, str]] = {}
        for entry in entries:
            texts.hear(entry)
            if isinstance(entry.what, ReplyStop):
                reply = texts.held.get(entry.what.message)
                if reply is not None and reply.next == entry.what.seen:
                    seen[entry.what] = (entry, reply.text)
            if isinstance(entry.asked, ReplyStop) and isinstance(entry.answer, Message):
                yield from _stopped(evidence, entry, entry.answer, seen.get(entry.asked))


def _read(evidence: Evidence, reading: Reading, piece: Piece) -> Iterator[Violation]:
    """One more piece: what is wrong with it, and what is held from now on."""
    held, reply = reading.held, piece.reply
    known = [] if reading.last is None else [reading.last]
    if held is not None and reply.attempt < held.attempt:
        what = f"attempt {reply.attempt} at {reply.message} is told after attempt {held.attempt}"
        yield broken("P6", evidence.user, what, *known, piece.entry)
        return
    if piece.whole:
        reading.held, reading.last, reading.lacking = reply, piece.entry, None
        return
    if held is None:
        reading.lacking = reading.lacking or piece.entry
        if piece.entry.at - reading.lacking.at > REPAIRED_WITHIN:
            what = f"pieces of {reply.message} are told without their beginning, and nothing repairs it"
            yield broken("P4", evidence.user, what, reading.lacking, piece.entry)
        return
    if reply.attempt > held.attempt:
        what = f"attempt {reply.attempt} at {reply.message} begins without saying so"
        yield broken("P4", evidence.user, what, *known, piece.entry)
    elif piece.chunk != held.next:
        wrong = "is told twice" if piece.chunk < held.next else "leaves a gap"
        what = f"piece {piece.chunk} of {reply.message} {wrong}: {held.next} was the next"
        yield broken("P4", evidence.user, what, *known, piece.entry)
    else:
        text = held.text + reply.text
        reading.held = Reply(message=reply.message, attempt=reply.attempt, next=reply.next, text=text)
        reading.last = piece.entry


def _shown(evidence: Evidence) -> Iterator[tuple[Entry, Reply]]:
    """What each device showed of open replies, after each piece that it could place."""
    for entries in evidence.devices.values():
        texts = Texts()
        for entry in entries:
            for reply in texts.hear(entry):
                yield entry, reply


class _Expected:
    """What the tutor should have said: the answers to all that each message ever said."""

    def __init__(self, evidence: Evidence) -> None:
        self._answers: dict[MessageId, set[str]] = {}
        self._spoiled: set[MessageId] = set()
        self._asked = {row.message.id: row.message.reply_to for row in evidence.messages.values()}
        for entry in evidence.entries():
            match entry.what:
                case MessageSend() | MessageEdit() as said:
                    self._answers.setdefault(said.message, set()).add(evidence.answer(said.content))
                    if evidence.leniency.spoiled(said.content):
                        self._spoiled.add(said.message)
                case _:
                    pass

    def is_answer(self, reply: MessageId, text: str) -> bool:
        """Whether it is a whole answer, or the tutor gave none, or nobody knows what was asked."""
        answers = self._of(reply)
        return not answers or text in answers or self._asked.get(reply) in self._spoiled

    def is_beginning(self, reply: MessageId, text: str) -> bool:
        """Whether an answer begins with it, or nobody knows what was asked."""
        answers = self._of(reply)
        return not answers or any(answer.startswith(text) for answer in answers)

    def _of(self, reply: MessageId) -> set[str]:
        asked = self._asked.get(reply)
        return self._answers.get(asked, set()) if asked is not None else set()


def _stopped(evidence: Evidence, entry: Entry, answer: Message, seen: tuple[Entry, str] | None) -> Iterator[Violation]:
    row = evidence.messages.get(answer.id)
    if row is None or row.message.deleted_at is not None or entry.epoch != evidence.epoch:
        return
    kept = row.message
    if answer.status != "pending" and (answer.status, answer.content) != (kept.status, kept.content):
        yield broken("P7", evidence.user, f"{answer.id} has changed after it was stopped", entry)
    lost = any(abs(lost - entry.at) <= STRETCH for lost in evidence.leniency.lost)
    if seen is not None and not lost and not kept.content.startswith(seen[1]):
        yield broken("P7", evidence.user, f"{answer.id} was stopped with less than was seen of it", seen[0], entry)


def _last_about(evidence: Evidence, row: Message) -> list[Entry]:
    """The first record that says how a reply has ended, if any does."""
    return list(islice((entry for entry in evidence.entries() if row in settled_rows(entry)), 1))
