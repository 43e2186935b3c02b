"""How long things took, in seconds, and which of them took longer than is borne."""

from bisect import bisect_left
from collections.abc import Iterator

from msgspec import Struct

from loadtest.evidence import DURABLE, Entry, Evidence, within
from loadtest.history import Ended, Opened
from loadtest.promises.text import Texts, pieces, settled_rows
from loadtest.verdict import Violation, broken
from protocol.answers import MessagePage, Sent
from protocol.commands import MessageSend, Ref, ReplyStop, SessionClose
from protocol.events import Accepted, Changes, Snapshot
from protocol.ids import MessageId

ACKNOWLEDGED = "send → acknowledged"
FIRST_PIECE = "send → first piece"
STOPPED = "stop → answered"
SEEN = "told on one device → on another"
TAKEN_OVER = "instance lost → the same reply goes on"
SILENCE = "longest silence of an open reply"
JOINED = "others are shown more → a page is read that lacks it"

LIMITS = {ACKNOWLEDGED: 5.0, SEEN: 10.0, SILENCE: 30.0}
"""Seconds; what takes longer is a violation, unless times meant nothing then."""
LOST_BEFORE = 60.0
"""A next attempt is put down to an instance that was lost at most so long ago."""


class Time(Struct, frozen=True):
    """How long one thing took, and the records between which it did."""

    figure: str
    seconds: float
    entries: tuple[Entry, ...]


class Step(Struct, frozen=True):
    """That a device had come to a number."""

    seq: int
    entry: Entry


def times(evidence: Evidence) -> Iterator[Time]:
    """All that was measured. Of devices that read slowly nothing is."""
    swift = {device: list(_swift(entries)) for device, entries in evidence.devices.items()}
    for entries in swift.values():
        yield from _of_sends(entries)
        yield from _of_stops(entries)
        yield from _of_replies(entries, evidence.leniency.lost)
    yield from _of_joins(swift)
    yield from _between_devices(swift)


def within_limits(evidence: Evidence, measured: list[Time]) -> Iterator[Violation]:
    """Nothing takes longer than is borne while times mean something."""
    for time in measured:
        limit = LIMITS.get(time.figure, time.seconds)
        ends = time.entries[-1].at
        if time.seconds > limit and not within(evidence.leniency.slow, ends - time.seconds, ends):
            what = f"{time.figure}: {time.seconds:.1f} s, and no more than {limit:g} s is borne"
            yield broken("times", evidence.user, what, *time.entries)


def _swift(entries: list[Entry]) -> Iterator[Entry]:
    slow: set[int] = set()
    for entry in entries:
        if isinstance(entry.what, Opened) and entry.what.slow:
            slow.add(entry.connection)
        if entry.connection not in slow:
            yield entry


def _of_sends(entries: list[Entry]) -> Iterator[Time]:
    said: dict[tuple[int, MessageId], Entry] = {}
    waiting: dict[MessageId, Entry] = {}
    for entry in entries:
        if isinstance(entry.what, MessageSend):
            said[entry.connection, entry.what.message] = entry
        if isinstance(entry.what, Accepted) and isinstance(entry.answer, Sent):
            first = said.pop((entry.connection, entry.answer.message), None)
            if first is not None:
                yield Time(ACKNOWLEDGED, entry.at - first.at, (first, entry))
                waiting[entry.answer.reply] = first
        for piece in pieces(entry):
            if piece.reply.text and (asked := waiting.pop(piece.reply.message, None)) is not None:
                yield Time(FIRST_PIECE, entry.at - asked.at, (asked, entry))


def _of_stops(entries: list[Entry]) -> Iterator[Time]:
    """Until it is answered, which it is once the reply has settled."""
    said: dict[tuple[int, Ref], Entry] = {}
    for entry in entries:
        if isinstance(entry.what, ReplyStop):
            said[entry.connection, entry.what.ref] = entry
        if isinstance(entry.what, Accepted) and isinstance(entry.asked, ReplyStop):
            first = said.pop((entry.connection, entry.what.ref), None)
            if first is not None:
                yield Time(STOPPED, entry.at - first.at, (first, entry))


def _of_replies(entries: list[Entry], lost: list[float]) -> Iterator[Time]:
    """Silence between two records about a reply on one connection. Where an instance was lost meanwhile, the silence
    until the next attempt has said something new, or has ended.
    """
    last: dict[MessageId, tuple[Entry, int]] = {}
    taken: dict[MessageId, Entry] = {}
    for entry in entries:
        if isinstance(entry.what, Opened | SessionClose):  # whoever closes a session is told no more of its replies
            last.clear()
            taken.clear()
        for row in settled_rows(entry):
            if (former := last.pop(row.id, None)) is not None:
                yield Time(SILENCE, entry.at - former[0].at, (former[0], entry))
            if (since := taken.pop(row.id, None)) is not None:
                yield Time(TAKEN_OVER, entry.at - since.at, (since, entry))
        for piece in pieces(entry):
            message, attempt = piece.reply.message, piece.reply.attempt
            before = last.get(message)
            last[message] = (entry, attempt)
            if before is None:
                continue
            yield Time(SILENCE, entry.at - before[0].at, (before[0], entry))
            if attempt > before[1] and any(entry.at - LOST_BEFORE < at <= entry.at for at in lost):
                taken.setdefault(message, before[0])
            elif message in taken and not piece.whole:
                since = taken.pop(message)
                yield Time(TAKEN_OVER, entry.at - since.at, (since, entry))


def _of_joins(devices: dict[str, list[Entry]]) -> Iterator[Time]:
    """How long others had been shown more of an open reply than the page holds that a device is shown first."""
    shown: dict[tuple[str | None, MessageId, int], list[tuple[float, int]]] = {}
    for entries in devices.values():
        texts = Texts()
        for entry in entries:
            for reply in texts.hear(entry):
                key = (entry.epoch, reply.message, reply.attempt)
                shown.setdefault(key, []).append((entry.at, len(reply.text)))
    for entries in devices.values():
        for entry in entries:
            for piece in pieces(entry) if isinstance(entry.answer, MessagePage) else ():
                known = shown[entry.epoch, piece.reply.message, piece.reply.attempt]
                more = min((at for at, length in known if length > len(piece.reply.text)), default=entry.at)
                yield Time(JOINED, max(0.0, entry.at - more), (entry,))


def _between_devices(devices: dict[str, list[Entry]]) -> Iterator[Time]:
    """From the first device that was told a number to each other one that was connected all the while."""
    ways = {device: list(_stays(entries)) for device, entries in devices.items()}
    first: dict[tuple[str | None, int], Entry] = {}
    for entries in devices.values():
        for entry in entries:
            if isinstance(entry.what, DURABLE):
                key = (entry.epoch, entry.what.seq)
                if key not in first or entry.at < first[key].at:
                    first[key] = entry
    for (_, seq), told in first.items():
        for device, stays in ways.items():
            if device != told.device and (reached := _reached(stays, seq, told)) is not None:
                yield Time(SEEN, max(0.0, reached.at - told.at), (told, reached))


class Stay(Struct):
    """A connection from when it was caught up to its end, and the numbers it came to on the way."""

    epoch: str | None
    begins: float
    steps: list[Step] = []
    last: Entry | None = None


def _stays(entries: list[Entry]) -> Iterator[Stay]:
    stay: Stay | None = None
    for entry in entries:
        if isinstance(entry.what, Opened | Ended):
            if stay is not None:
                yield stay
            stay = None
        if stay is None and _catches_up(entry):
            stay = Stay(entry.epoch, entry.at)
        if stay is not None:
            stay.last = entry
            seq = _number(entry)
            if not stay.steps or seq > stay.steps[-1].seq:
                stay.steps.append(Step(seq, entry))
    if stay is not None:
        yield stay


def _catches_up(entry: Entry) -> bool:
    return isinstance(entry.what, Snapshot) or (isinstance(entry.what, Changes) and not entry.what.more)


def _number(entry: Entry) -> int:
    """The number that a device comes to with a record; 0 with one that has none."""
    return entry.what.seq if isinstance(entry.what, (Snapshot, Changes, *DURABLE)) else 0


def _reached(stays: list[Stay], seq: int, told: Entry) -> Entry | None:
    """Where a device that was connected when another was told a number came to it; the last record if it did not."""
    for stay in stays:
        if stay.last is not None and stay.epoch == told.epoch and stay.begins <= told.at <= stay.last.at:
            place = bisect_left(stay.steps, seq, key=lambda step: step.seq)
            return stay.steps[place].entry if place < len(stay.steps) else stay.last
    return None
