"""What is known of one user in the end: what the devices wrote down, decoded, and what the database holds.

The user is the unit: nothing that is promised spans two users, except that they hear nothing of each other.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast

import msgspec
from msgspec import Raw, Struct

from loadtest.dump import Dump, MessageRow, TurnRow, UserRow
from loadtest.history import Began, Ended, GaveUp, Heard, Opened, Record, Said, Shown, Told, records
from protocol.answers import ANSWERS, Answer, MessagePage, SearchPage, SessionPage
from protocol.codec import Undecodable, decode_command, decode_event, encode
from protocol.commands import Command
from protocol.events import (
    Accepted,
    Changes,
    Event,
    MessageAdded,
    MessageChanged,
    MessageRemoved,
    Refused,
    ReplySettled,
    SessionAdded,
    SessionChanged,
    SessionRemoved,
    Snapshot,
    Welcome,
)
from protocol.ids import MessageId, SessionId
from protocol.model import Message, Session

DURABLE = (SessionAdded, SessionChanged, SessionRemoved, MessageAdded, MessageChanged, MessageRemoved, ReplySettled)
EXCERPT = 300


class Window(Struct, frozen=True):
    """From when to when, by the clock of the histories."""

    begins: float
    ends: float


def _is_not_spoiled(_asked: str) -> bool:
    return False


class Leniency(Struct, frozen=True):
    """What the checker may not hold against the hub.

    `spoiled`: whether the tutor did not answer this as it should; `slow`: when times mean nothing; `lost`: when an
    instance was lost (killed, paused, cut off from the database) with the tail of what it was writing.
    """

    spoiled: Callable[[str], bool] = _is_not_spoiled
    slow: list[Window] = []
    lost: list[float] = []


class Junk(Struct, frozen=True):
    """A frame that is no event of this protocol."""

    text: str


What = Opened | Command | Event | Junk | Ended | Told | GaveUp | Shown


class Entry(Struct, frozen=True):
    """A line of a history, decoded. `epoch`: as its connection was welcomed with; `asked`: what it answers;
    `answer`: what the hub answered to it.
    """

    device: str
    line: int
    at: float
    connection: int
    epoch: str | None
    what: What
    asked: Command | None = None
    answer: Answer | None = None

    def text(self) -> str:
        """As a person reads it."""
        text = encode(self.what).decode()
        kind = type(self.what).__name__
        short = text if len(text) <= EXCERPT else f"{text[:EXCERPT]} … ({len(text)} characters)"
        return f"{self.device}:{self.line} at {self.at:.3f} on connection {self.connection}: {kind} {short}"


class Evidence(Struct):
    """Of one user. `answer` is the whole reply to what was asked; `epoch` that of the numbers in the end."""

    user: str
    devices: dict[str, list[Entry]]
    row: UserRow | None
    sessions: dict[SessionId, Session]
    messages: dict[MessageId, MessageRow]
    turns: list[TurnRow]
    answer: Callable[[str], str]
    leniency: Leniency

    @property
    def epoch(self) -> str | None:
        return self.row.epoch if self.row else None

    def entries(self) -> Iterator[Entry]:
        """Of all devices, one device after the other."""
        for entries in self.devices.values():
            yield from entries

    def shown(self) -> Iterator[tuple[Entry, Shown]]:
        """What each device that was there to the end showed."""
        for entry in self.entries():
            if isinstance(entry.what, Shown):
                yield entry, entry.what


def gathered(
    folder: Path, dump: Dump, answer: Callable[[str], str], leniency: Leniency
) -> Iterator[tuple[list[Path], Evidence]]:
    """The users of a folder, with their histories, one after the other, so that no more than one is in memory."""
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        first = next(records(path), None)
        if isinstance(first, Began):
            files.setdefault(first.user, []).append(path)
    for user, paths in files.items():
        yield paths, evidence(user, {path.stem: records(path) for path in paths}, dump, answer, leniency)


def evidence(
    user: str,
    histories: dict[str, Iterable[Record]],
    dump: Dump,
    answer: Callable[[str], str],
    leniency: Leniency,
) -> Evidence:
    """What is known of a user."""
    return Evidence(
        user=user,
        devices={device: list(_decoded(device, lines)) for device, lines in histories.items()},
        row=next((row for row in dump.users if row.user_id == user), None),
        sessions={row.id: row for row in dump.sessions if row.user_id == user},
        messages={row.message.id: row for row in dump.messages if row.user_id == user},
        turns=[row for row in dump.turns if row.user_id == user],
        answer=answer,
        leniency=leniency,
    )


def within(windows: list[Window], begins: float, ends: float) -> bool:
    """Whether a stretch of time touches one of the windows."""
    return any(begins <= window.ends and ends >= window.begins for window in windows)


def event_rows(entry: Entry) -> list[Session | Message]:
    """The rows in what the hub said."""
    match entry.what:
        case Snapshot():
            return [*entry.what.sessions]
        case Changes():
            return [*entry.what.sessions, *entry.what.messages]
        case Accepted():
            return _answered_rows(entry.answer)
        case what if isinstance(what, DURABLE):
            return [*what.sessions, *what.messages]
        case _:
            return []


def _answered_rows(answer: Answer | None) -> list[Session | Message]:
    match answer:
        case Session() | Message():
            return [answer]
        case SessionPage():
            return [*answer.sessions]
        case MessagePage():
            return [answer.session, *answer.messages]
        case SearchPage():
            return [hit.session for hit in answer.hits]
        case _:
            return []


def _decoded(device: str, lines: Iterable[Record]) -> Iterator[Entry]:
    """The lines with what they mean: which command an answer answers, in which epoch."""
    asked: dict[tuple[int, int], Command] = {}
    epochs: dict[int, str] = {}
    for number, record in enumerate(lines, 1):
        connection = getattr(record, "connection", 0)
        what = _what(record)
        if what is None:
            continue
        question, answer = None, None
        match what:
            case Welcome():
                epochs[connection] = what.epoch
            case Accepted() | Refused() if what.ref is not None:
                question = asked.get((connection, what.ref))
                answer = _answer(question, what)
            case _ if isinstance(record, Said):
                command = cast("Command", what)
                asked[connection, command.ref] = command
            case _:
                pass
        yield Entry(device, number, record.at, connection, epochs.get(connection), what, question, answer)


def _what(record: Record) -> What | None:
    match record:
        case Began():
            return None
        case Said():
            return decode_command(bytes(record.command))
        case Heard():
            return _heard(record.frame)
        case _:
            return record


def _heard(frame: Raw) -> Event | Junk | None:
    """None: an event of a kind that this version does not know."""
    try:
        return decode_event(bytes(frame))
    except Undecodable:
        return Junk(bytes(frame).decode(errors="replace"))


def _answer(question: Command | None, event: Accepted | Refused) -> Answer | None:
    if question is None or isinstance(event, Refused):
        return None
    return cast("Answer", msgspec.json.decode(event.result, type=ANSWERS[type(question)]))
