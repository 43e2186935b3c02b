"""Every kind of broken promise, in a history of a few records: the checker finds it, and nothing in an honest one.

Long because the table of what can go wrong is read as one list.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Raw, structs

from loadtest.dump import MessageRow, TurnRow, UserRow
from loadtest.evidence import Leniency, Window
from loadtest.figures import JOINED, TAKEN_OVER
from loadtest.history import GaveUp, Heard, records
from protocol import commands as say
from protocol.answers import MessagePage
from protocol.errors import Reason
from protocol.events import MessageAdded, Refused, ReplySettled
from protocol.ids import MessageId, UserId
from protocol.model import Message, MessageMetadata, Reply
from tests.loadtest import story
from tests.loadtest.story import ADDED, ASKED, ENDED, OTHER, PAGE, RECEIPT, REPLY, SEND, SESSION, SHOWN, USER, Story

Spoil = Callable[[Story], None]


def refused(ref: int, code: Reason) -> Refused:
    return Refused(ref=ref, problem="x", title="x", status=404, detail="x", code=code)


def stop(it: Story, text: str, status: str = "stopped") -> None:
    """The phone stops the reply after its first piece, and is answered that this is its text."""
    row = story.settled(text, status=status)
    said = say.ReplyStop(ref=9, message=REPLY, seen=1)
    for device in it.devices:
        it.drop(device, "second")
        it.change(device, "ended", ReplySettled(seq=3, sessions=[story.session(3)], messages=[row]))
        it.change(device, "shown", structs.replace(SHOWN, opened={SESSION: [story.asked(), row]}))
    it.after("phone", "first", said)
    it.after("phone", "ended", story.accepted(9, row))
    it.store(story.asked(), row)


def stopped_with_less(it: Story) -> None:
    stop(it, "So")


def changed_after_stop(it: Story) -> None:
    stop(it, "So: ")
    it.store(story.asked(), story.settled("So: tea.", status="stopped"))


def surely_refused(it: Story) -> None:
    it.change("phone", "sent", refused(3, Reason.NOT_FOUND))
    it.drop("phone", "told")


def nobody_sent(it: Story) -> None:
    it.drop("phone", "send")
    it.drop("phone", "sent")
    it.drop("phone", "told")


def two_receipts(it: Story) -> None:
    again = structs.replace(SEND, ref=8)
    it.after("laptop", "added", again, story.accepted(8, structs.replace(RECEIPT, seq=9)))


def two_replies(it: Story) -> None:
    it.store(story.asked(), story.settled(), story.settled(id=OTHER, position=3))


def told_on_its_own(it: Story) -> None:
    it.change("phone", "told", structs.replace(story._told(), receipt=structs.replace(RECEIPT, position=7)))


def other_rows(it: Story) -> None:
    it.change("laptop", "added", MessageAdded(seq=2, sessions=[story.session(2)], messages=[story.asked()]))


def other_row(it: Story) -> None:
    row = structs.replace(story.session(2), title="Coffee")
    it.change("laptop", "added", structs.replace(ADDED, sessions=[row]))


def wrong_number(it: Story) -> None:
    for device in it.devices:
        it.change(device, "added", structs.replace(ADDED, sessions=[story.session(1, 0)]))


def over_the_head(it: Story) -> None:
    it.dump = structs.replace(it.dump, users=[UserRow(UserId(USER), 2, 0, story.EPOCH)])


def hole_in_places(it: Story) -> None:
    it.store(story.asked(), story.settled(position=5))


def same_number_twice(it: Story) -> None:
    it.store(story.asked(), story.settled(), story.asked(id=OTHER, position=3))


def not_counted(it: Story) -> None:
    it.dump = structs.replace(it.dump, sessions=[story.session(3, 7)])


def resumed(*messages: MessageId) -> Spoil:
    """The laptop is away while the message is added, and caught up with these messages alone."""
    rows = {ASKED: story.asked(), REPLY: story.reply()}

    def spoil(it: Story) -> None:
        page = story.caught_up(1, 2, [story.session(2)], [rows[message] for message in messages])
        it.change("laptop", "added", page)
        hello = structs.replace(story.opened(), since=say.Cursor(epoch=story.EPOCH, seq=1))
        it.devices["laptop"].insert(it.place("laptop", "added"), story.Named("back", hello))
        it.devices["laptop"].insert(it.place("laptop", "added"), story.Named("welcome again", story.WELCOME))

    return spoil


def resumed_in_pages(*messages: Message) -> Spoil:
    """The laptop is away until the reply has ended, and is caught up with these messages, and then with that one."""

    def spoil(it: Story) -> None:
        for frame in ("begins", "first", "second"):
            it.drop("laptop", frame)
        resumed()(it)
        it.change("laptop", "added", structs.replace(story.caught_up(1, 2, [], list(messages)), more=True))
        it.change("laptop", "ended", story.caught_up(2, 3, [story.session(3)], [story.settled()]))

    return spoil


def ends_at(it: Story, head: int) -> None:
    """The numbers between 2 and this one, with which the reply ends, are nobody's."""
    row = story.settled(seq=head)
    session = story.session(head)
    for device in it.devices:
        it.change(device, "ended", story.caught_up(2, head, [session], [row]))
        shown = structs.replace(SHOWN, seq=head, sessions=[session], opened={SESSION: [story.asked(), row]})
        it.change(device, "shown", shown)
    it.store(story.asked(), row)
    it.dump = structs.replace(it.dump, users=[UserRow(UserId(USER), head, 0, story.EPOCH)], sessions=[session])


def skipped(it: Story) -> None:
    ends_at(it, 4)


def often_skipped_in_bad_times(it: Story) -> None:
    ends_at(it, 9)
    it.leniency = Leniency(slow=[Window(0, 100)])


def lost_in_bad_times(it: Story) -> None:
    ends_at(it, 4)
    it.leniency = Leniency(slow=[Window(0, 100)])


def taken_back(it: Story) -> None:
    it.after("laptop", "first", story.begins(2), story.piece(1, "tea."))


def settled_twice(it: Story) -> None:
    row = story.settled("So: ", status="stopped")
    it.change("laptop", "ended", ReplySettled(seq=3, sessions=[story.session(3)], messages=[row]))


def ended_with(text: str, **changes: object) -> Spoil:
    def spoil(it: Story) -> None:
        row = story.settled(text, **changes)
        for device in it.devices:
            it.change(device, "ended", structs.replace(ENDED, messages=[row]))
            it.change(device, "shown", structs.replace(SHOWN, opened={SESSION: [story.asked(), row]}))
        it.store(story.asked(), row)

    return spoil


def another_text(it: Story) -> None:
    it.change("laptop", "second", story.piece(1, "coffee."))


def still_open(it: Story) -> None:
    it.store(story.asked(), story.reply())


def of_another_user(it: Story) -> None:
    foreign = MessageRow(UserId("learner-2"), 1, story.asked(id=OTHER))
    it.dump = structs.replace(it.dump, messages=[*it.dump.messages, foreign])
    it.after("laptop", "first", structs.replace(story.begins(), message=OTHER))


def another_marker(it: Story) -> None:
    page = MessagePage(session=PAGE.session, messages=[], replies=[], before="learner-77", after=None)
    it.change("laptop", "page", story.accepted(2, page))


def in_an_unknown_field(it: Story) -> None:
    frame = Raw(b'{"type":"pong","ref":1,"from":"learner-77"}')
    it.after("laptop", "first", Heard(at=1, connection=1, frame=frame))


def without_beginning(it: Story) -> None:
    it.drop("laptop", "begins")
    it.late["second"] = 7.0


def slow_to_tell(it: Story) -> None:
    it.late["second"] = 31.0


def forgotten(it: Story) -> None:
    """By the database that leads in the end; the session is there."""
    it.dump = structs.replace(it.dump, users=[UserRow(UserId(USER), 3, 0, "1:00000002:x")], messages=[])


SPOILED: dict[str, tuple[Spoil, str, str]] = {
    "acknowledged and not there": (lambda it: it.store(), "P1", "acknowledged and is not there"),
    "acknowledged and forgotten, in a session that is there": (forgotten, "P1", "acknowledged and is not there"),
    "refused for good and there": (surely_refused, "P1", "refused for good and is there"),
    "there and nobody sent it": (nobody_sent, "P1", "nobody sent it"),
    "in another place than acknowledged": (
        lambda it: it.change("phone", "sent", story.accepted(3, structs.replace(RECEIPT, position=9))),
        "P1",
        "the receipt says",
    ),
    "with another content": (lambda it: it.store(story.asked(content="x"), story.settled()), "P1", "was not sent"),
    "a receipt that never came": (told_on_its_own, "P1", "that never came"),
    "two receipts": (two_receipts, "P2", "two receipts"),
    "two replies": (two_replies, "P2", "2 replies"),
    "a number twice": (lambda it: it.after("laptop", "added", ADDED), "P3", "delivered twice"),
    "a number left out": (lambda it: it.drop("laptop", "added"), "P3", "delivered to a device at 1"),
    "two numbers in the wrong order": (lambda it: it.swap("phone", "created", "added"), "P3", "to a device at 0"),
    "changes from too far on": (
        lambda it: it.after("laptop", "created", story.caught_up(2, 3, [], [])),
        "P3",
        "changes since 2",
    ),
    "changes that lack a row": (resumed(REPLY), "P3", "lack"),
    "pages of changes that lack a row": (resumed_in_pages(), "P3", "lack"),
    "a number that was skipped": (skipped, "P3", "never told to anybody"),
    "numbers skipped in bad times": (often_skipped_in_bad_times, "P3", "6 of 9 numbers were never told"),
    "a number about other rows": (other_rows, "P3", "about other rows"),
    "a row in two ways": (other_row, "P3", "told in two ways"),
    "a row of another number": (wrong_number, "P3", "carries rows of another"),
    "a number above the head": (over_the_head, "P3", "the head is 2"),
    "a hole in the places": (hole_in_places, "P3", "have the places"),
    "two with one number": (same_number_twice, "P3", "with the same number"),
    "a wrong count": (not_counted, "P3", "counts 7"),
    "a device that stays behind": (lambda it: it.drop("laptop", "ended"), "P3", "stands at 2"),
    "a device that is not in step": (
        lambda it: it.change("laptop", "shown", structs.replace(SHOWN, in_step=False)),
        "P3",
        "did not come to be in step",
    ),
    "a client that shows something else": (
        lambda it: it.change("laptop", "shown", structs.replace(SHOWN, opened={SESSION: [story.asked()]})),
        "P3",
        "message shown",
    ),
    "a device that is turned away": (
        lambda it: it.after("laptop", "ended", GaveUp(at=2, code=4500, reason="x")),
        "P3",
        "turned a device away",
    ),
    "a piece twice": (lambda it: it.after("laptop", "first", story.piece(0, "So: ")), "P4", "is told twice"),
    "a piece left out": (lambda it: it.drop("laptop", "first"), "P4", "leaves a gap"),
    "an attempt without its beginning": (
        lambda it: it.after("laptop", "first", story.piece(0, "So: ", attempt=2)),
        "P4",
        "begins without saying so",
    ),
    "pieces without a beginning": (without_beginning, "P4", "without their beginning"),
    "two texts of one attempt": (another_text, "P4", "has two texts"),
    "a text that is no answer": (another_text, "P4", "no beginning of the answer"),
    "complete and not whole": (ended_with("So: "), "P4", "complete and not the answer"),
    "failed with something else": (ended_with("Ah.", status="failed"), "P4", "no beginning of the answer"),
    "an attempt that was taken over": (taken_back, "P6", "is told after attempt 2"),
    "a text of no attempt": (ended_with("Ah.", status="failed"), "P6", "no attempt has told"),
    "stopped with less than was seen": (stopped_with_less, "P7", "less than was seen"),
    "changed after it was stopped": (changed_after_stop, "P7", "changed after it was stopped"),
    "a reply that is still open": (still_open, "P5", "still open, without a turn"),
    "a turn that is left over": (
        lambda it: it.leave(TurnRow(UserId(USER), REPLY, SESSION, 1, "x")),
        "P5",
        "left over",
    ),
    "two ends": (settled_twice, "P5", "ended twice"),
    "an end that the database does not know": (
        lambda it: it.store(story.asked(), story.settled("So: ", status="stopped")),
        "P5",
        "another way than the database",
    ),
    "another user's id": (of_another_user, "P9", str(OTHER)),
    "another user's marker": (another_marker, "P9", "learner-77"),
    "another user's marker where no reader looks": (in_an_unknown_field, "P9", "learner-77"),
    "a frame that is none": (
        lambda it: it.after("laptop", "first", Heard(at=1, connection=1, frame=Raw(b'"junk"'))),
        "protocol",
        "no event of this protocol",
    ),
    "a silence that is too long": (slow_to_tell, "times", "longest silence"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_broken_promise_is_found(name: str, tmp_path: Path) -> None:
    spoil, promise, words = SPOILED[name]
    it = Story()
    spoil(it)
    verdict = it.judged(tmp_path)
    assert [each.text() for each in verdict.violations if each.promise == promise and words in each.what]


def honest(it: Story) -> None:
    pass


def stopped_in_order(it: Story) -> None:
    stop(it, "So: ")


def told_again_at_joining(it: Story) -> None:
    """The device was caught up with what is then delivered to its room."""
    resumed(ASKED, REPLY)(it)
    it.after("laptop", "added", ADDED)


def caught_up_in_pages(it: Story) -> None:
    """What has changed again since the number of the first page is in the next one."""
    resumed_in_pages(story.asked())(it)


def told_between_two_pages(it: Story) -> None:
    """What a repair has not yet read may be told meanwhile."""
    resumed_in_pages(story.asked(), story.reply())(it)
    it.change("laptop", "ended", ENDED)
    it.after("laptop", "ended", story.caught_up(3, 3, [], []))


def late_pieces(it: Story) -> None:
    """They come after the end, and are of no concern."""
    it.after("laptop", "ended", story.piece(5, "x", attempt=1))


def gone_on_elsewhere(it: Story) -> None:
    it.after("laptop", "first", story.begins(2), story.piece(0, "So: ", attempt=2))
    it.change("laptop", "second", story.piece(1, "tea.", attempt=2))


def repeated(it: Story) -> None:
    it.after("laptop", "added", structs.replace(SEND, ref=8), story.accepted(8, RECEIPT))


def opened_in_the_middle(it: Story) -> None:
    """The page has the text so far, and the next piece joins without a seam."""
    it.drop("laptop", "begins")
    it.drop("laptop", "first")
    so_far = Reply(message=REPLY, attempt=1, next=1, text="So: ")
    page = MessagePage(
        session=story.session(2), messages=[story.asked(), story.reply()], replies=[so_far], before=None, after=None
    )
    it.after("laptop", "added", say.SessionOpen(ref=5, session=SESSION), story.accepted(5, page))


def spoiled_tutor(it: Story) -> None:
    for device in it.devices:
        it.drop(device, "second")
    ended_with("So: ")(it)
    it.leniency = Leniency(spoiled=lambda _: True)


def cut_short(it: Story) -> None:
    for device in it.devices:
        it.drop(device, "second")
    ended_with("So: ", metadata=MessageMetadata(truncated=True))(it)


HONEST: list[Spoil] = [
    honest,
    stopped_in_order,
    told_again_at_joining,
    caught_up_in_pages,
    told_between_two_pages,
    late_pieces,
    gone_on_elsewhere,
    repeated,
    opened_in_the_middle,
    spoiled_tutor,
    cut_short,
    lost_in_bad_times,
]


@pytest.mark.parametrize("change", HONEST)
def test_what_is_right_is_not_held_against_the_hub(change: Spoil, tmp_path: Path) -> None:
    it = Story()
    change(it)
    assert [each.text() for each in it.judged(tmp_path).violations] == []


def test_what_takes_long_while_times_mean_nothing_is_forgiven(tmp_path: Path) -> None:
    it = Story()
    slow_to_tell(it)
    it.leniency = Leniency(slow=[Window(0, 100)])
    assert it.judged(tmp_path).kept


def test_what_was_forgotten_in_a_session_that_was_deleted_is_no_broken_acknowledgement(tmp_path: Path) -> None:
    it = Story()
    forgotten(it)
    it.dump = structs.replace(it.dump, sessions=[structs.replace(story.session(3), deleted_at=story.NOON)])
    assert not [each.text() for each in it.judged(tmp_path).violations if each.promise == "P1"]


def test_the_counterexample_is_the_shortest_and_shows_the_records(tmp_path: Path) -> None:
    it = Story()
    it.after("laptop", "added", ADDED)
    it.store()
    verdict = it.judged(tmp_path)
    shortest = verdict.counterexample()
    assert shortest is not None
    assert len(shortest.frames) == min(len(each.frames) for each in verdict.violations)
    twice = next(each for each in verdict.violations if "delivered twice" in each.what)
    assert len(twice.frames) == 2
    assert all("laptop:" in frame and "message.added" in frame for frame in twice.frames)


def test_a_history_that_was_cut_off_by_a_crash_is_read_to_its_last_whole_record(tmp_path: Path) -> None:
    Story().judged(tmp_path)
    path = tmp_path / "phone.jsonl"
    whole = list(records(path))
    with path.open("ab") as file:
        file.write(b'{"record":"heard","at":1')
    assert list(records(path)) == whole


def test_figures_say_how_long_things_took(tmp_path: Path) -> None:
    figures = Story().judged(tmp_path).figures
    assert figures["send → acknowledged"].max == pytest.approx(0.2)
    assert figures["send → first piece"].count == 1
    assert figures["told on one device → on another"].count == 3


def test_a_reply_that_goes_on_elsewhere_is_timed_from_the_last_word_of_the_lost_to_the_next_word(
    tmp_path: Path,
) -> None:
    it = Story()
    gone_on_elsewhere(it)
    it.leniency = Leniency(lost=[0.9])
    assert it.judged(tmp_path).figures[TAKEN_OVER].max == pytest.approx(0.2)


def test_a_page_that_lacks_what_others_were_shown_is_timed(tmp_path: Path) -> None:
    it = Story()
    opened_in_the_middle(it)
    it.late["added by the test"] = 0.6
    figure = it.judged(tmp_path).figures[JOINED]
    assert (figure.count, figure.max) == (1, pytest.approx(0.4))
