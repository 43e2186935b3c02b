"""What a person reads of one session: lines, each once, in the order of the messages. No I/O.

It compares what the timeline shows with what was said before, so it does not matter whether something came as
an event, after a reconnect, or in a page.
"""

import unicodedata
from typing import Literal

from msgspec import Struct

from protocol.ids import MessageId, SessionId
from protocol.model import Message, Session
from protocol.timeline import Timeline

Tone = Literal["mine", "theirs", "tutor", "note", "warning"]
SHOWN_AT_FIRST = 10
EXCERPT = 60


class Line(Struct, frozen=True):
    """`who` says it; a note is said by nobody."""

    text: str
    tone: Tone = "note"
    who: str = ""

    @property
    def plain(self) -> str:
        return f"{self.who}: {self.text}" if self.who else f"· {self.text}"


class Transcript:
    """Of one opened session. `mine` are the messages of this device."""

    def __init__(self, timeline: Timeline, session: SessionId, tutor: str) -> None:
        self.session = session
        self.mine: set[MessageId] = set()
        self._timeline = timeline
        self._tutor = tutor
        self._row: Session | None = None
        self._said: dict[MessageId, Message] = {}

    def begin(self) -> list[Line]:
        """The session's name and its last messages."""
        self._row = row = self._timeline.sessions[self.session]
        settled = [message for message in self._messages() if message.status != "pending"]
        self._said = {message.id: message for message in settled}
        older = [Line("…")] if len(settled) > SHOWN_AT_FIRST else []
        last = [line for message in settled[-SHOWN_AT_FIRST:] for line in self._lines(message, "you")]
        return [Line(f"{title_of(row)} ({row.mode}, {row.language})"), *older, *last]

    def news(self) -> list[Line]:
        """What is to be said since the last time."""
        row = self._timeline.sessions.get(self.session)
        return [] if row is None else [*self._edited(), *self._added(), *self._about(row)]

    @property
    def is_deleted(self) -> bool:
        row = self._timeline.sessions.get(self.session)
        return row is not None and row.deleted_at is not None

    def pending(self) -> list[Message]:
        """The replies that are still to be written, or are being written."""
        return [message for message in self._messages() if message.status == "pending"]

    def last_reply(self) -> Message | None:
        """The last one that has ended."""
        ended = [message for message in self._messages() if message.status not in (None, "pending")]
        return ended[-1] if ended else None

    def live(self) -> str | None:
        """What the tutor has written so far of the reply that it is writing."""
        texts = [self._timeline.replies[each.id].text for each in self.pending() if each.id in self._timeline.replies]
        return cleaned(texts[0]) if texts else None

    def typing(self, now: float) -> list[str]:
        """The names of those who are typing."""
        return [one_line(name) for name in self._timeline.typing_in(self.session, now)]

    def _messages(self) -> list[Message]:
        return self._timeline.shown_messages(self.session)

    def _about(self, row: Session) -> list[Line]:
        former, self._row = self._row, row
        if former is None:
            return []
        lines: list[Line] = []
        if (row.deleted_at is None) != (former.deleted_at is None):
            lines.append(Line("This session was restored." if row.deleted_at is None else "This session was deleted."))
        if row.title != former.title:
            lines.append(Line(f"The session is now called: {title_of(row)}"))
        if (row.mode, row.language) != (former.mode, former.language):
            lines.append(Line(f"From the next reply on: {row.mode}, {row.language}"))
        return lines

    def _edited(self) -> list[Line]:
        lines: list[Line] = []
        for former in list(self._said.values()):
            row = self._timeline.messages.get(former.id, former)
            if row.deleted_at is not None:
                del self._said[row.id]
                lines.append(Line(f"Deleted: {excerpt(former.content)}"))
            elif row.content != former.content:
                self._said[row.id] = row
                lines.append(Line(f"Edited: {excerpt(former.content)} → {excerpt(row.content)}"))
        return lines

    def _added(self) -> list[Line]:
        lines: list[Line] = []
        for message in self._messages():
            if message.id not in self._said and message.status != "pending":
                self._said[message.id] = message
                lines += self._lines(message, "you" if message.id in self.mine else "you, elsewhere")
        return lines

    def _lines(self, message: Message, speaker: str) -> list[Line]:
        text = cleaned(message.content)
        if message.type == "user":
            return [Line(text, "mine" if speaker == "you" else "theirs", speaker)]
        lines = [Line(text, "tutor", self._tutor)] if text else []
        failure = message.metadata.failure if message.metadata else None
        if message.status == "stopped":
            lines.append(Line("Stopped."))
        elif message.status == "failed":
            why = one_line(failure.detail) if failure else "The tutor could not answer."
            lines.append(Line(f"{why} (/retry asks again)", "warning"))
        return lines


def cleaned(text: str) -> str:
    """Text without what a terminal would obey; line breaks stay."""
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    return "".join(
        letter if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cs") else "�" for letter in text
    )


def one_line(text: str) -> str:
    return " ".join(cleaned(text).split())


def excerpt(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def title_of(session: Session) -> str:
    return one_line(session.title) or "(no title yet)"
