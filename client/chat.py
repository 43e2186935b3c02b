"""A conversation at a terminal: what is typed becomes commands, what comes becomes lines."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import get_args
from uuid import UUID

from client.device import Device
from client.errors import CommandRefused, ConnectionLost, DeviceError
from client.screens import Screen
from client.transcript import Line, Transcript, excerpt, one_line, title_of
from client.watchers import Away, Happening, InStep
from protocol.ids import SessionId, fresh_message_id
from protocol.model import Mode, Session

HELP = """\
/new [title]      begin a session
/list             your sessions
/open N or ID     go to one of them
/search words     find sessions and messages
/mode fun|learn   how the tutor answers
/language XX      in which language (en, de, vi …)
/stop             end the reply that is being written
/retry            ask again for the last reply
/rename title     of this session
/delete           this session
/quit             leave"""
PATIENCE = 10.0
"""Seconds that a command may take before the person is told."""
TYPING_SAID_AGAIN = 3.0
LISTED = 20

Act = Callable[[str], Awaitable[None]]


class Chat:
    """Of one device at one screen."""

    def __init__(self, device: Device) -> None:
        self.screen: Screen
        self.transcript: Transcript | None = None
        self.end: DeviceError | None = None
        self._device = device
        self._back_at: float | None = None
        """While the connection is lost: when the next attempt is."""
        self._numbered: list[SessionId] = []
        self._typing_said = -TYPING_SAID_AGAIN
        self._said: asyncio.Queue[str | None] = asyncio.Queue()
        self._sending = asyncio.TaskGroup()
        self._acts: dict[str, Act] = {
            "/new": self._new,
            "/list": self._list,
            "/open": self._open,
            "/search": self._search,
            "/mode": self._mode,
            "/language": self._language,
            "/stop": self._stop,
            "/retry": self._retry,
            "/rename": self._rename,
            "/delete": self._delete,
        }

    async def run(self, *, stays: bool) -> None:
        """Until the person leaves, or the device has ended. `stays`: what was asked is waited for first."""
        async with self._sending as group:
            background = [group.create_task(self._watch()), group.create_task(self._read())]
            while (line := await self._said.get()) is not None and line.strip() != "/quit":
                await self._obey(line.strip())
            if stays and line is None:
                await self._all_answered()
            for task in background:
                task.cancel()

    # What the screen asks for.

    def live(self) -> str | None:
        """The reply as far as it is written."""
        return self.transcript.live() if self.transcript else None

    def status(self) -> str:
        """How things are: the connection, what is on its way, who is typing."""
        waiting = "sending …" if self._device.outbox.unsettled() else ""
        typing = self.transcript.typing(time.monotonic()) if self.transcript and self.live() is None else []
        who = f"{' and '.join(typing)} {'are' if len(typing) > 1 else 'is'} typing …" if typing else ""
        return " · ".join(part for part in (self._reconnecting(), waiting, who) if part)

    def _reconnecting(self) -> str:
        if self._back_at is None:
            return ""
        seconds = round(self._back_at - time.monotonic())
        return f"reconnecting in {seconds} s …" if seconds > 0 else "reconnecting …"

    def typed(self, text: str) -> None:
        """Let the other devices know, every few seconds, that somebody is typing; and at once that nobody is."""
        if self.transcript is None or text.startswith("/"):
            return
        now = time.monotonic()
        active = bool(text)
        if not active or now - self._typing_said >= TYPING_SAID_AGAIN:
            self._typing_said = now if active else -TYPING_SAID_AGAIN
            self._device.typing(self.transcript.session, active=active)

    # What comes.

    async def _watch(self) -> None:
        try:
            async for happening in self._device.events():
                self._hear(happening)
        except DeviceError as error:
            self.end = error
            self._said.put_nowait(None)

    def _hear(self, happening: Happening) -> None:
        match happening:
            case Away():
                self._lost(happening)
            case InStep() if self._back_at is not None:
                self._back_at = None
                self._show(Line("Back."))
            case _:
                pass
        self._say_news()
        self.screen.refresh()

    def _lost(self, away: Away) -> None:
        if self._back_at is None:
            self._show(Line("The connection is lost. What you write is kept and sent later."))
        self._back_at = time.monotonic() + away.back_in

    def _say_news(self) -> None:
        for line in self.transcript.news() if self.transcript else []:
            self._show(line)

    def _show(self, line: Line) -> None:
        self.screen.show(line)

    async def _all_answered(self) -> None:
        """Returns once nothing that was asked here is open."""
        try:
            await self._device.until(
                lambda _: not self._device.outbox.unsettled() and not (self.transcript and self.transcript.pending())
            )
        except DeviceError as error:
            self.end = error
        self._say_news()

    # What is typed.

    async def _read(self) -> None:
        async for line in self.screen.lines():
            self._said.put_nowait(line)
        self._said.put_nowait(None)

    async def _obey(self, line: str) -> None:
        name, _, argument = line.partition(" ")
        if name in self._acts:
            with self._told():
                async with asyncio.timeout(PATIENCE):
                    await self._acts[name](argument.strip())
        elif line.startswith("/"):
            self._show(Line(HELP))
        elif line:
            self._send(line)
            await asyncio.sleep(0)  # so that it is in the outbox before what is typed next

    @contextmanager
    def _told(self) -> Generator[None]:
        """What goes wrong is a line."""
        try:
            yield
        except CommandRefused as refused:
            self._show(Line(one_line(refused.problem.detail or refused.problem.title), "warning"))
        except TimeoutError:
            self._show(Line("The hub does not answer now. Please try again.", "warning"))
        except ConnectionLost as lost:
            self._show(Line(str(lost), "warning"))
        except DeviceError as error:
            self.end = error

    def _send(self, text: str) -> None:
        if self.transcript is None or self.transcript.is_deleted:
            return self._show(Line("Open a session first: /new, or /list and /open.", "warning"))
        self.typed("")
        message = fresh_message_id()
        self.transcript.mine.add(message)
        session = self.transcript.session

        async def send() -> None:
            with self._told():
                await self._device.send(session, text, message=message)

        self._sending.create_task(send())
        return None

    # The acts, by the name that is typed.

    async def show_session(self, session: SessionId) -> None:
        """Leave the one that is shown, and show this one."""
        former = self.transcript
        await self._device.open(session)
        tutor = self._device.welcome.tutor.name if self._device.welcome else "tutor"
        self.transcript = Transcript(self._device.timeline, session, one_line(tutor))
        for line in self.transcript.begin():
            self._show(line)
        if former is not None and former.session != session:
            await self._device.close(former.session)

    async def _new(self, title: str) -> None:
        session = await self._device.create_session(title=title or None)
        await self.show_session(session.id)

    async def new(self) -> None:
        """Begin a session."""
        await self._new("")

    async def _list(self, _: str) -> None:
        self._show_numbered([(row, "") for row in self._device.timeline.shown_sessions()[:LISTED]])

    async def _search(self, words: str) -> None:
        if not words:
            return self._show(Line("Search for which words?", "warning"))
        page = await self._device.search(words)
        if page.similar:
            self._show(Line(f"Nothing has these very words. Found with similar ones: {', '.join(page.similar)}"))
        return self._show_numbered([(hit.session, hit.excerpt) for hit in page.hits[:LISTED]])

    def _show_numbered(self, found: list[tuple[Session, str]]) -> None:
        self._numbered = [row.id for row, _ in found]
        for number, (row, words) in enumerate(found, 1):
            here = " (here)" if self.transcript and row.id == self.transcript.session else ""
            said = f" · {excerpt(words)}" if words else ""
            self._show(Line(f"{number}  {title_of(row)}{here} · {row.message_count} messages{said}"))
        if not found:
            self._show(Line("Nothing found."))

    async def _open(self, which: str) -> None:
        if which.isdecimal() and 0 < int(which) <= len(self._numbered):
            return await self.show_session(self._numbered[int(which) - 1])
        try:
            return await self.show_session(SessionId(UUID(which)))
        except ValueError:
            return self._show(Line("Open which? A number of /list or /search, or an id.", "warning"))

    async def _mode(self, mode: str) -> None:
        for known in get_args(Mode):
            if known == mode and self.transcript:
                await self._device.update_session(self.transcript.session, mode=known)
                return
        self._show(Line(f"Which mode? {' or '.join(get_args(Mode))}", "warning"))

    async def _language(self, language: str) -> None:
        if self.transcript:
            await self._device.update_session(self.transcript.session, language=language)

    async def _rename(self, title: str) -> None:
        if self.transcript:
            await self._device.update_session(self.transcript.session, title=title)

    async def _delete(self, _: str) -> None:
        if self.transcript:
            await self._device.delete_session(self.transcript.session)

    async def _stop(self, _: str) -> None:
        pending = self.transcript.pending() if self.transcript else []
        if not pending:
            return self._show(Line("Nothing is being written."))
        await self._device.stop(pending[0].id)
        return None

    async def _retry(self, _: str) -> None:
        reply = self.transcript.last_reply() if self.transcript else None
        if reply is None:
            return self._show(Line("There is no reply yet."))
        await self._device.retry(reply.id)
        return None
