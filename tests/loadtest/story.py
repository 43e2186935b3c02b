"""A short history of one learner with two devices, in which every promise is kept, and ways to spoil it.

On `phone` a session is created and a message sent; the tutor answers "So: tea." in two pieces; `laptop` reads along.
Each record has a name, such as `added` for the event of the message.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Raw, Struct, structs

from loadtest.checker import check
from loadtest.dump import Dump, MessageRow, TurnRow, UserRow
from loadtest.evidence import Leniency
from loadtest.history import Began, Ended, Heard, History, Opened, Record, Said, Shown, Told
from loadtest.verdict import Verdict
from protocol import commands as say
from protocol.answers import MessagePage, Sent
from protocol.codec import encode
from protocol.commands import Command
from protocol.events import (
    Accepted,
    Changes,
    Event,
    MessageAdded,
    ReplySettled,
    ReplySnapshot,
    SessionAdded,
    Snapshot,
    TokenAdded,
    Welcome,
)
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Limits, Message, Session, TutorName
from tests.rows import session_row

USER = "learner-1"
EPOCH = "1:00000001:x"
ANSWER = "So: tea."
SESSION = SessionId(UUID(int=1))
ASKED = MessageId(UUID(int=2))
REPLY = MessageId(UUID(int=3))
OTHER = MessageId(UUID(int=4))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

RECEIPT = Sent(session=SESSION, message=ASKED, reply=REPLY, position=1, seq=2)
SEND = say.MessageSend(ref=3, session=SESSION, message=ASKED, content="learner-1 asks 1: tea?")


def session(seq: int, count: int = 2) -> Session:
    return session_row(SESSION, USER, seq, title="Tea", message_count=count)


def asked(**changes: Any) -> Message:
    row = Message(id=ASKED, session_id=SESSION, position=1, type="user", content=SEND.content, created_at=NOON, seq=2)
    return structs.replace(row, **changes)


def reply(**changes: Any) -> Message:
    row = Message(
        id=REPLY,
        session_id=SESSION,
        position=2,
        type="assistant",
        content="",
        status="pending",
        reply_to=ASKED,
        created_at=NOON,
        seq=2,
    )
    return structs.replace(row, **changes)


def settled(text: str = ANSWER, **changes: Any) -> Message:
    return reply(**({"content": text, "status": "complete", "seq": 3} | changes))


def piece(chunk: int, text: str, attempt: int = 1) -> TokenAdded:
    return TokenAdded(message=REPLY, attempt=attempt, chunk=chunk, next=chunk + 1, text=text)


def begins(attempt: int = 1, text: str = "", next: int = 0) -> ReplySnapshot:
    return ReplySnapshot(message=REPLY, attempt=attempt, next=next, text=text)


def accepted(ref: int, answer: Any) -> Accepted:
    return Accepted(ref=ref, result=Raw(encode(answer)))


ENDED = ReplySettled(seq=3, sessions=[session(3)], messages=[settled()])
ADDED = MessageAdded(seq=2, sessions=[session(2)], messages=[asked(), reply()])
WELCOME = Welcome(
    ref=0,
    epoch=EPOCH,
    seq=0,
    device="x",
    limits=Limits(1, 1, 1, 1, 1, 1),
    heartbeat_ms=1,
    tutor=TutorName("x", local=False, note=""),
)
PAGE = MessagePage(session=session(1, 0), messages=[], replies=[], before=None, after=None)
SHOWN = Shown(at=0, in_step=True, epoch=EPOCH, seq=3, sessions=[session(3)], opened={SESSION: [asked(), settled()]})

Step = Event | Command | Record


class Named(Struct):
    """A record to be, and how a test calls it."""

    name: str
    step: Step


class Story:
    """The records of both devices, in one order of time, a tenth of a second apart."""

    def __init__(self) -> None:
        self.devices = {"phone": _phone(), "laptop": _laptop()}
        self.dump = Dump(
            users=[UserRow(user_id=UserId(USER), seq=3, horizon=0, epoch=EPOCH)],
            sessions=[session(3)],
            messages=[MessageRow(UserId(USER), 2, asked()), MessageRow(UserId(USER), 2, settled())],
            turns=[],
        )
        self.leniency = Leniency()
        self.late: dict[str, float] = {}

    def place(self, device: str, name: str) -> int:
        return next(at for at, each in enumerate(self.devices[device]) if each.name == name)

    def drop(self, device: str, name: str) -> None:
        del self.devices[device][self.place(device, name)]

    def change(self, device: str, name: str, step: Step) -> None:
        self.devices[device][self.place(device, name)] = Named(name, step)

    def after(self, device: str, name: str, *steps: Step) -> None:
        at = self.place(device, name) + 1
        self.devices[device][at:at] = [Named("added by the test", step) for step in steps]

    def swap(self, device: str, one: str, other: str) -> None:
        steps = self.devices[device]
        here, there = self.place(device, one), self.place(device, other)
        steps[here], steps[there] = steps[there], steps[here]

    def store(self, *rows: Message) -> None:
        """The database holds these messages, and no others."""
        self.dump = structs.replace(self.dump, messages=[MessageRow(UserId(USER), 2, row) for row in rows])

    def leave(self, turn: TurnRow) -> None:
        self.dump = structs.replace(self.dump, turns=[turn])

    def judged(self, folder: Path) -> Verdict:
        """What the checker says."""
        for device, steps in self.devices.items():
            with History(folder, USER, device) as history:
                connection, at = 0, 0.0
                for each in steps:
                    at += self.late.get(each.name, 0.1)
                    connection += isinstance(each.step, Opened)
                    history.write(_record(each.step, at, connection))
        return check(folder, self.dump, lambda _: ANSWER, self.leniency)


def opened() -> Opened:
    return Opened(at=0, connection=0, hub="hub", since=None)


def _joined() -> list[Named]:
    empty = Snapshot(epoch=EPOCH, seq=0, sessions=[], cursor=None)
    return [Named("opened", opened()), Named("welcome", WELCOME), Named("snapshot", empty)]


def _read_along() -> list[Named]:
    return [
        Named("open", say.SessionOpen(ref=2, session=SESSION)),
        Named("page", accepted(2, PAGE)),
    ]


def _answered() -> list[Named]:
    return [
        Named("begins", begins()),
        Named("first", piece(0, "So: ")),
        Named("second", piece(1, "tea.")),
        Named("ended", ENDED),
        Named("shown", SHOWN),
    ]


def _created() -> list[Named]:
    return [Named("created", SessionAdded(seq=1, sessions=[session(1, 0)]))]


def _phone() -> list[Named]:
    return [
        *_joined(),
        Named("create", say.SessionCreate(ref=1, session=SESSION)),
        *_created(),
        Named("create accepted", accepted(1, session(1, 0))),
        *_read_along(),
        Named("send", SEND),
        Named("added", ADDED),
        Named("sent", accepted(3, RECEIPT)),
        Named("told", _told()),
        *_answered(),
    ]


def _laptop() -> list[Named]:
    return [*_joined(), *_created(), *_read_along(), Named("added", ADDED), *_answered()]


def _told() -> Told:
    return Told(at=0, message=ASKED, session=SESSION, content=SEND.content, outcome="acknowledged", receipt=RECEIPT)


def caught_up(since: int, seq: int, sessions: list[Session], messages: list[Message]) -> Changes:
    return Changes(since=since, seq=seq, more=False, sessions=sessions, messages=messages)


def _record(step: Step, at: float, connection: int) -> Record:
    match step:
        case Began() | Told() | Shown():
            return structs.replace(step, at=at)
        case Opened() | Ended():
            return structs.replace(step, at=at, connection=connection)
        case _ if isinstance(step, Record):
            return step
        case _ if isinstance(step, Command):
            return Said(at=at, connection=connection, command=Raw(encode(step)))
        case _:
            return Heard(at=at, connection=connection, frame=Raw(encode(step)))
