"""Hubs with one mechanism sabotaged, to show that the checker finds what it is there to find.

    python -m tests.planted BUG serve

runs the hub's command line with a method replaced. The product has no switch for this. A bug strikes once in a while,
as bugs do.
"""

import sys
from collections.abc import Callable
from itertools import count
from types import ModuleType
from typing import Any

from msgspec import structs

from protocol.events import Changes, ReplySnapshot
from protocol.ids import SessionId, UserId
from server import cli, messages
from server.attempt import Attempt
from server.fanout import redis_primaries
from server.fanout.frames import Frame
from server.fanout.hub import Hub
from server.fanout.member import Member
from server.fanout.replies import Replies, Text
from server.fanout.room import Room
from server.store import timeline, users
from sql import Statement, load


def once_in(number: int) -> Callable[[], bool]:
    """True at each call whose number is a multiple of this one."""
    calls = count(1)
    return lambda: next(calls) % number == 0


def drop_a_publish() -> None:
    """A durable frame reaches nobody, and the room believes that it did, so nothing repairs it."""
    deliver, strikes = Room._deliver, once_in(20)

    def _deliver(self: Room, told: Frame) -> None:
        if not strikes():
            deliver(self, told)

    Room._deliver = _deliver


def deliver_twice() -> None:
    tell, strikes = Member.tell, once_in(20)

    def _tell(self: Member, frame: Frame) -> None:
        tell(self, frame)
        if frame.seq is not None and strikes():
            self.offer(frame)

    Member.tell = _tell


def swap_two() -> None:
    """A durable frame waits until after the next one."""
    deliver, strikes = Room._deliver, once_in(20)
    waiting: dict[Room, Frame] = {}

    def _deliver(self: Room, told: Frame) -> None:
        if self not in waiting and strikes():
            waiting[self] = told
            return
        deliver(self, told)
        if self in waiting:
            deliver(self, waiting.pop(self))

    Room._deliver = _deliver


def skip_a_number() -> None:
    """A transaction takes two numbers, as one that inserts first and looks afterwards."""
    execute, strikes = users.execute, once_in(10)
    advance = load("users")["advance"]

    async def _execute(conn: Any, statement: Statement, parameters: Any) -> int:
        if statement == advance and strikes():
            await execute(conn, statement, parameters)
        return await execute(conn, statement, parameters)

    users.execute = _execute


def number_twice() -> None:
    """What is sent together is numbered after what was seen, though another change may have come in between.

    Seeing and holding are a moment apart, as on a busy database.
    """
    sends = load("sends")
    compares = b" AND seen.seq = u.seq\n    WHERE u.key"
    careless = sends["send_of_users"].replace(compares, b"\n    WHERE pg_sleep(0.02) IS NOT NULL AND u.key")
    assert careless != sends["send_of_users"], "it was compared"
    sends["send_of_users"] = Statement(careless)


def acknowledge_before_commit() -> None:
    """The receipt is out when the transaction fails."""
    send, strikes = messages.send, once_in(10)

    async def _send(instance: Any, user: Any, draft: Any) -> Any:
        if not strikes() or await _is_there(instance, user, draft):
            return await send(instance, user, draft)
        async with users.numbered(instance.database, user) as change:
            receipt = await messages._add(instance, change, draft)
            await change.conn.execute("ROLLBACK")
            await change.conn.execute("BEGIN")
            change._sessions, change._messages = {}, {}
        return receipt

    messages.send = _send


async def _is_there(instance: Any, user: Any, draft: Any) -> bool:
    async with instance.database.connection() as conn:
        return await messages.messages.receipt(conn, user, draft.message) is not None


def forget_to_resubscribe() -> None:
    """What other instances tell is not heard, and nobody looks whether something was missed.

    It strikes at several instances only, and there at every broker.
    """
    Hub._look_for_gap = lambda self, room: None
    for name, module in list(sys.modules.items()):
        if name.startswith("server.fanout.broker_"):
            _deafen(module)


def _deafen(module: ModuleType) -> None:
    async def _listen(self: Any, user: Any) -> None:
        return None

    for each in list(vars(module).values()):
        if isinstance(each, type) and each.__module__ == module.__name__ and hasattr(each, "listen"):
            each.listen = _listen


def replay_off_by_one() -> None:
    """The first number after the cursor is not in what a device is caught up with."""
    changes = timeline._changes

    def _changes(conn: Any, user: Any, row: Any) -> Changes:
        page = changes(conn, user, row)
        return structs.replace(
            page,
            sessions=[each for each in page.sessions if each.seq > page.since + 1],
            messages=[each for each in page.messages if each.seq > page.since + 1],
        )

    timeline._changes = _changes


def stale_write() -> None:
    """An attempt that was taken over goes on: no write is fenced, no lease ends, no room looks at the attempt."""
    turns = load("turns")
    for name in ("keep", "release", "end_turn"):
        unfenced = turns[name].replace(b"attempt = %(attempt)s", b"%(attempt)s::integer IS NOT NULL")
        assert unfenced != turns[name], "it was fenced"
        turns[name] = Statement(unfenced)
    Replies.take = _take_all
    Attempt._tell_what_waits = _tell_as_two


def _take_all(
    self: Replies, session: SessionId, told: Frame, event: Text, is_shown: Callable[[SessionId], bool]
) -> bool:
    return True


_taken_over = once_in(20)


def _tell_as_two(self: Attempt, now: float) -> None:
    """Another attempt has begun with what is written; this one does not care."""
    if (event := self.writer.tell()) is None:
        return
    self._told_at = now
    self._tell(event)
    if _taken_over():
        taken = self.writer
        self._tell(ReplySnapshot(message=taken.message, attempt=taken.attempt + 1, next=taken.chunks, text=taken.text))


def lossy() -> None:
    """No bug, so nothing may be found: of a hundred frames that other instances tell, one is lost on the way."""
    hear, hear_live, strikes = Hub.hear, Hub.hear_live, once_in(100)

    def _hear(self: Hub, user: UserId, origin: str, told: Frame) -> None:
        if not strikes():
            hear(self, user, origin, told)

    def _hear_live(self: Hub, user: UserId, session: SessionId, told: Frame) -> None:
        if not strikes():
            hear_live(self, user, session, told)

    Hub.hear, Hub.hear_live = _hear, _hear_live


def keep_to_the_first() -> None:
    """The servers of a cluster are found once; who has taken over is never asked.

    Nothing is lost by it, only never heard live again: what a proof over a cluster finds, not the checker.
    """
    ask, found = redis_primaries._ask_around, list[Any]()

    async def _ask_around(seed: Any) -> Any:
        if not found:
            found.append(await ask(seed))
        return found[0]

    redis_primaries._ask_around = _ask_around


BUGS: dict[str, Callable[[], None]] = {
    "drop-a-publish": drop_a_publish,
    "deliver-twice": deliver_twice,
    "swap-two": swap_two,
    "skip-a-number": skip_a_number,
    "number-twice": number_twice,
    "acknowledge-before-commit": acknowledge_before_commit,
    "forget-to-resubscribe": forget_to_resubscribe,
    "replay-off-by-one": replay_off_by_one,
    "stale-write": stale_write,
}


def main() -> None:
    """Plant the bug that the first argument names; the others are the hub's."""
    planted = BUGS | {"lossy": lossy, "keep-to-the-first": keep_to_the_first}
    if len(sys.argv) < 2 or sys.argv[1] not in planted:
        sys.exit(f"Which bug? One of: {', '.join(planted)}")
    planted[sys.argv.pop(1)]()
    cli.main()


if __name__ == "__main__":
    main()
