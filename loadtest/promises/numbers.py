"""P3: numbers without a gap, the same rows for everybody, and in the end what the database has."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Protocol, TypeVar

from msgspec import Struct

from loadtest.evidence import DURABLE, Entry, Evidence, event_rows, within
from loadtest.held import Held
from loadtest.history import GaveUp, Opened, Shown
from loadtest.verdict import Violation, broken
from protocol.events import Changes, Snapshot
from protocol.ids import SessionId
from protocol.model import Message, Session

LOST_AT_LEAST = 3
LOST_AT_MOST = 0.02
"""So many numbers, and this part of all, may have been lost on the way to everybody while something was broken."""


class Replay(Struct):
    """The pages of changes that brought a device from one number to another, and to the head."""

    since: int
    pages: list[Entry]
    seq: int = 0


class Row(Protocol):
    """What has a number."""

    @property
    def seq(self) -> int: ...


RowType = TypeVar("RowType", bound=Row)
IdType = TypeVar("IdType")


def numbered_without_gap(evidence: Evidence) -> Iterator[Violation]:
    """P3, on each connection: after what a device was caught up with, each number once and in order."""
    for entries in evidence.devices.values():
        last: Entry | None = None
        reached = 0
        live: set[int] = set()
        for entry in entries:
            match entry.what:
                case Opened():
                    last, reached = entry, entry.what.since.seq if entry.what.since else 0
                    live.clear()
                case Snapshot():
                    last, reached = entry, entry.what.seq
                case Changes():
                    if entry.what.since > reached:
                        what = f"changes since {entry.what.since} for a device at {reached}"
                        yield broken("P3", evidence.user, what, *_known(last), entry)
                    last, reached = entry, max(reached, entry.what.seq)
                case what if isinstance(what, DURABLE):
                    if what.seq in live:
                        yield broken(
                            "P3", evidence.user, f"number {what.seq} was delivered twice", *_known(last), entry
                        )
                    elif what.seq > reached + 1:
                        told = f"number {what.seq} was delivered to a device at {reached}"
                        yield broken("P3", evidence.user, told, *_known(last), entry)
                    live.add(what.seq)
                    last, reached = entry, max(reached, what.seq)
                case _:
                    pass


def a_number_means_the_same_to_all(evidence: Evidence) -> Iterator[Violation]:
    """P3: a row with a number never changes, and an event with a number has the same rows for everybody."""
    rows: dict[tuple[str | None, object, int], tuple[Entry | None, Session | Message]] = {
        (evidence.epoch, row.id, row.seq): (None, row)
        for row in [*evidence.sessions.values(), *(each.message for each in evidence.messages.values())]
    }
    events: dict[tuple[str | None, int], tuple[Entry, set[object]]] = {}
    for entry in evidence.entries():
        for row in event_rows(entry):
            first, known = rows.setdefault((entry.epoch, row.id, row.seq), (entry, row))
            if known != row:
                yield broken(
                    "P3", evidence.user, f"{row.id} as of {row.seq} is told in two ways", *_known(first), entry
                )
        if isinstance(entry.what, DURABLE):
            seq = entry.what.seq
            ids: set[object] = {row.id for row in event_rows(entry)}
            earlier, others = events.setdefault((entry.epoch, seq), (entry, ids))
            if ids != others:
                yield broken("P3", evidence.user, f"number {seq} is about other rows elsewhere", earlier, entry)
            if any(row.seq != seq for row in event_rows(entry)):
                yield broken("P3", evidence.user, f"number {seq} carries rows of another", entry)


def replays_are_whole(evidence: Evidence) -> Iterator[Violation]:
    """P3: a replay carries every row that is known to have been numbered in its range and not later."""
    known: dict[str | None, dict[object, set[int]]] = {}
    for entry in evidence.entries():
        for row in event_rows(entry):
            known.setdefault(entry.epoch, {}).setdefault(row.id, set()).add(row.seq)
    ordered = {epoch: {row: sorted(numbers) for row, numbers in rows.items()} for epoch, rows in known.items()}
    for replay in _replays(evidence):
        told = {row.id for entry in replay.pages for row in event_rows(entry)}
        for row, numbers in ordered.get(replay.pages[-1].epoch, {}).items():
            place = bisect_right(numbers, replay.seq)
            if place and numbers[place - 1] > replay.since and row not in told:
                what = f"the changes in ({replay.since}, {replay.seq}] lack {row} as of {numbers[place - 1]}"
                yield broken("P3", evidence.user, what, *replay.pages)


def _replays(evidence: Evidence) -> Iterator[Replay]:
    """Those that were heard to their end: what a page lacks because it has changed since is in a later one, or was told
    live between the two.
    """
    for entries in evidence.devices.values():
        replay: Replay | None = None
        for entry in entries:
            if isinstance(entry.what, Opened | Snapshot):
                replay = None
            elif isinstance(entry.what, Changes):
                replay = replay or Replay(entry.what.since, [])
                replay.pages.append(entry)
                replay.seq = entry.what.seq
                if not entry.what.more:
                    yield replay
                    replay = None
            elif replay is not None and isinstance(entry.what, DURABLE):
                replay.pages.append(entry)


def every_number_was_told(evidence: Evidence) -> Iterator[Violation]:
    """P3: a number that a connected device had to read for itself, and that nobody was ever told, was skipped.

    While times mean nothing it may have been lost on the way, and what it changed overwritten before anybody read it;
    that is rare.
    """
    forgiven: dict[int, Entry] = {}
    for entry, numbers, late in _untold(evidence):
        if late:
            forgiven.update(dict.fromkeys(numbers, entry))
        else:
            yield broken("P3", evidence.user, f"the numbers {numbers} were never told to anybody", entry)
    if evidence.row and len(forgiven) > max(LOST_AT_LEAST, evidence.row.seq * LOST_AT_MOST):
        what = f"{len(forgiven)} of {evidence.row.seq} numbers were never told to anybody, such as {min(forgiven)}"
        yield broken("P3", evidence.user, what, forgiven[min(forgiven)])


def _untold(evidence: Evidence) -> Iterator[tuple[Entry, list[int], bool]]:
    """Changes that a caught-up device was given, the numbers in them that nobody was told, and whether times meant
    nothing.
    """
    told = {(evidence.epoch, row.created_seq) for row in evidence.messages.values()}
    for entry in evidence.entries():
        told.update((entry.epoch, row.seq) for row in event_rows(entry))
    for entries in evidence.devices.values():
        caught_up: Entry | None = None
        for entry in entries:
            if isinstance(entry.what, Opened):
                caught_up = None
            elif isinstance(entry.what, Changes) and caught_up is not None:
                numbers = range(entry.what.since + 1, entry.what.seq + 1)
                untold = [number for number in numbers if (entry.epoch, number) not in told]
                if untold:
                    yield entry, untold, within(evidence.leniency.slow, caught_up.at, entry.at)
            if isinstance(entry.what, (Snapshot, Changes, *DURABLE)) and not getattr(entry.what, "more", False):
                caught_up = entry


def numbered_as_committed(evidence: Evidence) -> Iterator[Violation]:
    """P3, in the database: nothing above the head, a number for each addition, places without a hole."""
    head = evidence.row.seq if evidence.row else 0
    messages = [row.message for row in evidence.messages.values()]
    for row in [*evidence.sessions.values(), *messages]:
        if row.seq > head:
            yield broken("P3", evidence.user, f"{row.id} has number {row.seq}, the head is {head}")
    places: dict[SessionId, list[int]] = {}
    for message in messages:
        places.setdefault(message.session_id, []).append(message.position)
    for session, taken in places.items():
        if sorted(taken) != list(range(1, len(taken) + 1)):
            yield broken("P3", evidence.user, f"the messages of {session} have the places {sorted(taken)}")
    ordered = sorted(evidence.messages.values(), key=lambda row: (row.created_seq, row.message.position))
    for one, other in pairwise(ordered):
        together = other.message.reply_to == one.message.id and other.message.position == one.message.position + 1
        if one.created_seq == other.created_seq and not together:
            what = f"{one.message.id} and {other.message.id} were added with the same number"
            yield broken("P3", evidence.user, what)
    yield from _counted(evidence)


def shown_as_committed(evidence: Evidence) -> Iterator[Violation]:
    """P3, in the end: what each device holds is what the database has, by the checker's reading and by the client's."""
    for entries in evidence.devices.values():
        held = Held()
        for entry in entries:
            held.hear(entry)
            if isinstance(entry.what, GaveUp):
                yield broken("P3", evidence.user, "the hub turned a device away for good", entry)
            if isinstance(entry.what, Shown):
                yield from _same(evidence, held, entry, entry.what)


def _same(evidence: Evidence, held: Held, entry: Entry, shown: Shown) -> Iterator[Violation]:
    head = evidence.row.seq if evidence.row else 0
    if not shown.in_step:
        yield broken("P3", evidence.user, "the device did not come to be in step", entry)
        return
    if (held.epoch, held.cursor) != (evidence.epoch, head):
        what = f"the device stands at {held.cursor} of {held.epoch}, the database at {head} of {evidence.epoch}"
        yield broken("P3", evidence.user, what, *_telling(evidence, held.cursor + 1), entry)
        return
    listed = {row.id: row for row in evidence.sessions.values() if row.deleted_at is None and held.lists(row)}
    yield from _differing(evidence, entry, "session", held.listed(), listed)
    yield from _differing(evidence, entry, "session shown", {row.id: row for row in shown.sessions}, listed)
    for session in held.opened:
        rows = {
            row.message.id: row.message
            for row in evidence.messages.values()
            if row.message.session_id == session and row.message.deleted_at is None and held.reads(row.message)
        }
        yield from _differing(evidence, entry, "message", held.messages_of(session), rows)
        theirs = {row.id: row for row in shown.opened.get(session, [])}
        yield from _differing(evidence, entry, "message shown", theirs, rows)


def _differing(
    evidence: Evidence, entry: Entry, kind: str, held: dict[IdType, RowType], kept: dict[IdType, RowType]
) -> Iterator[Violation]:
    for key in held.keys() | kept.keys():
        one, other = held.get(key), kept.get(key)
        if one != other:
            numbers = f"as of {one.seq if one else None}, the database as of {other.seq if other else None}"
            yield broken("P3", evidence.user, f"{kind} {key} is held {numbers}", entry)


def _counted(evidence: Evidence) -> Iterator[Violation]:
    standing: dict[SessionId, int] = {}
    for row in evidence.messages.values():
        if row.message.deleted_at is None:
            standing[row.message.session_id] = standing.get(row.message.session_id, 0) + 1
    for session in evidence.sessions.values():
        if session.message_count != standing.get(session.id, 0):
            what = f"{session.id} counts {session.message_count} messages and has {standing.get(session.id, 0)}"
            yield broken("P3", evidence.user, what)


def _telling(evidence: Evidence, seq: int) -> list[Entry]:
    """The first record in which any device was told a number."""
    told = (entry for entry in evidence.entries() if isinstance(entry.what, DURABLE) and entry.what.seq == seq)
    return list(islice(told, 1))


def _known(entry: Entry | None) -> list[Entry]:
    return [] if entry is None else [entry]
