"""The reference reader against a small model of the hub: a log of numbered rows, and pages read from it.

Long because a model of a hub stands beside the properties that are played against it.
"""

from copy import deepcopy
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from protocol.answers import MessagePage, SessionPage
from protocol.events import Changes, MessageChanged, ReplySettled, ReplySnapshot, Snapshot, TokenAdded
from protocol.ids import MessageId, SessionId
from protocol.model import Message, Reply, Session
from protocol.timeline import Outcome, Timeline, advanced, session_key
from tests.rows import NOON, session_row

SESSIONS = [SessionId(UUID(int=number)) for number in range(1, 5)]
MESSAGES = [MessageId(UUID(int=number)) for number in range(101, 109)]
REPLY = MESSAGES[0]

Row = tuple[str, int, bool]
"""What a change does to a row: `touch` or `delete` a session, `write` or `erase` a message; which; does it move up?"""
rows = st.one_of(
    st.tuples(st.sampled_from(["touch", "touch", "delete"]), st.integers(0, 3), st.booleans()),
    st.tuples(st.sampled_from(["write", "write", "erase"]), st.integers(0, 7), st.booleans()),
)
histories = st.lists(st.lists(rows, min_size=1, max_size=3), max_size=25)


class World:
    """What the database would hold: every row as of its last change, and the event that each number was told by."""

    def __init__(self) -> None:
        self.sessions: dict[SessionId, Session] = {}
        self.messages: dict[MessageId, Message] = {}
        self.events: list[MessageChanged] = []

    @property
    def seq(self) -> int:
        return len(self.events)

    def change(self, what: list[Row]) -> None:
        """One numbered transaction."""
        seq = self.seq + 1
        for row in what:
            self._change(seq, *row)
        sessions = [row for row in self.sessions.values() if row.seq == seq]
        messages = [row for row in self.messages.values() if row.seq == seq]
        self.events.append(MessageChanged(seq=seq, sessions=sessions, messages=messages))

    def _change(self, seq: int, what: str, number: int, moves: bool) -> None:
        at = NOON + timedelta(seconds=seq)
        gone = at if what in ("delete", "erase") else None
        if what in ("touch", "delete"):
            held = self.sessions.get(SESSIONS[number])
            updated = at if held is None or moves else held.updated_at
            self.sessions[SESSIONS[number]] = session(number, seq=seq, updated_at=updated, deleted_at=gone)
        else:
            self.messages[MESSAGES[number]] = message(number, seq=seq, deleted_at=gone)

    def snapshot(self, limit: int) -> Snapshot:
        page = self.session_page(None, limit)
        return Snapshot(epoch="e", seq=self.seq, sessions=page.sessions, cursor=page.cursor)

    def session_page(self, before: Any, limit: int) -> SessionPage:
        listed = [row for row in self.sessions.values() if row.deleted_at is None]
        below = [row for row in listed if before is None or session_key(row) < before]
        ordered = sorted(below, key=session_key, reverse=True)
        return SessionPage(sessions=ordered[:limit], cursor="more" if len(ordered) > limit else None)

    def message_page(self, session: SessionId, before: int, limit: int) -> MessagePage | None:
        row = self.sessions.get(session)
        if row is None or row.deleted_at is not None:
            return None
        held = [each for each in self.messages.values() if each.session_id == session and each.deleted_at is None]
        ordered = sorted((each for each in held if each.position < before), key=lambda each: each.position)
        more = "more" if len(ordered) > limit else None
        return MessagePage(session=row, messages=ordered[-limit:], replies=[], before=more, after=None)

    def changes(self, since: int, size: int) -> Changes:
        """A page of so many numbers."""
        upto = min(since + size, self.seq)
        return Changes(
            since=since,
            seq=upto,
            more=upto < self.seq,
            sessions=[row for row in self.sessions.values() if since < row.seq <= upto],
            messages=[row for row in self.messages.values() if since < row.seq <= upto],
        )


def session(number: int, *, seq: int, **fields: Any) -> Session:
    return session_row(SESSIONS[number], "ada", seq, title=f"as of {seq}", **fields)


def message(number: int, *, seq: int, deleted_at: datetime | None = None) -> Message:
    return Message(
        id=MESSAGES[number],
        session_id=SESSIONS[number % 4],
        position=number // 4 + 1,
        type="user",
        content=f"as of {seq}",
        created_at=NOON,
        seq=seq,
        deleted_at=deleted_at,
    )


def world(history: list[list[Row]]) -> World:
    made = World()
    for what in history:
        made.change(what)
    return made


def joined(world: World, limit: int = 50) -> Timeline:
    """A device that has just come, with every session opened that can be."""
    timeline = Timeline()
    timeline.apply(world.snapshot(limit))
    for each in SESSIONS:
        open_session(timeline, world, each)
    return timeline


def open_session(timeline: Timeline, world: World, session: SessionId, limit: int = 50) -> None:
    timeline.open(session)
    page = world.message_page(session, before=1_000, limit=limit)
    if page is None:
        timeline.open_refused(session)
    else:
        timeline.apply_message_page(page)


def shown(timeline: Timeline) -> Any:
    opened = {each: timeline.shown_messages(each) for each in timeline.opened if each in timeline.sessions}
    return timeline.seq, timeline.shown_sessions(), opened


def replay(timeline: Timeline, world: World, size: int) -> None:
    while timeline.seq < world.seq:
        assert timeline.apply(world.changes(timeline.seq, size)) is Outcome.APPLIED


def fresh_fetch(timeline: Timeline, world: World) -> Any:
    """What somebody shows who reads the same windows now: everything, cut down to them."""
    sessions = world.session_page(None, 1_000).sessions
    listed = [row for row in sessions if timeline.oldest is None or session_key(row) >= timeline.oldest]
    opened = {}
    for each, begins in timeline.opened.items():
        if each in timeline.sessions:
            page = world.message_page(each, before=1_000, limit=1_000)
            opened[each] = [row for row in page.messages if row.position >= (begins or 1)] if page else []
    return world.seq, listed, opened


moves = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.lists(rows, min_size=1, max_size=3)),
        st.tuples(st.just("change"), st.lists(rows, min_size=1, max_size=3)),
        st.tuples(st.just("hear"), st.booleans()),
        st.tuples(st.just("hear again"), st.integers(0, 30)),
        st.tuples(st.just("ask"), st.integers(0, 3)),
        st.tuples(st.just("ask for sessions"), st.integers(1, 2)),
        st.tuples(st.just("answer"), st.none()),
        st.tuples(st.just("replay"), st.integers(1, 4)),
        st.tuples(st.just("open"), st.integers(0, 3)),
        st.tuples(st.just("close"), st.integers(0, 3)),
    ),
    max_size=40,
)


def do(timeline: Timeline, world: World, asked: "Asked", what: str, argument: Any) -> None:
    match what:
        case "ask":
            asked.ask(timeline, world, SESSIONS[int(argument)])
        case "ask for sessions":
            asked.ask_for_sessions(timeline, world, argument)
        case "answer":
            asked.answer(timeline)
        case "change":
            world.change(argument)
        case "hear":
            hear_next(timeline, world, lost=argument)
        case "hear again":
            for event in world.events[argument : argument + 1]:
                if event.seq <= timeline.seq:
                    timeline.apply(event)
        case "replay":
            timeline.apply(world.changes(timeline.seq, argument))
        case "open":
            open_session(timeline, world, SESSIONS[int(argument)], limit=1)
        case "close":
            timeline.close(SESSIONS[int(argument)])
        case _:
            raise NotImplementedError(what)


def hear_next(timeline: Timeline, world: World, *, lost: bool) -> None:
    """The next event; or the one after it, because the next was lost on its way."""
    coming = world.events[timeline.seq + lost :]
    if coming:
        before = deepcopy(shown(timeline))
        outcome = timeline.apply(coming[0])
        assert outcome is (Outcome.GAP if lost else Outcome.APPLIED)
        assert not lost or shown(timeline) == before


class Asked:
    """Older pages that were asked for: read by the hub at one moment, heard at a later one, one at a time."""

    def __init__(self) -> None:
        self.page: MessagePage | SessionPage | None = None

    def ask(self, timeline: Timeline, world: World, session: SessionId) -> None:
        begins = timeline.opened.get(session)
        if self.page is None and begins is not None and begins > 1:
            self.page = world.message_page(session, before=begins, limit=1)

    def ask_for_sessions(self, timeline: Timeline, world: World, limit: int) -> None:
        if self.page is None and timeline.oldest is not None:
            self.page = world.session_page(timeline.oldest, limit)

    def answer(self, timeline: Timeline) -> None:
        match self.page:
            case MessagePage():
                timeline.apply_message_page(self.page)
            case SessionPage():
                timeline.apply_session_page(self.page)
            case None:
                pass
        self.page = None


@given(histories, moves)
def test_at_the_head_a_device_shows_what_a_fresh_fetch_shows(history: list[list[Row]], script: list[Any]) -> None:
    told = world(history)
    timeline = Timeline()
    timeline.apply(told.snapshot(2))
    asked = Asked()
    for what, argument in script:
        do(timeline, told, asked, what, argument)
    asked.answer(timeline)
    replay(timeline, told, 3)
    assert shown(timeline) == fresh_fetch(timeline, told)


@given(histories, st.integers(0, 25), st.integers(1, 5), st.integers(1, 5))
def test_a_replay_in_pages_is_the_same_as_one(history: list[list[Row]], since: int, size: int, other: int) -> None:
    told = world(history[:since])
    one, pages, others = joined(told), joined(told), joined(told)
    for what in history[since:]:
        told.change(what)
    replay(one, told, 1_000)
    replay(pages, told, size)
    replay(others, told, other)
    assert shown(one) == shown(pages) == shown(others)


@given(histories, st.integers(0, 25))
def test_a_replay_is_the_same_as_having_heard_everything(history: list[list[Row]], since: int) -> None:
    told = world(history[:since])
    away, there = joined(told), joined(told)
    for what in history[since:]:
        told.change(what)
        assert there.apply(told.events[-1]) is Outcome.APPLIED
    replay(away, told, 1_000)
    assert away.seq == there.seq
    assert away.shown_sessions() == there.shown_sessions()
    for each in away.opened.keys() & there.opened.keys():
        assert away.shown_messages(each) == there.shown_messages(each)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1), st.booleans()), min_size=1, max_size=4))
def test_rows_can_be_put_in_any_order(what: list[tuple[bool, int, bool]]) -> None:
    pages: list[Changes] = []
    for seq, (about_session, number, gone) in enumerate(what, 2):
        at = NOON + timedelta(seconds=seq) if gone else None
        sessions = [session(number, seq=seq, updated_at=NOON + timedelta(seconds=seq), deleted_at=at)]
        messages = [message(number, seq=seq, deleted_at=at)]
        page = Changes(since=0, seq=1, more=False, sessions=sessions, messages=messages)
        pages.append(replace(page, messages=[]) if about_session else replace(page, sessions=[]))
    results: list[tuple[list[Session], list[list[Message]]]] = []
    for order in permutations(pages):
        timeline = Timeline()
        for page in order:
            for each in SESSIONS[:2]:
                timeline.open(each)
            timeline.apply(page)
        closed = any(about_session and gone for about_session, _, gone in what)
        held = [] if closed else [timeline.shown_messages(each) for each in SESSIONS[:2]]
        results.append((timeline.shown_sessions(), held))
    assert all(result == results[0] for result in results)


# Live text.

texts = st.text(st.sampled_from("ab "), min_size=1, max_size=4)
writings = st.lists(
    st.one_of(
        st.tuples(st.just("write"), texts, st.booleans()),
        st.tuples(st.just("write"), texts, st.booleans()),
        st.tuples(st.just("begin"), st.just(""), st.booleans()),
        st.tuples(st.just("snapshot"), st.just(""), st.booleans()),
        st.tuples(st.just("late"), st.just(""), st.booleans()),
    ),
    max_size=30,
)


def pending() -> Message:
    row = message(0, seq=1)
    return replace(row, type="assistant", content="", status="pending")


def watching() -> Timeline:
    timeline = Timeline()
    timeline.open(SESSIONS[0])
    timeline.apply(Changes(since=0, seq=1, more=False, sessions=[session(0, seq=1)], messages=[pending()]))
    return timeline


@given(writings)
def test_the_text_of_an_open_reply_is_a_prefix_of_what_its_attempt_has_written(
    script: list[tuple[str, str, bool]],
) -> None:
    timeline = watching()
    written: dict[int, list[str]] = {1: []}
    told: list[TokenAdded | ReplySnapshot] = []
    for what, text, lost in script:
        attempt = max(written)
        match what:
            case "write":
                chunk = len(written[attempt])
                written[attempt].append(text)
                event = TokenAdded(message=REPLY, attempt=attempt, chunk=chunk, next=chunk + 1, text=text)
            case "begin":
                attempt += 1
                written[attempt] = []
                event = ReplySnapshot(message=REPLY, attempt=attempt, next=0, text="")
            case "snapshot":
                pieces = written[attempt]
                event = ReplySnapshot(message=REPLY, attempt=attempt, next=len(pieces), text="".join(pieces))
            case _:
                event = told[0] if told else ReplySnapshot(message=REPLY, attempt=1, next=0, text="")
        told.append(event)
        if not lost:
            timeline.apply(event)
        held = timeline.replies.get(REPLY)
        if held is not None:
            assert held.text == "".join(written[held.attempt][: held.next])
    row = replace(pending(), content="the end", status="complete", seq=2)
    timeline.apply(ReplySettled(seq=2, messages=[row]))
    assert timeline.text_of(timeline.messages[REPLY]) == "the end"


@given(st.lists(texts, max_size=12))
def test_a_device_that_loses_nothing_shows_every_piece_at_once(pieces: list[str]) -> None:
    timeline = watching()
    timeline.apply(ReplySnapshot(message=REPLY, attempt=1, next=0, text=""))
    for chunk, text in enumerate(pieces):
        timeline.apply(TokenAdded(message=REPLY, attempt=1, chunk=chunk, next=chunk + 1, text=text))
        assert timeline.text_of(timeline.messages[REPLY]) == "".join(pieces[: chunk + 1])


def test_what_does_not_fit_leaves_the_very_same_object() -> None:
    held = Reply(message=REPLY, attempt=2, next=3, text="abc")
    assert advanced(held, TokenAdded(message=REPLY, attempt=2, chunk=4, next=5, text="e")) is held
    assert advanced(held, TokenAdded(message=REPLY, attempt=3, chunk=3, next=4, text="d")) is held
    assert advanced(held, ReplySnapshot(message=REPLY, attempt=1, next=9, text="x" * 9)) is held
    assert advanced(None, TokenAdded(message=REPLY, attempt=1, chunk=0, next=1, text="a")) is None
