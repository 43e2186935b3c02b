"""The text of open replies is told without a seam, however its pieces come: late, twice, or not at all."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from protocol.events import ReplySnapshot, TokenAdded
from protocol.ids import MessageId, SessionId
from protocol.model import Reply
from protocol.timeline import advanced
from server.fanout.frames import frame
from server.fanout.replies import Replies, Text

SESSION = SessionId(UUID(int=1))
REPLY = MessageId(UUID(int=2))

FIRST: list[Text] = [
    ReplySnapshot(message=REPLY, attempt=1, next=0, text=""),
    *(TokenAdded(message=REPLY, attempt=1, chunk=n, next=n + 1, text=f"{n} ") for n in range(6)),
]
SECOND: list[Text] = [
    ReplySnapshot(message=REPLY, attempt=2, next=1, text="0 1 2 3 "),
    *(TokenAdded(message=REPLY, attempt=2, chunk=n, next=n + 1, text=f"{n + 10} ") for n in range(1, 6)),
]
END = Reply(message=REPLY, attempt=2, next=6, text="0 1 2 3 11 12 13 14 15 ")


class Told:
    """What a device that shows the session holds, by what it was told."""

    def __init__(self) -> None:
        self.replies = Replies()
        self.held: Reply | None = None

    def hear(self, event: Text, *, shown: bool = True) -> None:
        told = frame(event)
        if self.replies.take(SESSION, told, event, lambda _: shown):
            self._advance(event)

    def read(self, reply: Reply) -> None:
        for told in self.replies.fill(SESSION, reply):
            assert isinstance(told.event, Text)
            self._advance(told.event)

    def _advance(self, event: Text) -> None:
        held = advanced(self.held, event)
        assert held is not None, "a piece was told that does not follow"
        assert held is not self.held, "a piece was told that says nothing new"
        self.held = held


@given(st.lists(st.sampled_from([*FIRST, *SECOND]), max_size=40))
def test_whatever_comes_in_whatever_order_the_devices_are_told_what_follows_and_after_a_read_all(
    heard: list[Text],
) -> None:
    told = Told()
    for event in heard:
        told.hear(event)
    told.read(END)
    assert told.held == END
    assert not told.replies.missing


def test_a_piece_that_comes_too_early_waits_for_the_read_of_what_is_before_it() -> None:
    told = Told()
    begun, one, two, three = FIRST[:4]
    for event in (begun, one, three):
        told.hear(event)
    assert told.held is not None
    assert told.held.next == 1
    assert set(told.replies.missing) == {REPLY}
    told.read(Reply(message=REPLY, attempt=1, next=2, text="0 1 "))
    assert told.held is not None
    assert told.held.text == "0 1 2 "
    told.hear(two)
    assert told.held.text == "0 1 2 "


def test_where_nobody_looks_a_hole_is_not_read_and_nothing_is_held() -> None:
    told = Told()
    begun, one, _, three = FIRST[:4]
    for event in (begun, one, three):
        told.hear(event, shown=False)
    assert not told.replies.missing
    assert told.replies.of(SESSION) == {}


def test_what_was_saved_of_a_text_that_is_held_further_changes_nothing() -> None:
    told = Told()
    for event in FIRST[:5]:
        told.hear(event)
    told.read(Reply(message=REPLY, attempt=1, next=2, text="0 1 "))
    assert told.held is not None
    assert told.held.next == 4
