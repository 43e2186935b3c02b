"""Whatever is told, read and taken in whatever order, a device hears its timeline without a gap and never backwards."""

import sys
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocol.events import Changes, SessionChanged
from protocol.ids import SessionId, UserId
from protocol.model import Device, Session
from protocol.timeline import Outcome, Timeline
from server.fanout.frames import frame
from server.fanout.member import HELD_BYTES, Member
from server.fanout.outbox import MAX_BYTES, Outbox
from server.identity import Identity
from tests.fanout.test_outbox import large_change, parsed, pong
from tests.rows import session_row

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

ADA = Identity(UserId("ada"), expires_at=2e9)


def test_what_a_member_is_told_while_a_page_is_read_is_bounded_and_more_is_another_read() -> None:
    outbox = Outbox()
    member = Member(Device(id="phone", name="phone"), ADA, outbox, outbox.offer, lambda code, reason: None)
    member.hold()
    for seq in range(1, 4):
        member.tell(frame(large_change(seq)))
    assert not member.holding
    assert not member.caught_up(1)
    member.tell(frame(SessionChanged(seq=4)))
    member.hold()
    member.tell(frame(SessionChanged(seq=5)))
    assert member.caught_up(4)
    assert parsed(member.outbox.take(9_999)) == [SessionChanged(seq=5)]


class Slow(RuleBasedStateMachine):
    """A timeline, a device that is told of it through an outbox and the reader at its other end.

    The steps of a catch-up are those of edge/catching_up.py: wait until all is written, hold, read, give the page.
    """

    def __init__(self) -> None:
        super().__init__()
        outbox = Outbox()
        self.member = Member(Device(id="phone", name="phone"), ADA, outbox, outbox.offer, lambda code, reason: None)
        self.reader = Timeline()
        self.titles: list[str] = []
        self.told = 0
        self.page: Changes | None = None
        self.last = 0

    @property
    def outbox(self) -> Outbox:
        return self.member.outbox

    @rule(title=st.sampled_from(["short", "x" * 20_000, "x" * 50_000]), count=st.integers(1, 4))
    def changes(self, title: str, count: int) -> None:
        self.titles.extend([title] * count)

    @rule(count=st.integers(1, 4))
    def is_told(self, count: int) -> None:
        """Sooner or later, and in order: a read may well have it before."""
        for seq in range(self.told + 1, min(self.told + count, len(self.titles)) + 1):
            self.told = seq
            self.member.tell(frame(SessionChanged(seq=seq, sessions=[self.row(seq)])))

    @rule(ref=st.integers(1, 9))
    def answers(self, ref: int) -> None:
        if not self.outbox.full:
            self.outbox.offer(frame(pong(ref)))

    @rule(limit=st.sampled_from([1, 30_000, 10**9]))
    def takes(self, limit: int) -> None:
        for event in parsed(self.outbox.take(limit)):
            assert self.reader.apply(event) is Outcome.APPLIED
            if isinstance(event, SessionChanged | Changes):
                assert event.seq >= self.last, "numbers never go back"
                self.last = event.seq

    @precondition(lambda self: self.page is None and not self.member.in_step and not self.outbox)
    @rule(rows=st.integers(1, 3))
    def reads(self, rows: int) -> None:
        self.member.hold()
        since, head = self.outbox.seq or 0, len(self.titles)
        upto = min(head, since + rows)
        sessions = [self.row(seq) for seq in range(since + 1, upto + 1)]
        self.page = Changes(since=since, seq=upto, more=upto < head, sessions=sessions, messages=[])

    @precondition(lambda self: self.page is not None)
    @rule()
    def gives_the_page(self) -> None:
        assert self.page is not None
        before = self.outbox.seq or 0
        page, self.page = self.page, None
        self.takes(10**9)
        self.outbox.offer(frame(page))
        self.takes(10**9)
        assert self.outbox.seq == page.seq >= before, "each round brings the device nearer"
        if not page.more:
            self.member.caught_up(page.seq)

    @invariant()
    def is_bounded(self) -> None:
        waiting = [*self.outbox._durable, *self.outbox._live.values()]
        assert self.outbox.bytes == sum(map(len, waiting))
        assert self.outbox.bytes <= MAX_BYTES + len(frame(pong()))
        assert self.member.held_bytes <= HELD_BYTES

    @invariant()
    def goes_on_without_a_gap(self) -> None:
        assert set(self.reader.sessions) == {self.row(seq).id for seq in range(1, self.reader.seq + 1)}

    @override
    def teardown(self) -> None:
        for _ in range(4 * len(self.titles) + 4):
            self.is_told(1)
            self.takes(10**9)
            if self.page is not None:
                self.gives_the_page()
            elif not self.member.in_step:
                self.reads(3)
        assert self.member.in_step
        assert self.reader.seq == len(self.titles)
        assert {row.title for row in self.reader.sessions.values()} == set(self.titles)

    def row(self, seq: int) -> Session:
        return session_row(SessionId(UUID(int=seq)), "ada", seq, title=self.titles[seq - 1])


TestASlowDevice = Slow.TestCase
TestASlowDevice.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
