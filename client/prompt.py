"""The chat in a terminal: what was said scrolls up; below it the reply as it is written, who types, and the prompt."""

from collections.abc import AsyncIterator, Callable
from io import StringIO

from msgspec import Struct
from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.application import get_app_or_none
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import ANSI
from rich.console import Console
from rich.text import Text

from client.transcript import Line, Tone

STYLES: dict[Tone, str] = {
    "mine": "bold cyan",
    "theirs": "bold blue",
    "tutor": "bold green",
    "note": "dim",
    "warning": "yellow",
}
LEFT_FREE = 5
"""Lines of the terminal that a reply in progress leaves to the prompt and the rest."""
NARROWEST = 20
REDRAWN_EVERY = 0.5


class Live(Struct, frozen=True):
    """What is not said yet: the reply so far, and in a few words how things are."""

    reply: str | None
    status: str


class Prompt:
    """`live` is asked each time it is drawn; `typed` is told what stands in the prompt, at each key."""

    def __init__(self, live: Callable[[], Live], typed: Callable[[str], None]) -> None:
        self._live = live
        self._typed = typed
        self._session: PromptSession[str] = PromptSession(
            self._message, erase_when_done=True, refresh_interval=REDRAWN_EVERY
        )
        self._session.default_buffer.on_text_changed += self._changed

    def show(self, line: Line) -> None:
        print_formatted_text(ANSI(self._rendered(line)), end="")

    def refresh(self) -> None:
        if get_app_or_none() is not None:
            self._session.app.invalidate()

    async def lines(self) -> AsyncIterator[str]:
        while True:
            try:
                yield await self._session.prompt_async()
            except (EOFError, KeyboardInterrupt):
                return

    def _changed(self, buffer: Buffer) -> None:
        self._typed(buffer.text)

    def _message(self) -> ANSI:
        live = self._live()
        lines = [] if live.reply is None else [*self._end_of(live.reply or "…")]
        drawn = [self._rendered(Line(live.status))] if live.status else []
        return ANSI("".join([*(f"{line}\n" for line in lines), *drawn, "› "]))

    def _end_of(self, text: str) -> list[str]:
        """Its last lines, as many as the terminal has room for."""
        size = self._session.output.get_size()
        wrapped = Text(text, style="green").wrap(self._console(), max(size.columns - 1, NARROWEST))
        return [line.plain for line in wrapped[-max(size.rows - LEFT_FREE, 1) :]]

    def _rendered(self, line: Line) -> str:
        console = self._console()
        style = STYLES[line.tone]
        who = Text(f"{line.who}  " if line.who else "· ", style=style)
        console.print(who + Text(line.text, style="" if line.who else style))
        assert isinstance(console.file, StringIO)
        return console.file.getvalue()

    def _console(self) -> Console:
        return Console(
            file=StringIO(), force_terminal=True, width=max(self._session.output.get_size().columns, NARROWEST)
        )
