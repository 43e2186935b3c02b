"""What is wrong with what a device is told is seen, and named; what is right is not."""

from collections.abc import Callable

import pytest

from loadtest.run.book import Tally
from loadtest.run.reading import LACKS_FOR
from loadtest.run.timings import Merged, Timing
from protocol.answers import MessagePage, Sent
from protocol.events import Changes, MessageAdded, SessionChanged
from protocol.model import Reply
from tests.loadtest.run.told import BODY, SESSION, STAMP, Story, session


def milliseconds(tally: Tally, timing: Timing) -> float:
    merged = Merged([])
    for took in tally.timings.take(0):
        merged.add(took)
    found = merged.spread(timing)
    assert found is not None
    return found.max


def test_of_what_is_as_it_should_be_nothing_is_said() -> None:
    story = Story()
    story.book.accepted(story.asked, story.sent, 99.9)
    for each in (story.one, story.other):
        story.told(each)
        each.end(set())
    story.book.kept(SESSION, story.kept())
    assert story.wrong == {}


@pytest.mark.parametrize(
    ("timing", "took"),
    [
        (Timing.ACCEPTED, 900),
        (Timing.SEEN, 1_000),
        (Timing.FIRST_TOKEN, 1_100),
        (Timing.FIRST_PIECE, 100),
        (Timing.GAP, 100),
        (Timing.TOKEN, 225),
    ],
)
def test_what_is_told_is_timed_from_when_it_was_due(timing: Timing, took: float) -> None:
    """Of the last piece, the oldest token was the third, and due 75 ms after the first."""
    story = Story()
    story.book.accepted(story.asked, story.sent, 99.9)
    story.told(story.one)
    story.told(story.other)
    assert milliseconds(story.tally, timing) == pytest.approx(took, rel=0.01)


def lose_a_number(story: Story) -> None:
    story.one.durable(story.settled(seq=4), 100.0)
    story.one.begin()


def tell_twice(story: Story) -> None:
    story.one.durable(story.added(), 100.0)
    story.one.durable(story.added(), 100.0)


def swap(story: Story) -> None:
    story.one.durable(story.settled(), 100.0)
    story.one.durable(story.added(), 100.1)


def add_under_two_numbers(story: Story) -> None:
    story.one.durable(story.added(2), 100.0)
    story.one.durable(story.added(3), 100.0)


def leave_a_gap_in_changes(story: Story) -> None:
    story.one.changes(Changes(since=5, seq=6, more=False, sessions=[], messages=[]))


def lose_a_piece(story: Story) -> None:
    story.one.durable(story.added(), 100.0)
    story.one.snapshot(story.begun(), 100.0)
    story.one.token(story.token(1, "and"), 100.0)


def repeat_a_piece(story: Story) -> None:
    story.one.durable(story.added(), 100.0)
    story.one.snapshot(story.begun(), 100.0)
    story.one.token(story.token(0, "and"), 100.0)
    story.one.token(story.token(0, "and"), 100.0)


def go_back_to_an_attempt(story: Story) -> None:
    story.one.snapshot(story.begun(2), 100.0)
    story.one.snapshot(story.begun(1), 100.0)


def tell_no_beginning(story: Story) -> None:
    story.one.token(story.token(4, "and"), 100.0)
    story.one.token(story.token(5, "so"), 100.1 + LACKS_FOR)


def never_tell_the_end(story: Story) -> None:
    story.book.accepted(story.asked, story.sent, 99.9)
    story.one.durable(story.added(), 100.0)
    story.one.end(set())


def say_what_the_tutor_did_not(story: Story) -> None:
    story.one.durable(story.added(), 100.0)
    story.one.durable(story.settled(STAMP.text + "Two hours."), 100.0)


def show_what_is_no_beginning(story: Story) -> None:
    story.one.durable(story.added(), 100.0)
    story.one.snapshot(story.begun(), 100.0)
    story.one.token(story.token(0, "Two hours"), 100.0)
    story.one.durable(story.settled(), 100.0)


def tell_a_number_in_two_ways(story: Story) -> None:
    story.one.durable(story.added(), 100.0)
    story.other.durable(MessageAdded(seq=2, messages=[story.message(content="How short? (1.1)")]), 100.0)


def tell_of_somebody_else(story: Story) -> None:
    story.one.durable(SessionChanged(seq=2, sessions=[session("grace")]), 100.0)


def acknowledge_in_two_ways(story: Story) -> None:
    story.book.accepted(story.asked, story.sent, 99.9)
    story.book.accepted(story.asked, Sent(SESSION, story.asked.message, story.reply, 3, 2), 99.9)


@pytest.mark.parametrize(
    ("does", "wrong"),
    [
        (lose_a_number, {"lost": 2}),
        (tell_twice, {"doubled": 3}),  # the number, and that the message and its reply were added
        (swap, {"reordered": 1}),
        (add_under_two_numbers, {"doubled": 2}),
        (leave_a_gap_in_changes, {"lost": 1}),
        (lose_a_piece, {"lost": 1}),
        (repeat_a_piece, {"doubled": 1}),
        (go_back_to_an_attempt, {"reordered": 1}),
        (tell_no_beginning, {"lost": 1}),
        (never_tell_the_end, {"lost": 1}),
        (say_what_the_tutor_did_not, {"unequal": 1}),
        (show_what_is_no_beginning, {"unequal": 1}),
        (tell_a_number_in_two_ways, {"unequal": 1}),
        (tell_of_somebody_else, {"unequal": 1}),
        (acknowledge_in_two_ways, {"unequal": 1}),
    ],
)
def test_what_is_wrong_is_named(does: Callable[[Story], None], wrong: dict[str, int]) -> None:
    story = Story()
    does(story)
    assert story.wrong == wrong, story.tally.examples


def test_who_comes_back_is_told_again_what_it_missed_and_nothing_is_wrong_with_that() -> None:
    story = Story()
    story.one.durable(story.added(), 100.0)
    story.one.begin()
    story.one.changes(Changes(since=2, seq=3, more=False, sessions=[], messages=story.settled().messages))
    story.one.durable(story.settled(), 100.5)
    story.one.durable(SessionChanged(seq=4, sessions=[session("ada")]), 100.6)
    assert story.wrong == {}


def test_a_reply_that_is_still_written_is_not_lost() -> None:
    story = Story()
    story.book.accepted(story.asked, story.sent, 99.9)
    story.one.durable(story.added(), 100.0)
    story.one.end({story.reply})
    assert story.wrong == {}


def test_a_page_brings_the_text_so_far_and_pieces_go_on_from_it() -> None:
    story = Story()
    story.other.durable(story.added(), 100.0)
    reply = Reply(message=story.reply, attempt=1, next=2, text=STAMP.text + BODY[:8])
    page = MessagePage(session("ada"), [story.message(), story.written()], [reply], None, None)
    story.other.page(page, 100.2)
    story.other.token(story.token(2, BODY[8:]), 100.3)
    story.other.durable(story.settled(), 100.4)
    assert story.wrong == {}
