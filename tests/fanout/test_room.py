"""A room delivers durable events in order, whatever order they were told in, and asks for what is missing.
Long because every rule of a room has a test.
"""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from protocol.events import (
    Changes,
    ReplySettled,
    ReplySnapshot,
    SessionChanged,
    SessionRemoved,
    TokenAdded,
    TypingChanged,
)
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Device, Message, Reply
from server.fanout.frames import frame
from server.fanout.member import Member
from server.fanout.outbox import Outbox
from server.fanout.room import WAITING_FRAMES, Room
from server.identity import Identity
from tests.rows import NOON, session_row

ADA = Identity(UserId("ada"), expires_at=2e9)
SESSION = SessionId(UUID(int=1))
REPLY = MessageId(UUID(int=2))


class Listening(Member):
    """A member whose outbox is not emptied by a socket; `heard` looks into it."""

    def __init__(self, name: str = "phone") -> None:
        outbox = Outbox()
        super().__init__(Device(id=name, name=name), ADA, outbox, outbox.offer, lambda code, reason: None)

    @property
    def heard(self) -> list[object]:
        return [waiting.event for waiting in [*self.outbox._durable, *self.outbox._live.values()]]

    @property
    def numbers(self) -> list[int]:
        return [event.seq for event in self.heard if isinstance(event, SessionChanged | Changes | ReplySettled)]


def changed(seq: int) -> SessionChanged:
    return SessionChanged(seq=seq)


def pending(seq: int) -> Message:
    return Message(
        id=REPLY,
        session_id=SESSION,
        position=2,
        type="assistant",
        content="",
        status="pending",
        created_at=datetime.now(UTC),
        seq=seq,
    )


def joined(room: Room, seq: int, name: str = "phone") -> Listening:
    member = Listening(name)
    room.members.add(member)
    if room.head is None:
        room.reach(seq, "epoch")
    member.caught_up(seq)
    return member


def tell(room: Room, seq: int) -> None:
    room.offer(frame(changed(seq)), changed(seq))


@given(order=st.permutations(range(1, 9)), again=st.lists(st.integers(1, 8), max_size=5))
def test_what_is_told_in_any_order_and_more_than_once_is_delivered_once_in_order(
    order: list[int], again: list[int]
) -> None:
    room = Room(UserId("ada"))
    member = joined(room, 0)
    for seq in [*order, *again]:
        tell(room, seq)
    assert member.numbers == list(range(1, 9))
    assert not room.gap


@given(missing=st.integers(1, 7), order=st.permutations(range(1, 9)))
def test_a_missing_number_is_a_gap_until_what_is_between_was_read(missing: int, order: list[int]) -> None:
    room = Room(UserId("ada"))
    member = joined(room, 0)
    for seq in order:
        if seq != missing:
            tell(room, seq)
    assert room.gap
    assert member.numbers == list(range(1, missing))
    room.repair(Changes(since=missing - 1, seq=missing, more=False, sessions=[], messages=[]), room.begin_repair())
    assert not room.gap
    assert member.numbers == list(range(1, 9))


@given(joins_after=st.integers(0, 8), read=st.integers(0, 8))
def test_who_joins_in_the_midst_gets_what_came_after_its_read_and_nothing_twice(joins_after: int, read: int) -> None:
    read = max(read, joins_after)
    room = Room(UserId("ada"))
    joined(room, 0, "laptop")
    for seq in range(1, joins_after + 1):
        tell(room, seq)
    member = Listening()
    room.members.add(member)
    for seq in range(joins_after + 1, 9):
        tell(room, seq)
    member.caught_up(read)
    assert member.numbers == list(range(read + 1, 9))


def test_what_was_told_while_the_first_one_read_and_is_not_next_is_a_gap() -> None:
    room = Room(UserId("ada"))
    member = Listening()
    room.members.add(member)
    tell(room, 5)
    assert not room.gap, "somebody is reading"
    room.reach(3, "epoch")
    assert room.gap
    member.caught_up(3)
    room.repair(Changes(since=3, seq=4, more=False, sessions=[], messages=[]), room.begin_repair())
    assert member.numbers == [4, 5]


def test_the_first_to_join_gets_what_was_told_while_it_read() -> None:
    room = Room(UserId("ada"))
    member = Listening()
    room.members.add(member)
    for seq in (3, 5, 4):
        tell(room, seq)
    room.reach(3, "epoch")
    member.caught_up(3)
    assert member.numbers == [4, 5]


def test_a_higher_number_that_somebody_has_read_is_a_gap() -> None:
    room = Room(UserId("ada"))
    joined(room, 3)
    room.know(3)
    assert not room.gap
    room.know(4)
    assert room.gap
    room.repair(Changes(since=3, seq=4, more=False, sessions=[], messages=[]), room.begin_repair())
    assert not room.gap


def test_a_room_that_was_left_by_all_does_not_believe_in_its_head_any_more() -> None:
    room = Room(UserId("ada"))
    room.leave(joined(room, 0))
    tell(room, 1)
    late = joined(room, 5)
    tell(room, 6)
    assert late.numbers == [6]


def test_only_who_opened_the_session_gets_its_text_and_nobody_hears_of_their_own_typing() -> None:
    room = Room(UserId("ada"))
    reads, other = joined(room, 0, "reads"), joined(room, 0, "other")
    room.open_session(SESSION, reads)
    begun = ReplySnapshot(message=REPLY, attempt=1, next=0, text="")
    token = TokenAdded(message=REPLY, attempt=1, chunk=0, next=1, text="a")
    typing = TypingChanged(session=SESSION, who="reads", name="reads", active=True)
    for event in (begun, token, typing):
        room.offer_live(SESSION, frame(event), event)
    assert reads.heard == [ReplySnapshot(message=REPLY, attempt=1, next=1, text="a")]
    assert other.heard == [typing]


def test_who_has_closed_it_or_has_left_or_whose_session_is_deleted_gets_no_text() -> None:
    room = Room(UserId("ada"))
    closes, leaves, reads = joined(room, 0, "closes"), joined(room, 0, "leaves"), joined(room, 0, "reads")
    for member in (closes, leaves, reads, reads):
        room.open_session(SESSION, member)
    room.close_session(SESSION, closes)
    room.close_session(SESSION, closes)
    room.leave(leaves)
    assert room.shown == {SESSION}
    begun = ReplySnapshot(message=REPLY, attempt=1, next=1, text="a")
    room.offer_live(SESSION, frame(begun), begun)
    assert (closes.heard, leaves.heard, reads.heard) == ([], [], [begun])
    gone = SessionRemoved(seq=1, sessions=[session_row(SESSION, "ada", deleted_at=NOON)], messages=[])
    room.offer(frame(gone), gone)
    assert room.shown == set()
    token = TokenAdded(message=REPLY, attempt=1, chunk=1, next=2, text="b")
    room.offer_live(SESSION, frame(token), token)
    assert token not in reads.heard


def test_text_that_came_before_its_message_is_told_again_after_it() -> None:
    """A device knows nothing of a message that it has not: its text would be lost until the reply has settled."""
    room = Room(UserId("ada"))
    member = joined(room, 1)
    room.open_session(SESSION, member)
    begun = ReplySnapshot(message=REPLY, attempt=1, next=1, text="a")
    room.offer_live(SESSION, frame(begun), begun)
    member.outbox.take(1_000)
    changes = Changes(since=1, seq=2, more=False, sessions=[], messages=[pending(2)])
    room.repair(changes, room.begin_repair())
    assert member.heard == [changes, begun]


def test_frames_of_a_lower_attempt_are_not_held_as_the_text_so_far() -> None:
    """P6: a zombie's pieces do not get into what a late device is given."""
    room = Room(UserId("ada"))
    joined(room, 0)
    for event in (
        ReplySnapshot(message=REPLY, attempt=2, next=0, text=""),
        TokenAdded(message=REPLY, attempt=2, chunk=0, next=1, text="new"),
        TokenAdded(message=REPLY, attempt=1, chunk=1, next=2, text="old"),
        ReplySnapshot(message=REPLY, attempt=1, next=3, text="older"),
    ):
        room.offer_live(SESSION, frame(event), event)
    held = room.replies.held(REPLY)
    assert held is not None
    assert (held.attempt, held.text) == (2, "new")


def test_a_settled_reply_is_no_longer_held() -> None:
    room = Room(UserId("ada"))
    joined(room, 0)
    begun = ReplySnapshot(message=REPLY, attempt=1, next=0, text="")
    room.offer_live(SESSION, frame(begun), begun)
    settled = ReplySettled(seq=1, messages=[structs.replace(pending(1), content="done", status="complete")])
    room.offer(frame(settled), settled)
    assert room.replies.of(SESSION) == {}


@pytest.mark.parametrize("quicker", [10, 12])
def test_of_two_who_join_first_neither_misses_what_was_committed_between_their_reads(quicker: int) -> None:
    """P3: 11 and 12 were told while both read, and waited for nobody."""
    room = Room(UserId("ada"))
    members = {seq: Listening(str(seq)) for seq in (10, 12)}
    room.members.update(members.values())
    tell(room, 11)
    tell(room, 12)
    for seq in sorted(members, key=lambda seq: seq != quicker):
        if room.head is None:
            room.reach(seq, "epoch")
        if seq >= room.began:
            members[seq].caught_up(seq)
    left_out = members[10].holding is not None
    assert left_out == (quicker == 12), "it is to read again"
    assert members[12].numbers == []
    assert members[10].numbers == ([] if left_out else [11, 12])


def test_a_number_that_was_never_given_is_dropped_once_all_was_read() -> None:
    room = Room(UserId("ada"))
    member = joined(room, 1)
    tell(room, 999)
    tell(room, 3)
    heard_of = room.begin_repair()
    tell(room, 4)
    changes = Changes(since=1, seq=3, more=False, sessions=[], messages=[])
    assert room.repair(changes, heard_of) == 1
    assert not room.gap
    assert (member.numbers, room.head) == ([3, 4], 4)


def test_what_cannot_wait_any_more_is_a_gap_that_is_read() -> None:
    room = Room(UserId("ada"))
    joined(room, 0)
    for seq in range(2, 2 + 2 * WAITING_FRAMES):
        tell(room, seq)
    assert len(room._waiting) == WAITING_FRAMES
    last = 1 + 2 * WAITING_FRAMES
    room.repair(Changes(since=0, seq=last, more=False, sessions=[], messages=[]), room.begin_repair())
    assert (room.head, room.gap) == (last, False)


def test_a_doubt_that_comes_during_a_read_is_another_read() -> None:
    room = Room(UserId("ada"))
    joined(room, 0)
    room.doubted = True
    heard_of = room.begin_repair()
    room.doubted = True
    room.repair(Changes(since=0, seq=1, more=False, sessions=[], messages=[]), heard_of)
    assert room.gap


def test_a_read_that_ends_after_the_reply_does_not_bring_its_text_back() -> None:
    room = Room(UserId("ada"))
    joined(room, 0)
    settled = ReplySettled(seq=1, messages=[structs.replace(pending(1), content="done", status="complete")])
    room.offer(frame(settled), settled)
    room.fill(SESSION, Reply(message=REPLY, attempt=1, next=1, text="do"))
    assert room.replies.of(SESSION) == {}


def test_an_end_that_was_told_before_or_comes_too_early_does_not_take_the_text_of_an_open_reply() -> None:
    room = Room(UserId("ada"))
    joined(room, 5)
    begun = ReplySnapshot(message=REPLY, attempt=1, next=1, text="a")
    room.offer_live(SESSION, frame(begun), begun)
    for seq in (1, 9):
        settled = ReplySettled(seq=seq, messages=[structs.replace(pending(seq), content="x", status="complete")])
        room.offer(frame(settled), settled)
    token = TokenAdded(message=REPLY, attempt=1, chunk=1, next=2, text="b")
    room.offer_live(SESSION, frame(token), token)
    held = room.replies.held(REPLY)
    assert held is not None
    assert held.text == "ab"


def test_an_end_that_waited_for_the_read_of_who_joins_is_an_end() -> None:
    room = Room(UserId("ada"))
    begun = ReplySnapshot(message=REPLY, attempt=1, next=1, text="a")
    room.written.add(REPLY)
    room.offer_live(SESSION, frame(begun), begun)
    room.members.add(Listening())
    settled = ReplySettled(seq=3, messages=[structs.replace(pending(3), content="x", status="complete")])
    room.offer(frame(settled), settled)
    room.reach(3, "epoch")
    assert room.replies.of(SESSION) == {}


def test_who_joins_is_not_shown_as_open_what_settled_unheard_while_nobody_was_there() -> None:
    """As on an instance that hears nothing, and writes another reply of the same user meanwhile."""
    room = Room(UserId("ada"))
    phone = joined(room, 3)
    other = MessageId(UUID(int=9))
    room.written.add(other)
    for message in (REPLY, other):
        begun = ReplySnapshot(message=message, attempt=1, next=1, text="a")
        room.offer_live(SESSION, frame(begun), begun)
    room.leave(phone)
    joined(room, 4, "tablet")
    assert set(room.replies.of(SESSION)) == {other}
