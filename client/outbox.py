"""What a device has said and the hub may not have heard: queued → sent → acked → dropped. No I/O, no clock.

It outlives sockets: what was sent and not answered is said again, in the order in which it was given. So it takes
only commands that may be said twice. It is kept in memory: hand it to the next connection of the same user, and nothing
is lost but what dies with the process. Acknowledged sends are kept for ten minutes, because a hub that comes
back from an older copy of its database may have forgotten them; refused ones are kept, with their text,
until they are said again or forgotten. What adds and can't be done now is no refusal: it is said again, later, for as
long as it takes, and what was to be added to its session after it, or to delete that, waits behind it. So is the
opening of a session.
"""

from collections.abc import Iterator
from enum import Enum
from itertools import count
from math import inf
from typing import TypeGuard

from msgspec import Struct

from protocol import commands as say
from protocol.commands import Ref
from protocol.errors import Problem, Reason
from protocol.ids import MessageId, SessionId

WINDOW = 64
"""Commands that are sent and not answered; the hub closes on a device that has 256 waiting."""
KEPT = 600.0
"""Seconds that an acknowledged send is kept."""
MISSED = 60.0
"""Seconds after the hub has forgotten something in which another device may bring back the session of a send."""

Question = say.SessionList | say.SessionSearch | say.SessionOpen | say.MessageList
Repeatable = (
    Question
    | say.SessionCreate
    | say.SessionUpdate
    | say.SessionDelete
    | say.SessionRestore
    | say.SessionClose
    | say.MessageSend
    | say.MessageEdit
    | say.MessageDelete
    | say.ReplyStop
    | say.ReadMark
)
"""What may be said twice. A `session.create` needs the device's id for that."""


NOT_NOW = frozenset(
    {
        Reason.UNAVAILABLE,
        Reason.STORAGE_FULL,
        Reason.INTERNAL,
        Reason.DRAINING,
        Reason.TOO_MANY_PENDING,
        Reason.OVERLOADED,
        Reason.RATE_LIMITED,
    }
)
"""The reasons that are about the hub and not about the command."""


class State(Enum):
    QUEUED = "queued"
    SENT = "sent"
    ACKED = "acked"
    FAILED = "failed"


class Item(Struct):
    """A command and how far it has come. `times`: how often it was said; `not_before`: when it may be said again;
    `renewed_at`: when the hub was last found to have forgotten what it had acknowledged.
    """

    command: Repeatable
    state: State = State.QUEUED
    times: int = 0
    not_before: float = -inf
    acked_at: float = 0.0
    renewed_at: float = -inf
    problem: Problem | None = None


class Outbox:
    """Of one user. `now` is any clock in seconds that goes on while the outbox lives."""

    def __init__(self) -> None:
        self._refs = count(1)
        self._items: dict[Ref, Item] = {}

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def fresh_ref(self) -> Ref:
        """For any command of the device, kept here or not."""
        return next(self._refs)

    def add(self, command: Repeatable) -> None:
        """Queue it. A send that had failed is not held twice."""
        if isinstance(command, say.MessageSend):
            self.forget_message(command.message)
        self._items[command.ref] = Item(command)

    def due(self, now: float) -> list[Repeatable]:
        """What is to be said now; it counts as sent."""
        room = WINDOW - sum(item.state is State.SENT for item in self)
        due = self._due(now)[: max(room, 0)]
        for item in due:
            item.state = State.SENT
            item.times += 1
        return [item.command for item in due]

    def next_due(self, now: float) -> float | None:
        """When something is due that is not now. None: that does not depend on the time."""
        postponed = [item.not_before for item in self if item.state is State.QUEUED and item.not_before > now]
        return min(postponed, default=None)

    def find(self, ref: Ref) -> Repeatable | None:
        """The command that waits for its answer."""
        item = self._items.get(ref)
        return item.command if item is not None and item.state is State.SENT else None

    def asks_for(self, session: SessionId) -> bool:
        """The last page of a session is asked for already, and will be said."""
        return any(
            isinstance(item.command, say.SessionOpen)
            and item.command.session == session
            and item.command.before is None
            for item in self
        )

    def accept(self, ref: Ref, now: float) -> None:
        """It is done. What the hub may have to be told again is kept for a while."""
        item = self._items.pop(ref, None)
        if item is not None and _adds(item.command):
            item.state, item.acked_at = State.ACKED, now
            self._items[ref] = item
        self._expire(now)

    def postpone(self, ref: Ref, problem: Problem, until: float) -> bool:
        """It can't be done now, and is said again then. False: it is refused, not now and not later."""
        item = self._items.get(ref)
        if item is None or not (_can_wait(item.command) and (_is_not_now(problem) or _is_missed(item, problem, until))):
            return False
        item.state, item.not_before = State.QUEUED, until
        return True

    def refuse(self, ref: Ref, problem: Problem) -> bool:
        """It will not be done. False: it was done before, so this refusal says nothing."""
        item = self._items.pop(ref, None)
        if item is None:
            return True
        if isinstance(item.command, say.MessageSend):
            item.state, item.problem = State.FAILED, problem
            self._items[ref] = item
        return not (item.times > 1 and _is_gone(item.command, problem))

    def lose(self) -> None:
        """The socket is gone: what was sent and not answered is to be said again."""
        for item in self:
            if item.state is State.SENT:
                item.state = State.QUEUED

    def renew(self, now: float) -> None:
        """The hub has forgotten its latest changes: what it acknowledged lately is to be said again, in order."""
        self._expire(now)
        for item in self:
            if item.state is State.ACKED:
                item.state, item.renewed_at = State.QUEUED, now
        self._items = dict(sorted(self._items.items()))

    def abandon(self, ref: Ref) -> None:
        """Nobody waits for its answer any more: a question that was not sent need not be."""
        item = self._items.get(ref)
        if item is not None and item.state is State.QUEUED and isinstance(item.command, Question):
            del self._items[ref]

    def forget_message(self, message: MessageId) -> None:
        """Drop a send that failed."""
        for item in [item for item in self.failed() if item.command.ref in self._items]:
            if isinstance(item.command, say.MessageSend) and item.command.message == message:
                del self._items[item.command.ref]

    def unsettled(self) -> list[say.MessageSend]:
        """The sends that are not acknowledged yet, in order."""
        waiting = (State.QUEUED, State.SENT)
        return [item.command for item in self if item.state in waiting and isinstance(item.command, say.MessageSend)]

    def failed(self) -> list[Item]:
        """The sends that were refused, with their text and why."""
        return [item for item in self if item.state is State.FAILED]

    def _due(self, now: float) -> list[Item]:
        """What is queued, in order, but for what is postponed, and what stands in its line behind it."""
        due: list[Item] = []
        held: set[tuple[str, SessionId | None]] = set()
        for item in [item for item in self if item.state is State.QUEUED]:
            line = _line_of(item.command)
            if item.not_before <= now and line not in held:
                due.append(item)
            elif line is not None:
                held.add(line)
        return due

    def _expire(self, now: float) -> None:
        """Drop what was acknowledged long ago."""
        for ref in [ref for ref, item in self._items.items() if _is_old(item, now)]:
            del self._items[ref]


def _adds(command: Repeatable) -> TypeGuard[say.MessageSend | say.SessionCreate]:
    """It adds under an id of ours, so it does no harm twice. Saying a rename again could undo another's."""
    return isinstance(command, say.MessageSend | say.SessionCreate)


def _can_wait(command: Repeatable) -> bool:
    """It is asked for until the hub can do it: what adds, and the page without which nothing of a session is shown."""
    return _adds(command) or isinstance(command, say.SessionOpen)


def _line_of(command: Repeatable) -> tuple[str, SessionId | None] | None:
    """Where one waits, what follows in its line waits: what adds to a session, deletes or restores it; what opens it.

    None: it waits for nothing.
    """
    match command:
        case say.MessageSend() | say.SessionCreate() | say.SessionDelete() | say.SessionRestore():
            return "within", command.session
        case say.SessionOpen() | say.SessionClose():
            return "shown", command.session
        case _:
            return None


def _is_not_now(problem: Problem) -> bool:
    return problem.retryable and problem.code in NOT_NOW


def _is_missed(item: Item, problem: Problem, until: float) -> bool:
    """The session was forgotten, too, and whoever made it has not yet said so again."""
    return problem.code is Reason.NOT_FOUND and until < item.renewed_at + MISSED


def _is_old(item: Item, now: float) -> bool:
    return item.state is State.ACKED and now - item.acked_at >= KEPT


def _is_gone(command: Repeatable, problem: Problem) -> bool:
    return isinstance(command, say.SessionDelete | say.MessageDelete) and problem.code is Reason.NOT_FOUND
