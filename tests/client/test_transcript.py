from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import structs

from client.transcript import Transcript, cleaned
from protocol.answers import MessagePage
from protocol.events import MessageAdded, MessageChanged, MessageRemoved, ReplySettled, SessionChanged, Snapshot
from protocol.ids import MessageId, SessionId
from protocol.model import Failure, Message, MessageMetadata, Reply, Session
from protocol.timeline import Timeline
from tests.rows import session_row

SESSION = SessionId(UUID(int=1))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def session(seq: int = 1, **fields: Any) -> Session:
    return session_row(SESSION, "ada", seq, **{"title": "Noodles"} | fields)


def message(number: int, seq: int, content: str = "", **fields: Any) -> Message:
    """Odd ones are the learner's."""
    row = Message(
        id=MessageId(UUID(int=number)),
        session_id=SESSION,
        position=number,
        type="user" if number % 2 else "assistant",
        content=content,
        status=None if number % 2 else "pending",
        created_at=NOW,
        seq=seq,
    )
    return structs.replace(row, **fields)


def opened(*messages: Message, replies: list[Reply] | None = None) -> tuple[Timeline, Transcript]:
    timeline = Timeline()
    timeline.apply(Snapshot(epoch="e", seq=1, sessions=[session()], cursor=None))
    timeline.open(SESSION)
    page = MessagePage(session=session(), messages=list(messages), replies=replies or [], before=None, after=None)
    timeline.apply_message_page(page)
    return timeline, Transcript(timeline, SESSION, "tutor")


def plain(transcript: Transcript) -> list[str]:
    return [line.plain for line in transcript.news()]


def test_it_begins_with_the_last_messages_and_says_nothing_twice() -> None:
    _, transcript = opened(*[message(number, 1, f"m{number}", status=None) for number in range(1, 30, 2)])
    said = [line.plain for line in transcript.begin()]
    assert said == ["· Noodles (fun, en)", "· …", *[f"you: m{number}" for number in range(11, 30, 2)]]
    assert plain(transcript) == []


def test_each_message_is_said_once_and_a_reply_when_it_has_ended() -> None:
    timeline, transcript = opened()
    transcript.begin()
    transcript.mine.add(MessageId(UUID(int=1)))
    timeline.apply(MessageAdded(seq=2, messages=[message(1, 2, "pho?"), message(2, 2)]))
    assert plain(transcript) == ["you: pho?"]
    timeline.apply(MessageAdded(seq=3, messages=[message(3, 3, "and?"), message(4, 3)]))
    assert plain(transcript) == ["you, elsewhere: and?"]
    assert [each.position for each in transcript.pending()] == [2, 4]
    timeline.apply(ReplySettled(seq=4, messages=[message(2, 4, "yes", status="complete")]))
    assert plain(transcript) == ["tutor: yes"]
    assert plain(transcript) == []


def test_what_became_of_a_reply_is_said() -> None:
    timeline, transcript = opened()
    transcript.begin()
    failure = MessageMetadata(failure=Failure(code="silent", detail="The tutor fell silent."))
    timeline.apply(
        ReplySettled(
            seq=2,
            messages=[
                message(2, 2, "half", status="stopped"),
                message(4, 2, status="failed", metadata=failure),
            ],
        )
    )
    assert plain(transcript) == ["tutor: half", "· Stopped.", "· The tutor fell silent. (/retry asks again)"]
    last = transcript.last_reply()
    assert last is not None
    assert last.position == 4


def test_what_others_change_is_said() -> None:
    timeline, transcript = opened(message(1, 1, "first"), message(3, 1, "third"))
    transcript.begin()
    timeline.apply(MessageChanged(seq=2, messages=[message(1, 2, "better")]))
    assert plain(transcript) == ["· Edited: first → better"]
    timeline.apply(MessageRemoved(seq=3, messages=[message(3, 3, deleted_at=NOW)]))
    assert plain(transcript) == ["· Deleted: third"]
    timeline.apply(SessionChanged(seq=4, sessions=[session(4, title="Soup", mode="learn")]))
    assert plain(transcript) == ["· The session is now called: Soup", "· From the next reply on: learn, en"]
    timeline.apply(SessionChanged(seq=5, sessions=[session(5, title="Soup", mode="learn", deleted_at=NOW)]))
    assert plain(transcript) == ["· This session was deleted."]
    assert transcript.is_deleted


def test_a_snapshot_that_holds_less_says_nothing() -> None:
    timeline, transcript = opened(message(1, 1, "first"))
    transcript.begin()
    timeline.apply(Snapshot(epoch="f", seq=9, sessions=[session()], cursor=None))
    assert plain(transcript) == []


def test_what_is_written_now_is_shown() -> None:
    reply = Reply(message=MessageId(UUID(int=2)), attempt=1, next=1, text="so \x1bfar")
    _, transcript = opened(message(1, 1, "first"), message(2, 1), replies=[reply])
    assert transcript.live() == "so �far"


def test_nothing_that_commands_a_terminal_is_left() -> None:
    assert cleaned("a\x1b[31mb\x07\r\nc\td\x9b") == "a�[31mb�\nc    d�"
