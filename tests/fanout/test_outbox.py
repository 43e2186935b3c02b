"""An outbox drains what is durable first, holds one live frame about each subject, and is bounded."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader

from protocol.codec import decode_event
from protocol.events import (
    Changes,
    Draining,
    Event,
    Pong,
    ReplySettled,
    ReplySnapshot,
    SessionChanged,
    TokenAdded,
    TypingChanged,
)
from protocol.ids import MessageId, SessionId
from protocol.model import Message
from protocol.timeline import advanced
from server.fanout.frames import frame
from server.fanout.outbox import MAX_BYTES, MAX_FRAMES, Outbox
from tests.rows import session_row

SESSION = SessionId(UUID(int=1))
REPLY, OTHER = MessageId(UUID(int=2)), MessageId(UUID(int=3))


def parsed(data: bytes) -> list[Event]:
    """The events in what is written to a socket, read by websockets' own parser."""
    reader = StreamReader()
    events: list[Event] = []
    reader.feed_data(data)
    while reader.buffer:
        with pytest.raises(StopIteration) as parsed_frame:
            next(WebSocketFrame.parse(reader.read_exact, mask=False))
        assert (parsed_frame.value.value.opcode, parsed_frame.value.value.fin) == (Opcode.TEXT, True)
        event = decode_event(parsed_frame.value.value.data)
        assert event is not None
        events.append(event)
    return events


def token(chunk: int, text: str, message: MessageId = REPLY, attempt: int = 1) -> TokenAdded:
    return TokenAdded(message=message, attempt=attempt, chunk=chunk, next=chunk + 1, text=text)


def begun(attempt: int = 1) -> ReplySnapshot:
    return ReplySnapshot(message=REPLY, attempt=attempt, next=0, text="")


def settled(seq: int = 1) -> ReplySettled:
    row = Message(
        id=REPLY,
        session_id=SESSION,
        position=2,
        type="assistant",
        content="done",
        status="complete",
        created_at=datetime.now(UTC),
        seq=seq,
    )
    return ReplySettled(seq=seq, messages=[row])


def pong(ref: int = 1) -> Pong:
    return Pong(ref=ref)


def large_change(seq: int) -> SessionChanged:
    return SessionChanged(
        seq=seq, sessions=[session_row(SessionId(UUID(int=seq)), "ada", seq, title="x" * (MAX_BYTES + 1))]
    )


def offered(*events: Event) -> Outbox:
    outbox = Outbox()
    for event in events:
        outbox.offer(frame(event))
    return outbox


def test_frames_come_out_as_websocket_messages_of_every_size_of_header() -> None:
    for size in (1, 100, 200, 60_000, 70_000):
        event = token(0, "x" * size)
        assert parsed(offered(event).take(1)) == [event]


def test_what_is_durable_overtakes_what_is_live() -> None:
    assert parsed(offered(begun(), SessionChanged(seq=1)).take(9_999)) == [SessionChanged(seq=1), begun()]


def test_pieces_of_one_reply_that_wait_become_one_piece() -> None:
    outbox = offered(token(3, "a"), token(4, "b"), token(0, "x", OTHER), token(5, "c"))
    merged = TokenAdded(message=REPLY, attempt=1, chunk=3, next=6, text="abc")
    assert parsed(outbox.take(9_999)) == [merged, token(0, "x", OTHER)]


def test_a_reply_that_settles_takes_its_waiting_pieces_with_it() -> None:
    event = settled()
    assert parsed(offered(begun(), token(0, "a"), event).take(9_999)) == [event]


def test_a_new_attempt_replaces_what_waits_of_the_former() -> None:
    assert parsed(offered(begun(), token(0, "a"), begun(2)).take(9_999)) == [begun(2)]


def test_typing_waits_once_for_each_who_types() -> None:
    says = TypingChanged(session=SESSION, who="tutor", name="tutor", active=True)
    stops = TypingChanged(session=SESSION, who="tutor", name="tutor", active=False)
    assert parsed(offered(says, stops).take(9_999)) == [stops]


def test_a_frame_over_the_limit_is_taken_when_nothing_else_waits() -> None:
    """A page of a device that was long away is large; were it refused, the device could never catch up."""
    large = large_change(1)
    outbox = offered(large)
    assert not outbox.behind
    outbox.offer(frame(SessionChanged(seq=2)))
    assert outbox.behind
    assert not outbox
    assert offered(pong(), large).behind, "something else waits"


def test_too_many_frames_are_more_than_may_wait() -> None:
    outbox = offered(*[SessionChanged(seq=seq) for seq in range(1, MAX_FRAMES + 1)])
    assert (outbox.behind, outbox.full) == (False, True)
    outbox.offer(frame(SessionChanged(seq=MAX_FRAMES + 1)))
    assert outbox.behind


def test_text_that_nobody_takes_is_more_than_may_wait_too() -> None:
    outbox = Outbox()
    for chunk in range(200):
        outbox.offer(frame(token(chunk, "x" * 1_000)))
        assert outbox.bytes <= MAX_BYTES
    assert outbox.behind


def test_who_is_behind_is_given_answers_and_notices_and_no_event() -> None:
    outbox = offered(pong(1), SessionChanged(seq=1), begun(), Draining(reconnect_in_ms=1))
    outbox.fall_behind()
    for event in (SessionChanged(seq=2), Changes(since=2, seq=3, more=False, sessions=[], messages=[]), begun()):
        outbox.offer(frame(event))
    outbox.offer(frame(pong(2)))
    assert parsed(outbox.take(9_999)) == [pong(1), Draining(reconnect_in_ms=1), pong(2)]
    assert (outbox.seq, outbox.bytes) == (None, 0)


def test_a_write_is_never_larger_than_it_may_be_but_for_one_frame() -> None:
    outbox = offered(*[SessionChanged(seq=seq) for seq in range(1, 9)])
    one = len(frame(SessionChanged(seq=1)))
    assert (len(outbox.take(2 * one + 1)), outbox.seq) == (2 * one, 2)
    assert (len(outbox.take(1)), outbox.seq) == (one, 3)


@given(
    pieces=st.lists(st.text(min_size=1, max_size=5), max_size=20),
    takes=st.lists(st.integers(0, 3), max_size=40),
)
def test_however_slowly_it_is_read_the_text_is_a_prefix_and_in_the_end_all_of_it(
    pieces: list[str], takes: list[int]
) -> None:
    """P4: whatever an outbox merges, the reader's text is a prefix of what was produced."""
    outbox, held, whole = Outbox(), None, "".join(pieces)
    events = [begun(), *[token(number, text) for number, text in enumerate(pieces)]]
    for number, event in enumerate(events):
        outbox.offer(frame(event))
        if number < len(takes) and takes[number]:
            for told in parsed(outbox.take(1)):
                assert isinstance(told, TokenAdded | ReplySnapshot)
                held = advanced(held, told)
                assert held is not None
                assert whole.startswith(held.text)
    for told in parsed(outbox.take(10**6)):
        assert isinstance(told, TokenAdded | ReplySnapshot)
        held = advanced(held, told)
    assert held is not None
    assert held.text == whole
