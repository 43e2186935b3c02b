"""An attempt says nothing that its lease does not cover."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from uuid import UUID

from protocol.events import Live, ReplySnapshot, TokenAdded, TypingChanged
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import TutorName
from server.attempt import LOST, Attempt
from server.errors import Unavailable
from server.lesson import Lesson, Utterance
from server.settings import TurnSettings
from server.store.turns import Saved, Turn
from server.tutor.tutor import Piece

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

SESSION = SessionId(UUID(int=1))
TURN = Turn(UserId("ada"), MessageId(UUID(int=2)), SESSION, 1, 0, "us", stop=False, text="", chunks=0)
LESSON = Lesson(mode="fun", language="en", history=[Utterance("user", "Count.")])
LIMITS = TurnSettings(lease=1.0, keep_every=0.05, merge=0.0)


class Counting:
    """A tutor that says two words."""

    name = TutorName("counting", local=True, note="")
    continues = False

    async def reply(self, lesson: Lesson) -> AsyncGenerator[Piece]:
        yield Piece("One ")
        yield Piece("two.")


class Waiting(Counting):
    """Says both, and then nothing more."""

    def __init__(self) -> None:
        self.said = asyncio.Event()

    @override
    async def reply(self, lesson: Lesson) -> AsyncGenerator[Piece]:
        yield Piece("One ")
        yield Piece("two.")
        self.said.set()
        await asyncio.Event().wait()


class Kept:
    """A database that can be away, and may give the turn to somebody else."""

    def __init__(self) -> None:
        self.away = True
        self.ours = True

    async def keep(self, written: Turn) -> bool | None:
        if self.away:
            raise Unavailable
        return False if self.ours else None

    async def read(self) -> Lesson | None:
        return LESSON


def attempt_of(
    told: list[Live], kept: Kept, *, age: float = 0.0, tutor: Counting | None = None, merge: float = 0.0
) -> Attempt:
    """One that was asked for so many seconds ago."""
    claimed_at = asyncio.get_running_loop().time() - age
    return Attempt(
        TURN,
        tutor or Counting(),
        LIMITS,
        told.append,
        kept.keep,
        read=kept.read,
        hurry=lambda: None,
        goes_on=lambda renewed_at: False,
        merge=lambda: merge,
        claimed_at=claimed_at,
    )


async def test_it_begins_at_once_within_the_lease_that_it_was_claimed_with() -> None:
    told = list[Live]()
    kept = Kept()
    await attempt_of(told, kept, age=0.0).write()
    said = [event for event in told if not isinstance(event, TypingChanged)]
    assert [type(event) for event in said] == [ReplySnapshot, TokenAdded, TokenAdded]


async def test_one_that_was_claimed_too_long_ago_says_nothing_at_all_and_all_that_was_heard_is_settled() -> None:
    """Its process was paused after the claim: neither the beginning, nor text, nor that it types."""
    told = list[Live]()
    attempt = attempt_of(told, Kept(), age=LIMITS.lease + 0.1)
    ending = await attempt.write()
    assert (ending.status, attempt.writer.text, told) == ("complete", "One two.", [])


async def test_one_that_has_lost_its_turn_does_not_say_that_it_has_stopped_typing() -> None:
    """It would be of the attempt that has it now."""
    told = list[Live]()
    kept = Kept()
    kept.away = kept.ours = False
    attempt = attempt_of(told, kept, age=0.0)
    attempt.end(LOST)
    assert await attempt.write() is LOST
    assert not any(isinstance(event, TypingChanged) and not event.active for event in told)


async def test_one_that_has_ended_says_nothing_when_it_was_kept_after_that() -> None:
    """All attempts are kept in one statement, which may be answered when one of them has ended."""
    told = list[Live]()
    attempt = attempt_of(told, Kept(), age=LIMITS.lease + 0.1)
    await attempt.write()
    attempt.kept(asyncio.get_running_loop().time(), stop=False)
    assert told == []


async def test_what_is_saved_is_known_only_once_that_was_answered() -> None:
    attempt = attempt_of([], Kept(), tutor=Waiting())
    attempt.writer.add("phở ")
    attempt.writer.tell()
    assert (attempt.to_keep().text, attempt.saved) == ("phở ", Saved(0, 0))
    attempt.writer.add("bò")
    attempt.writer.tell()
    attempt.kept(asyncio.get_running_loop().time(), stop=False)
    assert attempt.saved == Saved(4, 6)
    attempt.to_keep()
    attempt.kept(asyncio.get_running_loop().time(), stop=False)
    assert attempt.saved == Saved(6, 9)


async def test_a_checkpoint_tells_nothing_before_its_moment() -> None:
    told, tutor, loop = list[Live](), Waiting(), asyncio.get_running_loop()
    attempt = attempt_of(told, Kept(), tutor=tutor, merge=60.0)
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(attempt.write())
        await tutor.said.wait()
        attempt.kept(loop.time(), stop=False)
        assert [each.text for each in told if isinstance(each, TokenAdded)] == ["One "]
        attempt.kept(loop.time(), stop=True)
        assert (await writing).status == "stopped"
    assert [each.text for each in told if isinstance(each, TokenAdded)] == ["One ", "two."]
