"""What the outbox of a client keeps, says again and lets go.

Long because each rule of it is a case.
"""

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.outbox import KEPT, MISSED, NOT_NOW, WINDOW, Outbox, State
from protocol.commands import (
    Command,
    MessageDelete,
    MessageSend,
    SessionClose,
    SessionCreate,
    SessionDelete,
    SessionList,
    SessionOpen,
    SessionRestore,
    SessionUpdate,
)
from protocol.errors import Problem, Reason
from protocol.ids import MessageId, SessionId, fresh_message_id, fresh_session_id

SESSIONS = [SessionId(UUID(int=number)) for number in range(2)]


def problem(code: Reason = Reason.IDEMPOTENCY_CONFLICT, *, retryable: bool = False) -> Problem:
    return Problem(type="about:blank", title="No", status=409, detail="no", code=code, retryable=retryable)


def send(outbox: Outbox, text: str = "hello", session: SessionId = SESSIONS[0]) -> MessageSend:
    command = MessageSend(ref=outbox.fresh_ref(), session=session, message=fresh_message_id(), content=text)
    outbox.add(command)
    return command


def test_what_is_added_is_due_once() -> None:
    outbox = Outbox()
    sends = [send(outbox) for _ in range(3)]
    assert outbox.due(now=0) == sends
    assert outbox.due(now=0) == []


def test_only_so_many_are_sent_without_an_answer() -> None:
    outbox = Outbox()
    sends = [send(outbox) for _ in range(WINDOW + 2)]
    assert outbox.due(now=0) == sends[:WINDOW]
    outbox.accept(sends[5].ref, now=0)
    assert outbox.due(now=0) == [sends[WINDOW]]


def test_what_was_sent_and_not_answered_is_due_again_before_what_came_later() -> None:
    outbox = Outbox()
    first = [send(outbox), send(outbox)]
    outbox.due(now=0)
    outbox.accept(first[0].ref, now=0)
    later = send(outbox)
    outbox.lose()
    assert outbox.due(now=0) == [first[1], later]


def test_a_refused_send_keeps_its_text_until_it_is_said_again() -> None:
    outbox = Outbox()
    command = send(outbox, "precious")
    outbox.due(now=0)
    assert outbox.refuse(command.ref, problem())
    [failed] = outbox.failed()
    assert (failed.command, failed.problem) == (command, problem())
    assert outbox.due(now=0) == []
    again = MessageSend(
        ref=outbox.fresh_ref(), session=command.session, message=command.message, content=command.content
    )
    outbox.add(again)
    assert outbox.failed() == []
    assert outbox.due(now=0) == [again]


@pytest.mark.parametrize("reason", NOT_NOW)
def test_a_send_that_cannot_be_done_now_is_said_again_then(reason: Reason) -> None:
    outbox = Outbox()
    command = send(outbox)
    outbox.due(now=0)
    assert outbox.postpone(command.ref, problem(reason, retryable=True), until=5)
    assert (outbox.failed(), outbox.unsettled()) == ([], [command])
    assert (outbox.due(now=4.9), outbox.next_due(now=4.9)) == ([], 5)
    assert (outbox.due(now=5), outbox.next_due(now=5)) == ([command], None)
    assert outbox.postpone(command.ref, problem(reason, retryable=True), until=10), "for as long as it takes"


def test_what_follows_a_postponed_send_waits_behind_it_in_its_session_and_nowhere_else() -> None:
    outbox = Outbox()
    create = SessionCreate(ref=outbox.fresh_ref(), session=SESSIONS[0])
    outbox.add(create)
    outbox.due(now=0)
    first, other = send(outbox), send(outbox, session=SESSIONS[1])
    listing = SessionList(ref=outbox.fresh_ref())
    outbox.add(listing)
    outbox.postpone(create.ref, problem(Reason.UNAVAILABLE, retryable=True), until=5)
    assert outbox.due(now=0) == [other, listing]
    assert outbox.due(now=5) == [create, first]


def test_a_session_is_not_deleted_before_what_was_to_be_added_to_it_nor_restored_before_it_is_deleted() -> None:
    outbox = Outbox()
    command = send(outbox)
    outbox.due(now=0)
    delete, other = (SessionDelete(ref=outbox.fresh_ref(), session=session) for session in SESSIONS[:2])
    restore = SessionRestore(ref=outbox.fresh_ref(), session=SESSIONS[0])
    for change in (delete, other, restore):
        outbox.add(change)
    outbox.postpone(command.ref, problem(Reason.UNAVAILABLE, retryable=True), until=5)
    assert outbox.due(now=0) == [other]
    assert outbox.due(now=5) == [command, delete, restore]


@pytest.mark.parametrize(
    ("reason", "retryable"), [(Reason.NOT_FOUND, False), (Reason.REPLY_RUNNING, True), (Reason.UNAVAILABLE, False)]
)
def test_what_is_refused_for_another_reason_is_not_postponed(reason: Reason, retryable: bool) -> None:
    outbox = Outbox()
    command = send(outbox)
    outbox.due(now=0)
    assert not outbox.postpone(command.ref, problem(reason, retryable=retryable), until=5)


def test_the_opening_of_a_session_waits_and_with_it_what_opens_and_closes_it_later() -> None:
    outbox = Outbox()
    opening = SessionOpen(ref=outbox.fresh_ref(), session=SESSIONS[0])
    outbox.add(opening)
    outbox.due(now=0)
    assert outbox.postpone(opening.ref, problem(Reason.RATE_LIMITED, retryable=True), until=5)
    closing = SessionClose(ref=outbox.fresh_ref(), session=SESSIONS[0])
    again = SessionOpen(ref=outbox.fresh_ref(), session=SESSIONS[0])
    other = SessionOpen(ref=outbox.fresh_ref(), session=SESSIONS[1])
    for command in (closing, again, other):
        outbox.add(command)
    message = send(outbox)
    assert outbox.due(now=0) == [other, message]
    assert outbox.due(now=5) == [opening, closing, again]


def test_what_adds_nothing_is_not_postponed() -> None:
    """A rename that is done much later could undo another's; whoever asks a question waits for the answer."""
    outbox = Outbox()
    outbox.add(SessionUpdate(ref=1, session=SESSIONS[0], title="x"))
    outbox.add(SessionList(ref=2))
    outbox.due(now=0)
    assert not outbox.postpone(1, problem(Reason.UNAVAILABLE, retryable=True), until=5)
    assert not outbox.postpone(2, problem(Reason.UNAVAILABLE, retryable=True), until=5)


def test_a_failed_send_can_be_forgotten() -> None:
    outbox = Outbox()
    command, other = send(outbox), send(outbox)
    outbox.due(now=0)
    outbox.refuse(command.ref, problem())
    outbox.forget_message(command.message)
    outbox.forget_message(other.message)
    assert outbox.failed() == []
    assert outbox.unsettled() == [other]


def test_another_refused_command_is_not_kept() -> None:
    outbox = Outbox()
    outbox.add(SessionUpdate(ref=1, session=SESSIONS[0], title="x"))
    outbox.due(now=0)
    assert outbox.refuse(1, problem())
    assert list(outbox) == []


def test_a_deletion_that_is_said_again_and_finds_nothing_was_done() -> None:
    outbox = Outbox()
    outbox.add(MessageDelete(ref=1, message=fresh_message_id()))
    outbox.due(now=0)
    outbox.lose()
    outbox.due(now=0)
    assert not outbox.refuse(1, problem(Reason.NOT_FOUND))


def test_a_deletion_of_nothing_is_refused() -> None:
    outbox = Outbox()
    outbox.add(MessageDelete(ref=1, message=fresh_message_id()))
    outbox.due(now=0)
    assert outbox.refuse(1, problem(Reason.NOT_FOUND))


def test_what_adds_is_said_again_to_a_hub_that_has_forgotten_it_and_nothing_else_is() -> None:
    outbox = Outbox()
    create = SessionCreate(ref=outbox.fresh_ref(), session=fresh_session_id())
    outbox.add(create)
    message = send(outbox)
    rename = SessionUpdate(ref=outbox.fresh_ref(), session=SESSIONS[0], title="x")
    outbox.add(rename)
    for command in outbox.due(now=0):
        outbox.accept(command.ref, now=0)
    waiting = send(outbox)
    outbox.renew(now=KEPT - 1)
    assert outbox.due(now=0) == [create, message, waiting]


def test_what_the_hub_has_forgotten_waits_for_its_session_to_be_brought_back_but_not_for_ever() -> None:
    """Another device has made the session, and says so again when it comes."""
    gone = problem(Reason.NOT_FOUND)
    outbox = Outbox()
    message = send(outbox)
    outbox.due(now=0)
    outbox.accept(message.ref, now=0)
    outbox.renew(now=10)
    assert outbox.due(now=10) == [message]
    assert outbox.postpone(message.ref, gone, until=11)
    assert outbox.due(now=11) == [message]
    assert not outbox.postpone(message.ref, gone, until=10 + MISSED)


def test_a_send_to_a_session_that_is_gone_is_refused_at_once() -> None:
    outbox = Outbox()
    message = send(outbox)
    outbox.due(now=0)
    assert not outbox.postpone(message.ref, problem(Reason.NOT_FOUND), until=1)


def test_what_was_acknowledged_long_ago_is_dropped() -> None:
    outbox = Outbox()
    command = send(outbox)
    outbox.due(now=0)
    outbox.accept(command.ref, now=5)
    outbox.renew(now=5 + KEPT)
    assert list(outbox) == []


def test_a_question_that_nobody_waits_for_is_not_asked() -> None:
    outbox = Outbox()
    outbox.add(SessionList(ref=1))
    waiting = MessageSend(ref=2, session=SESSIONS[0], message=fresh_message_id(), content="said")
    outbox.add(waiting)
    outbox.abandon(1)
    outbox.abandon(2)
    outbox.abandon(3)
    assert outbox.due(now=0) == [waiting]


def test_an_answer_to_what_was_not_asked_changes_nothing() -> None:
    outbox = Outbox()
    outbox.accept(7, now=0)
    assert outbox.refuse(7, problem())
    assert outbox.find(7) is None


class Network:
    """A hub that does each send once, by its id, and a wire that loses commands or answers when it breaks."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.given: list[MessageSend] = []
        self.done: dict[MessageId, MessageSend] = {}
        self.told: dict[MessageId, int] = {}
        self.on_the_way: list[Command] = []
        self.answers: list[int] = []
        self.now = 0.0

    def give(self) -> None:
        self.given.append(send(self.outbox, str(len(self.given)), SESSIONS[len(self.given) % 2]))

    def speak(self) -> None:
        self.on_the_way += self.outbox.due(self.now)

    def arrive(self) -> None:
        if self.on_the_way:
            command = self.on_the_way.pop(0)
            assert isinstance(command, MessageSend)
            self.done.setdefault(command.message, command)
            self.answers.append(command.ref)

    def answer(self) -> None:
        if self.answers:
            ref = self.answers.pop(0)
            command = self.outbox.find(ref)
            assert isinstance(command, MessageSend), "an answer is to what waits for one"
            self.told[command.message] = self.told.get(command.message, 0) + 1
            self.outbox.accept(ref, now=0)

    def put_off(self) -> None:
        """The hub can't do now what is on its way first."""
        if self.on_the_way:
            command = self.on_the_way.pop(0)
            assert self.outbox.postpone(command.ref, problem(Reason.UNAVAILABLE, retryable=True), until=self.now + 2)

    def wait(self) -> None:
        self.now += 1

    def break_off(self) -> None:
        self.on_the_way.clear()
        self.answers.clear()
        self.outbox.lose()

    def settle(self) -> None:
        while any(item.state in (State.QUEUED, State.SENT) for item in self.outbox):
            self.wait()
            self.speak()
            self.arrive()
            self.answer()


STEPS: list[Callable[[Network], None]] = [
    Network.give,
    Network.speak,
    Network.arrive,
    Network.answer,
    Network.break_off,
]


@given(st.lists(st.sampled_from(STEPS), max_size=60))
def test_whatever_the_network_does_each_send_is_done_once_and_in_order(steps: list[Callable[[Network], None]]) -> None:
    network = Network()
    for step in steps:
        step(network)
    network.settle()
    assert list(network.done.values()) == network.given
    assert set(network.told) == {command.message for command in network.given}
    assert set(network.told.values()) <= {1}
    assert network.outbox.unsettled() == []


@given(st.lists(st.sampled_from([*STEPS, Network.put_off, Network.wait]), max_size=60))
def test_whatever_is_put_off_each_send_is_done_once(steps: list[Callable[[Network], None]]) -> None:
    """Not in order: what was sent right behind it, before it was put off, may be done first."""
    network = Network()
    for step in steps:
        step(network)
    network.settle()
    assert set(network.done) == {command.message for command in network.given} == set(network.told)
    assert set(network.told.values()) <= {1}
    assert network.outbox.failed() == []


@given(st.lists(st.sampled_from(STEPS), max_size=60))
def test_a_hub_that_has_forgotten_everything_has_everything_again(steps: list[Callable[[Network], None]]) -> None:
    network = Network()
    for step in steps:
        step(network)
    network.break_off()
    network.done.clear()
    network.outbox.renew(now=KEPT - 1)
    network.settle()
    assert list(network.done.values()) == network.given
