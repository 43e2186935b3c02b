"""What learners ask and tutors answer: of a file of real conversations, or of our own making.

A file is text in UTF-8, one dialogue a line, as JSON:

    {"language": "en", "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}

`language` may be missing, `turns` may stand for `messages` and `type` for `role`. A line that does not begin with a
brace is plain text: a question and an answer at once. What is skipped: empty lines and messages, those of the role
`system`, and fields of other names.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Literal, Protocol

import msgspec
from msgspec import Struct, field

from loadtest.languages import WEIGHTS
from protocol.model import CONTENT_LENGTH, Language

ANSWER_BYTES = 65_536
"""A hub cuts a longer reply short."""
MOST = 10
"""Bad lines that are named."""


class Voice(Protocol):
    """One language, as a learner and a tutor speak it: a text is its pieces, joined.

    Each piece begins and ends between words, so that the words of a text are those of its pieces.
    """

    @property
    def code(self) -> str: ...
    def question(self, chance: Random) -> list[str]: ...
    def answer(self, chance: Random) -> list[str]: ...


class CorpusFault(Exception):
    """A file that is no corpus: says for each bad line its number and what is wrong."""


class Corpus:
    """Equal chances give equal texts, in every process."""

    def __init__(self, voices: dict[Voice, int]) -> None:
        """The voices, each with how often it is heard."""
        self._voices = [*voices]
        self._weights = [*voices.values()]

    @staticmethod
    def read(path: Path | None) -> "Corpus":
        """None: of our own making. Raises CorpusFault."""
        if path is None:
            return Corpus({**WEIGHTS})
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise CorpusFault(f"{path} cannot be read: {error.strerror}") from error
        return Corpus({voice: len(voice.questions) for voice in _voices(path, lines)})

    def voice(self, chance: Random) -> Voice:
        """In which a whole session is held."""
        return chance.choices(self._voices, self._weights)[0]

    def question(self, chance: Random) -> str:
        """What a learner says: 1 to 8,000 letters, and a hub takes it."""
        return joined(self.voice(chance).question(chance))

    def answer(self, chance: Random) -> str:
        """What a tutor says: 1 to 65,536 bytes."""
        return joined(self.voice(chance).answer(chance))


def joined(pieces: list[str]) -> str:
    """The text of which these are the pieces."""
    return "".join(pieces).strip()


class _Read(Struct, frozen=True, kw_only=True, eq=False):
    """What was read of one language: each text is one piece."""

    code: str
    questions: list[str]
    answers: list[str]

    def question(self, chance: Random) -> list[str]:
        return [chance.choice(self.questions)]

    def answer(self, chance: Random) -> list[str]:
        return [chance.choice(self.answers)]


class _Said(Struct):
    content: str
    role: Literal["user", "assistant", "system"] | None = None
    type: Literal["user", "assistant", "system"] | None = None


class _Dialogue(Struct):
    messages: list[_Said] = field(default_factory=list[_Said])
    turns: list[_Said] = field(default_factory=list[_Said])
    language: Language = "en"


def _voices(path: Path, lines: list[bytes]) -> list[_Read]:
    voices: dict[str, _Read] = {}
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            for language, role, text in _texts(line):
                voice = voices.setdefault(language, _Read(code=language, questions=[], answers=[]))
                (voice.questions if role == "user" else voice.answers).append(text)
        except ValueError as error:
            faults.append(f"{path}: line {number}: {error}")
    if not faults:
        faults += [f"{path}: {lack}" for lack in _lacks(voices)]
    if faults:
        more = [f"and {len(faults) - MOST:,} more"] if len(faults) > MOST else []
        raise CorpusFault("\n".join([*faults[:MOST], *more]))
    return [*voices.values()]


def _lacks(voices: dict[str, _Read]) -> Iterator[str]:
    if not voices:
        yield "there is no line with a text in it"
    for code, voice in voices.items():
        if not (voice.questions and voice.answers):
            yield f"nobody says anything as {'assistant' if voice.questions else 'user'} in language {code}"


def _texts(line: bytes) -> Iterator[tuple[str, str, str]]:
    """(language, role, text). Raises ValueError."""
    text = line.decode().strip().removeprefix("\ufeff")
    for language, role, said in _said(text):
        if role != "system" and any(letter.isprintable() and not letter.isspace() for letter in said):
            _check(role, said)
            yield language, role, said.strip()


def _said(text: str) -> Iterator[tuple[str, str, str]]:
    if not text.startswith("{"):
        yield "en", "user", text
        yield "en", "assistant", text
        return
    dialogue = msgspec.json.decode(text, type=_Dialogue)
    if not (said := dialogue.messages or dialogue.turns):
        raise ValueError("expected `messages`, with at least one")
    for each in said:
        if (role := each.role or each.type) is None:
            raise ValueError("expected a `role` for each message: user or assistant")
        yield dialogue.language, role, each.content


def _check(role: str, text: str) -> None:
    """Raises ValueError if a hub would not take it."""
    if "\0" in text:
        raise ValueError("holds a NUL, which no hub takes")
    if role == "user" and len(text) > CONTENT_LENGTH:
        raise ValueError(f"a message of {len(text):,} letters: a hub takes {CONTENT_LENGTH:,}")
    if len(text.encode()) > ANSWER_BYTES:
        raise ValueError(f"a message of {len(text.encode()):,} bytes: a reply has at most {ANSWER_BYTES:,}")
