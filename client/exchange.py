"""Commands out, answers in: what a device says, what of it was answered, and what it is told meanwhile.

The link moves what is said and heard; this puts it into the timeline, in the order in which it came, before anybody
is told.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from random import uniform

from msgspec import Raw

from client.connection import Closed
from client.errors import CommandRefused, ConnectionLost, DeviceError, problem_of
from client.outbox import Outbox, Repeatable
from client.pages import Pages
from client.watchers import Away, InStep, Watchers
from protocol import commands as say
from protocol.commands import Command, Ref
from protocol.errors import Reason
from protocol.events import Accepted, Changes, Event, Refused, Snapshot, Welcome
from protocol.model import Cursor, Device
from protocol.timeline import Outcome, Timeline

AGAIN_AFTER_MS = 1_000
"""When a command is said again that can't be done now, unless the hub has said when."""
JITTER = (1.0, 1.5)
"""So many times as long, so that not all devices come back at once."""


class Exchange:
    """Of one device. `speak` says a command while there is a connection."""

    def __init__(self, who: Device, timeline: Timeline, outbox: Outbox) -> None:
        self.who = who
        self.timeline = timeline
        self.outbox = outbox
        self.pages = Pages(timeline)
        self.watchers = Watchers(timeline)
        self.speak: Callable[[Command], None] = lambda _: None
        self.welcome: Welcome | None = None
        self.is_in_step = False
        self._said_once: dict[Ref, Command] = {}
        self._answers: dict[Ref, asyncio.Future[Raw]] = {}
        self._later: asyncio.TimerHandle | None = None

    # Saying.

    async def ask(self, command: Repeatable) -> Raw:
        """The answer, however many connections it takes. Raises CommandRefused."""
        with self._answer_to(command) as answer:
            self.outbox.add(command)
            self._say_what_is_due()
            try:
                return await answer
            finally:
                self.outbox.abandon(command.ref)

    async def ask_once(self, command: Command) -> Raw:
        """The answer on this connection. Raises CommandRefused, ConnectionLost."""
        with self._answer_to(command) as answer:
            if not self.is_in_step:
                raise ConnectionLost("There is no connection.")
            self.say_once(command)
            return await answer

    def say_once(self, command: Command) -> None:
        self._said_once[command.ref] = command
        self.speak(command)

    @contextmanager
    def _answer_to(self, command: Command) -> Generator[asyncio.Future[Raw]]:
        self.watchers.raise_if_ended()
        answer = self._answers[command.ref] = asyncio.get_running_loop().create_future()
        try:
            yield answer
        finally:
            del self._answers[command.ref]

    def _say_what_is_due(self) -> None:
        if self.is_in_step:
            now = time.monotonic()
            for command in self.outbox.due(now):
                self.pages.about_to_say(command)
                self.speak(command)
            self._say_the_rest_later(now)

    def _say_the_rest_later(self, now: float) -> None:
        """What the hub could not do is said again when its time has come; until then something else may come first.

        `now` is when the rest was found not to be due: what falls due since then would be asked for by nobody.
        """
        self._be_quiet()
        if (then := self.outbox.next_due(now)) is not None:
            self._later = asyncio.get_running_loop().call_later(then - now, self._say_what_is_due)

    def _be_quiet(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None

    # What the link asks of its owner.

    def hello(self, token: str) -> say.Hello:
        held = self.timeline.epoch
        since = None if held is None else Cursor(epoch=held, seq=self.timeline.seq)
        return say.Hello(ref=self.outbox.fresh_ref(), device=self.who, token=token, since=since)

    def renewal(self, token: str) -> say.AuthRefresh:
        return say.AuthRefresh(ref=self.outbox.fresh_ref(), token=token)

    def hear(self, event: Event) -> bool:
        """Apply an event and tell of it. False: something is missing, come back and resume."""
        if not self._apply(event):
            return False
        self.watchers.tell(event)
        if isinstance(event, Snapshot) or (isinstance(event, Changes) and not event.more and not self.is_in_step):
            self._get_in_step()
        return True

    def away(self, closed: Closed, back_in: float) -> None:
        """The connection is lost: what was said is said again after the resume, if it may be said twice."""
        self.is_in_step = False
        self._be_quiet()
        self.outbox.lose()
        for ref in self._said_once:
            self._resolve(ref, ConnectionLost("The connection broke before the answer came."))
        self._said_once.clear()
        self.watchers.tell(Away(back_in=back_in, code=closed.code, reason=closed.reason))

    def finish(self, end: DeviceError) -> None:
        """From now on everything raises this."""
        self.is_in_step = False
        self._be_quiet()
        self.watchers.finish(end)
        for ref in self._answers:
            self._resolve(ref, end)

    def _get_in_step(self) -> None:
        self.is_in_step = True
        self._say_what_is_due()  # first of all: a hub that has forgotten sessions has them again when they are opened
        for session in self.timeline.opened:
            if not self.outbox.asks_for(session):
                self.say_once(say.SessionOpen(ref=self.outbox.fresh_ref(), session=session))
        self.watchers.tell(InStep())

    # Hearing.

    def _apply(self, event: Event) -> bool:
        match event:
            case Welcome():
                self.welcome = event
            case Accepted():
                self._accepted(event)
            case Refused():
                return self._refused(event)
            case Snapshot():
                self._replace(event)
            case Changes() if event.since > self.timeline.seq:
                return False
            case _:
                return self.timeline.apply(event, time.monotonic()) is Outcome.APPLIED
        return True

    def _replace(self, snapshot: Snapshot) -> None:
        """Everything is new. If the numbers are, the hub may have forgotten what it acknowledged last."""
        held = self.timeline.epoch
        self.pages.replace(snapshot)
        if held not in (None, snapshot.epoch):
            self.outbox.renew(time.monotonic())

    def _accepted(self, event: Accepted) -> None:
        command = self._said_once.pop(event.ref, None) or self.outbox.find(event.ref)
        if command is not None:
            self.pages.take(command, event.result)
            self.outbox.accept(event.ref, time.monotonic())
            self._say_what_is_due()
            self._resolve(event.ref, event.result)

    def _refused(self, event: Refused) -> bool:
        """False: it was a page that the device cannot be without."""
        if event.ref is None:
            return True
        problem = problem_of(event)
        command = self._said_once.pop(event.ref, None)
        reopening = isinstance(command, say.SessionOpen)
        asked = command or self.outbox.find(event.ref)
        wait = (problem.retry_after_ms or AGAIN_AFTER_MS) / 1_000 * uniform(*JITTER)
        if self.outbox.postpone(event.ref, problem, until=time.monotonic() + wait):
            self._say_what_is_due()
            return True
        self.pages.refused(asked)
        valid = self.outbox.refuse(event.ref, problem)
        self._say_what_is_due()
        self._resolve(event.ref, CommandRefused(problem) if valid else Raw(b"{}"))
        return not reopening or problem.code is Reason.NOT_FOUND

    def _resolve(self, ref: Ref, answer: Raw | DeviceError) -> None:
        waiting = self._answers.get(ref)
        if waiting is None or waiting.done():
            return
        if isinstance(answer, DeviceError):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)
