"""What the tutor is told: how to teach, in which language, and what was said so far. Pure.

Tokens are estimated as a third of the UTF-8 bytes: English has about four bytes to a token, so this keeps a quarter in
reserve there; scripts that a model knows badly may need more tokens, so leave room between the budget and its context.
"""

from base64 import b64encode
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Literal

from msgspec import structs

from protocol.model import Mode
from server.lesson import Lesson, Utterance

BYTES_PER_TOKEN = 3
TOKENS_PER_MESSAGE = 4
"""What a chat template puts around each message."""

MODES: dict[Mode, str] = {
    "fun": (
        "You are a warm, playful tutor, and learning with you feels like a game. "
        "Keep it short: two or three lively sentences. "
        "Give one clue or a tiny challenge, as in a game, and cheer every good try. "
        "If the learner is stuck, make the next clue easier."
    ),
    "learn": (
        "You are a patient tutor who teaches step by step, by asking. "
        "Do not give the answer away at once: first ask what the learner knows, then lead with a question per step. "
        "Say what is right in the learner's attempt and where it goes wrong. "
        "Before going on, check understanding: let the learner explain the step in their own words."
    ),
}
UNSEEN = "[A picture is attached, which you cannot see.]"
"""In the learner's name, beside what the learner has said."""
BOTH = "Be honest when you are not sure. Write mathematics in LaTeX between dollar signs."

LANGUAGES = {
    "ar": "Arabic",
    "bn": "Bengali",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}


def messages(lesson: Lesson, budget_tokens: int) -> list[dict[str, Any]]:
    """The system prompt, then as much of the end of the history as fits; always the last message, cut if it must be.

    What follows the system prompt begins with a user's message, and speakers take turns: an unanswered message and the
    next become one, because the chat templates of some models refuse two in a row. What has begun of the answer comes
    last.
    """
    kept = fitting(joined(lesson.history), budget_tokens)
    said = [{"role": said.role, "content": content(said)} for said in kept]
    begun = [{"role": "assistant", "content": lesson.begun}] if lesson.begun else []
    return [{"role": "system", "content": system(lesson)}, *said, *begun]


def content(said: Utterance) -> str | list[dict[str, Any]]:
    """Its text, or, where pictures are shown, its parts as OpenAI names them. Pictures are beyond the budget."""
    if not said.pictures:
        return said.content
    addresses = [f"data:{each.type};base64,{b64encode(each.data).decode()}" for each in said.pictures]
    pictures = [{"type": "image_url", "image_url": {"url": address}} for address in addresses]
    return [{"type": "text", "text": said.content}, *pictures]


def system(lesson: Lesson) -> str:
    return f"{MODES[lesson.mode]} {BOTH} Answer in {language(lesson.language)}."


def language(tag: str) -> str:
    """`German (de-AT)`; the tag itself where the table has no name for it."""
    name = LANGUAGES.get(tag.partition("-")[0].lower())
    return f"{name} ({tag})" if name else f"the language with the tag {tag}"


def tokens(text: str) -> int:
    """An estimate, rather too high than too low."""
    return len(text.encode()) // BYTES_PER_TOKEN + TOKENS_PER_MESSAGE


def joined(history: Iterable[Utterance]) -> list[Utterance]:
    """Without empty messages, and with neighbours of the same speaker made one."""
    spoken = (said for said in history if said.content.strip())
    return [as_one(role, list(speech)) for role, speech in groupby(spoken, role_of)]


def as_one(role: Literal["user", "assistant"], speech: list[Utterance]) -> Utterance:
    text = "\n\n".join(in_words(said) for said in speech)
    return Utterance(role, text, pictures=tuple(picture for said in speech for picture in said.pictures))


def in_words(said: Utterance) -> str:
    """Of a picture that is not shown it is said that there is one."""
    unseen = said.image_url is not None and not said.pictures
    return f"{said.content}\n\n{UNSEEN}" if unseen else said.content


def role_of(said: Utterance) -> Literal["user", "assistant"]:
    return said.role


def fitting(history: list[Utterance], budget_tokens: int) -> list[Utterance]:
    """The longest end of the history within the budget that begins with a user's message, or the last message alone."""
    kept: list[Utterance] = []
    left = budget_tokens
    for said in reversed(history):
        left -= tokens(said.content)
        if left < 0:
            break
        kept.insert(0, said)
    if kept and kept[0].role == "assistant":
        kept = kept[1:]
    return kept or [ending(said, budget_tokens) for said in history[-1:]]


def ending(said: Utterance, budget_tokens: int) -> Utterance:
    """The end of a message, as much as the budget holds."""
    room = max(1, budget_tokens - TOKENS_PER_MESSAGE) * BYTES_PER_TOKEN
    return structs.replace(said, content=said.content.encode()[-room:].decode(errors="ignore"))
