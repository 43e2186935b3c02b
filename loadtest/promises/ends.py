"""P5: every reply comes to exactly one end, and every device learns it. P9: nobody hears of another user."""

import re
from collections.abc import Iterator
from pathlib import Path

from loadtest.dump import Dump
from loadtest.evidence import EXCERPT, Entry, Evidence, Junk
from loadtest.history import Heard, records
from loadtest.promises.text import settled_rows
from loadtest.verdict import Violation, broken
from protocol.ids import MessageId
from protocol.model import Message

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MARKER = re.compile(r"learner-\d+")
"""The name of a user of the workload, which is in all that the user says."""


def every_reply_has_ended(evidence: Evidence) -> Iterator[Violation]:
    """P5, in the database: nothing is open."""
    for row in evidence.messages.values():
        if row.message.status == "pending":
            turn = next((turn for turn in evidence.turns if turn.message_id == row.message.id), None)
            held = f"held by {turn.owner}, attempt {turn.attempt}" if turn else "without a turn"
            yield broken("P5", evidence.user, f"{row.message.id} is still open, {held}")
    pending = {row.message.id for row in evidence.messages.values() if row.message.status == "pending"}
    for turn in evidence.turns:
        if turn.message_id not in pending:
            yield broken("P5", evidence.user, f"a turn of {turn.message_id} is left over")


def ended_once(evidence: Evidence) -> Iterator[Violation]:
    """P5: the first end of a reply that anybody heard of is its end for all, short of deletion."""
    ends: dict[tuple[str | None, MessageId], tuple[Entry, Message]] = {}
    for entry in evidence.entries():
        for row in settled_rows(entry):
            if row.deleted_at is not None:
                continue
            first, known = ends.setdefault((entry.epoch, row.id), (entry, row))
            if _end(row) != _end(known):
                yield broken("P5", evidence.user, f"{row.id} has ended twice", first, entry)
    for (epoch, message), (entry, row) in ends.items():
        kept = evidence.messages.get(message)
        if epoch != evidence.epoch or (kept is not None and kept.message.deleted_at is not None):
            continue
        if kept is None or _end(kept.message) != _end(row):
            yield broken("P5", evidence.user, f"{message} has ended in another way than the database says", entry)


def speaks_the_protocol(evidence: Evidence) -> Iterator[Violation]:
    """Every frame is an event."""
    for entry in evidence.entries():
        if isinstance(entry.what, Junk):
            yield broken("protocol", evidence.user, "a frame is no event of this protocol", entry)


def nothing_of_another_user(user: str, paths: list[Path], owners: dict[str, str]) -> Iterator[Violation]:
    """P9: every id and every marker in a frame is the user's own, wherever in it. `owners`: whose each id is."""
    for path in paths:
        for line, record in enumerate(records(path), 1):
            text = bytes(record.frame).decode(errors="replace") if isinstance(record, Heard) else ""
            foreign = {each for each in MARKER.findall(text) if each != user}
            foreign |= {each for each in UUID.findall(text) if owners.get(each, user) != user}
            if foreign:
                what = f"the device was told of {', '.join(sorted(foreign))}"
                shown = f"{path.stem}:{line} at {record.at:.3f}: {text[:EXCERPT]}"
                yield Violation("P9", user, path.stem, record.at, what, [shown])


def owners_of(dump: Dump) -> dict[str, str]:
    """Whose the ids of a database are. An id that two users have is nobody's."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    sessions = [(row.user_id, str(row.id)) for row in dump.sessions]
    messages = [(row.user_id, str(row.message.id)) for row in dump.messages]
    for user, name in sessions + messages:
        if found.setdefault(name, user) != user:
            shared.add(name)
    return {name: user for name, user in found.items() if name not in shared}


def _end(row: Message) -> tuple[str | None, str]:
    return row.status, row.content
