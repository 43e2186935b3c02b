"""One attempt at a reply: listens to the tutor, tells the devices, keeps the turn, until something ends it.

Several things may want to end it: the tutor, a limit, a stop, another attempt. The first one decides.
It emits nothing past the end of its lease, by its own clock, until the lease is renewed: a process that was
paused may have lost its turn to another. Only while the database cannot be reached from here, and the process was
not paused, does it go on: then nobody else is told to stop either.
Long because what the tutor says, what the devices are told and what is kept depend on each other.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import structlog
from msgspec import Struct, structs

from protocol.events import Live, TypingChanged
from protocol.model import Failure, MessageMetadata, ReplyStatus, Usage
from server.errors import Unavailable
from server.lesson import Lesson
from server.patience import Patience
from server.reply import ReplyWriter
from server.settings import TurnSettings
from server.store.turns import Saved, Turn
from server.tutor import prompt
from server.tutor.tutor import Piece, Tutor, TutorFailed

TYPING_SAID_AGAIN = 3.0
"""Seconds; devices believe it for 6."""

LONGEST_PROMPT = 3_000
"""Tokens: so much of a history is sent, if nobody has set it otherwise."""

log = structlog.get_logger()

Keep = Callable[[Turn], Awaitable[bool | None]]
"""Renew the lease and save the text: whether to stop; None when the turn is no longer ours."""

Read = Callable[[], Awaitable[Lesson | None]]
"""What the reply is written from. None: what it answers is gone, and the turn with it."""

GoesOn = Callable[[float], bool]
"""Whether an attempt may go on past its lease, which it renewed last at this moment of the loop's clock."""

Merge = Callable[[], float]
"""For how many seconds pieces are gathered and told as one, now."""


class Ending(Struct, frozen=True):
    """How it ended. Without a status there is nothing to settle: the turn is another's, or is left to one."""

    status: ReplyStatus | None
    failure: Failure | None = None


STOPPED = Ending("stopped")
LOST = Ending(None)
RELEASED = Ending(None)


class Attempt:
    """`turn` is the row as it was claimed, `claimed_at` when that was asked for; `writer` is what was told so far."""

    def __init__(
        self,
        turn: Turn,
        tutor: Tutor,
        settings: TurnSettings,
        tell: Callable[[Live], None],
        keep: Keep,
        *,
        read: Read,
        hurry: Callable[[], None],
        goes_on: GoesOn,
        merge: Merge,
        claimed_at: float,
    ) -> None:
        begun = turn.text if tutor.continues else ""
        self.turn = turn
        self.writer = ReplyWriter(turn.message_id, turn.attempt, settings.reply_bytes, begun)
        self.settled = asyncio.Event()
        self.saved = Saved(0, 0)
        """Of what is written, as far as is known."""
        self._tutor = tutor
        self._settings = settings
        self._tell = tell
        self._keep = keep
        self._read = read
        self._goes_on = goes_on
        self._merge = merge
        self._loop = asyncio.get_running_loop()
        self._ending: asyncio.Future[Ending] = self._loop.create_future()
        self._renewed_at = claimed_at
        self._begun = False
        self._hurry = hurry
        self._in_a_hurry = False
        self._unsaved = 0
        self._kept = 0
        self._told_at = -math.inf
        self._tell_later: asyncio.TimerHandle | None = None
        self._typing_later: asyncio.TimerHandle | None = None
        self._heard = False
        self._usage: Usage | None = None
        self._asked_with = 0
        self._begun_with = begun
        self._truncated = False

    @property
    def tokens(self) -> int:
        """What it has cost: as the provider has counted, else by the lengths of what was sent and heard."""
        if self._usage is not None:
            return self._usage.prompt_tokens + self._usage.completion_tokens
        heard = self.writer.text[len(self._begun_with) :]
        return self._asked_with + prompt.tokens(heard)

    def end(self, ending: Ending) -> None:
        """Let it end like this, unless it has ended."""
        if not self._ending.done():
            self._ending.set_result(ending)

    def look(self) -> None:
        """Somebody may have asked to stop, or have taken the turn over: see at once."""
        self._in_a_hurry = True
        self._hurry()

    async def write(self) -> Ending:
        """Write the reply until something ends it. If it is to be settled, `writer.text` then is all that was heard."""
        if self.turn.attempt > 1:
            await self._save_what_has_begun()
        if not self._ending.done():
            self._tell_now()
            self._go_on_typing()
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen())
            ending = await self._ending
            listening.cancel()
        if ending.status is not None:
            self._tell_now()
            self.writer.tell()  # past the lease nobody is told, but all that was heard is settled
        for timer in (self._tell_later, self._typing_later):
            if timer is not None:
                timer.cancel()
        if ending is not LOST:
            self._say_typing(active=False)
        return ending

    def metadata(self, ending: Ending) -> MessageMetadata:
        """What is kept about the reply."""
        return MessageMetadata(
            model=self._tutor.name.name,
            usage=self._usage,
            truncated=self._truncated or None,
            failure=ending.failure,
        )

    # What the tutor says.

    async def _listen(self) -> None:
        try:
            async with asyncio.timeout(self._settings.whole):
                lesson = await self._lesson()
                if lesson is None:
                    return self.end(LOST)
                await self._hear(lesson)
            self.end(Ending("complete"))
        except TutorFailed as error:
            self.end(_failed(error.code, error.detail, retryable=error.retryable))
        except TimeoutError:
            self.end(_failed("too_long", f"The tutor did not come to an end within {self._settings.whole:g} s."))
        except Exception:  # a fault of ours must not leave the reply open
            log.exception("reply_failed", message=str(self.turn.message_id))
            self.end(_failed("internal", "Something went wrong while the tutor was answering."))

    async def _lesson(self) -> Lesson | None:
        """While the database cannot tell, the turn is kept all the same: no owner is lost by that."""
        while True:
            try:
                return await self._read()
            except Unavailable:
                await asyncio.sleep(self._settings.keep_every / 4)

    async def _hear(self, lesson: Lesson) -> None:
        """Hear the tutor out. While nothing was heard, a failure is tried again."""
        first_by = self._loop.time() + self._settings.first_token
        for tries_left in reversed(range(self._settings.provider_tries)):
            try:
                await self._hear_once(lesson, first_by)
            except TutorFailed as error:
                pause = random.uniform(0.1, 0.5 * 2 ** (self._settings.provider_tries - tries_left))
                too_late = self._loop.time() + pause >= first_by
                lasting = not (error.retryable and error.passing)
                if self._heard or lasting or not tries_left or too_late:
                    raise
                log.info("tutor_tried_again", code=error.code, message=str(self.turn.message_id))
                await asyncio.sleep(pause)
            else:
                return

    async def _hear_once(self, lesson: Lesson, first_by: float) -> None:
        self._asked_with += min(LONGEST_PROMPT, sum(prompt.tokens(said.content) for said in lesson.history))
        try:
            async with aclosing(self._tutor.reply(lesson)) as pieces, Patience(first_by) as patience:
                async for piece in pieces:
                    now = self._loop.time()
                    self._take(piece, now)
                    if self.writer.full:
                        self._truncated = True
                        return
                    if self._heard:
                        patience.wait_until(now + self._settings.silence)
        except TimeoutError:
            raise self._silent() from None

    def _take(self, piece: Piece, now: float) -> None:
        self._usage = piece.usage or self._usage
        self._truncated = self._truncated or piece.truncated
        if piece.text:
            self._heard = True
            self.writer.add(piece.text)
            self._tell_soon(now)

    def _silent(self) -> TutorFailed:
        if self._heard:
            return TutorFailed("silent", f"The tutor fell silent for {self._settings.silence:g} s.", retryable=True)
        return TutorFailed(
            "no_first_token", f"The tutor did not begin within {self._settings.first_token:g} s.", retryable=True
        )

    # What the devices are told.

    def _tell_soon(self, now: float) -> None:
        """The first piece at once, later ones merged over a short time."""
        if self._tell_later is not None:
            return
        wait = self._told_at + self._merge() - now
        if wait <= 0:
            self._tell_what_waits(now)
        else:
            self._tell_later = self._loop.call_later(wait, self._tell_now)

    def _tell_now(self) -> None:
        if self._tell_later is not None:
            self._tell_later.cancel()
            self._tell_later = None
        self._tell_what_waits(self._loop.time())

    def _tell_what_waits(self, now: float) -> None:
        if not self._may_speak(now):
            self.look()
            return
        if not self._begun:
            self._begun = True
            self._tell(self.writer.begin())
        if (event := self.writer.tell()) is not None:
            self._told_at = now
            self._unsaved += len(event.text.encode())
            self._tell(event)
            if self._unsaved >= self._settings.keep_bytes:
                self._unsaved = 0
                self.look()

    def _may_speak(self, now: float) -> bool:
        return now < self._renewed_at + self._settings.lease or self._goes_on(self._renewed_at)

    def _go_on_typing(self) -> None:
        self._typing_later = self._loop.call_later(TYPING_SAID_AGAIN, self._go_on_typing)
        self._say_typing(active=True)

    def _say_typing(self, *, active: bool) -> None:
        if self._may_speak(self._loop.time()):
            name = self._tutor.name.name
            self._tell(TypingChanged(session=self.turn.session_id, who="tutor", name=name, active=active))

    # What is kept. All attempts of an instance are kept together: it asks which are to be, and tells them how it went.

    def is_to_be_kept(self, *, every: bool) -> bool:
        """Now: `every` one that has not ended, or only what cannot wait."""
        return (every or self._in_a_hurry) and not self._ending.done()

    def to_keep(self) -> Turn:
        """The turn as it is now, which is about to be kept."""
        self._unsaved, self._in_a_hurry = 0, False
        text = self.writer.text
        self._kept = len(text)
        return structs.replace(self.turn, text=text, chunks=self.writer.chunks)

    def kept(self, asked_at: float, *, stop: bool | None) -> None:
        """It was asked for then, and answered: whether to stop; None when the turn is no longer ours.

        One that has ended meanwhile says nothing more.
        """
        if self._ending.done():
            return
        if stop is None:
            self.end(LOST)
            return
        self._renewed_at = asked_at
        if (letters := self._kept) > self.saved.letters:
            more = self.writer.text[self.saved.letters : letters]
            self.saved = Saved(letters, self.saved.bytes + len(more.encode()))
        if stop:
            self.end(STOPPED)
        if self._tell_later is None:  # what waits past a lease has nobody else to tell it
            self._tell_now()

    async def _save_what_has_begun(self) -> None:
        """Before it speaks: from now on what is saved is this attempt's, and the draft of the former is not needed."""
        while not self._ending.done():
            try:
                asked_at = self._loop.time()
                self.kept(asked_at, stop=await self._keep(self.to_keep()))
            except Unavailable:
                await asyncio.sleep(self._settings.keep_every / 4)
            else:
                return


def _failed(code: str, detail: str, *, retryable: bool = True) -> Ending:
    return Ending("failed", Failure(code=code, detail=detail, retryable=retryable))
