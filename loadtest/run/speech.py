"""What learners say and what the synthetic tutor answers: known to both sides, and timed by a stamp in its text.

An answer begins with the moment at which its first token was due, and its pace; a token is four characters. So
whoever reads a piece knows since when its first token was due, whatever was merged on the way. Pure.
"""

import re
from hashlib import sha256
from random import Random

from loadtest.corpus import Corpus
from loadtest.words import question

TOKEN = 4
"""Characters: what a model's token has in English, on average."""
LONGEST_QUESTION, LONGEST_ANSWER = 7_900, 15_000
"""Characters: with mark and stamp, what a hub takes whole in any script."""
_STAMP = re.compile(r"\[(\d+\.\d+) s, (\d+(?:\.\d+)?)/s\] ")


class Stamp:
    """`at`: when the first token was due, by the machine's monotonic clock; `pace`: tokens a second; `text`: of the
    first token.
    """

    __slots__ = ("at", "pace", "text")

    def __init__(self, at: float, pace: float) -> None:
        self.at = at
        self.pace = pace
        self.text = f"[{at:.6f} s, {pace:g}/s] "

    def due(self, offset: int) -> float:
        """When the token was that has the character at this offset of the whole text."""
        beyond = offset - len(self.text)
        return self.at if beyond < 0 else self.at + (1 + beyond // TOKEN) / self.pace

    def tokens(self, body: str) -> list[str]:
        """The whole answer."""
        return [self.text, *(body[start : start + TOKEN] for start in range(0, len(body), TOKEN))]


def stamp_in(text: str) -> Stamp | None:
    """With which an answer begins, if it is our tutor's."""
    found = _STAMP.match(text)
    return Stamp(float(found[1]), float(found[2])) if found else None


class Speech:
    """`answer_tokens`: so many tokens has each answer, with its stamp; 0: as the corpus has them."""

    def __init__(self, corpus: Corpus, seed: int, answer_tokens: int = 0) -> None:
        self._corpus = corpus
        self._seed = seed
        self._characters = max(0, answer_tokens - 1) * TOKEN

    def question(self, chance: Random, mark: str) -> str:
        """Something to say, in one paragraph; the mark makes it another each time."""
        return f"{' '.join(self._corpus.question(chance).split())[:LONGEST_QUESTION]} ({mark})"

    def body(self, asked: str) -> str:
        """What follows the stamp in the answer to it."""
        digest = sha256(f"{self._seed}\n{question(asked)}".encode()).digest()
        chance = Random(int.from_bytes(digest[:8]))
        text = self._corpus.answer(chance).strip()
        while len(text) < self._characters:
            text += f" {self._corpus.answer(chance).strip()}"
        return text[: self._characters - 1] + "." if self._characters else text[:LONGEST_ANSWER].rstrip()
