"""In the end, what a hub has kept is held against what was said."""

from collections.abc import Callable

import pytest

from protocol.ids import fresh_message_id
from protocol.model import Message
from tests.loadtest.run.told import BODY, SESSION, STAMP, Story, row


def without_the_message(story: Story) -> list[Message]:
    return []


def said_otherwise(story: Story) -> list[Message]:
    return [story.message(content="How short?"), story.kept()[1]]


def kept_twice(story: Story) -> list[Message]:
    return [*story.kept(), row(fresh_message_id(), 3, story.asked.content, 4)]


def answered_twice(story: Story) -> list[Message]:
    another = row(fresh_message_id(), 3, "x", 4, status="complete", reply_to=story.asked.message)
    return [*story.kept(), another]


def settled_otherwise(story: Story) -> list[Message]:
    return [story.message(), story.written(3, "complete", STAMP.text + "Two hours.")]


def with_a_hole(story: Story) -> list[Message]:
    return [story.kept()[0], row(story.reply, 3, STAMP.text + BODY, 3, status="complete", reply_to=story.asked.message)]


@pytest.mark.parametrize(
    ("kept", "wrong"),
    [
        (without_the_message, "lost"),
        (said_otherwise, "unequal"),
        (kept_twice, "doubled"),
        (answered_twice, "doubled"),
        (settled_otherwise, "unequal"),
        (with_a_hole, "reordered"),
    ],
)
def test_what_is_kept_is_held_against_what_was_said(kept: Callable[[Story], list[Message]], wrong: str) -> None:
    story = Story()
    story.book.accepted(story.asked, story.sent, 99.9)
    story.told(story.one)
    story.book.kept(SESSION, kept(story))
    assert story.wrong == {wrong: 1}, story.tally.examples
