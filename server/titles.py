"""Titles: what people give, and what a session is called when nobody gave one; what has nothing to read. Pure."""

import unicodedata

from protocol.model import TITLE_LENGTH

FROM_MESSAGE = 60
"""Letters of a title that is taken from the first message."""


def cleaned(title: str) -> str:
    """One line, without what reverses or hides text: a title stands in lists, among others."""
    kept = "".join(letter for letter in " ".join(title.split()) if not _hides(letter))
    return " ".join(kept.split())[:TITLE_LENGTH].strip()


def of_message(content: str) -> str:
    """The beginning of the first message, cut between words where there are any."""
    title = cleaned(content[: 4 * FROM_MESSAGE])
    if len(title) <= FROM_MESSAGE:
        return title
    cut = title[:FROM_MESSAGE]
    return (cut.rsplit(" ", 1)[0] if " " in cut[FROM_MESSAGE // 2 :] else cut) + "…"


def is_blank(text: str) -> bool:
    """Whether there is nothing to be seen in it."""
    return all(letter.isspace() or unicodedata.category(letter) in ("Cc", "Cf") for letter in text)


def _hides(letter: str) -> bool:
    """Controls, and marks of direction and of tags (Cc and Cf), but for the joiners that scripts need."""
    return unicodedata.category(letter) in ("Cc", "Cf") and letter not in "\u200c\u200d"
