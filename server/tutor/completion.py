"""What the events of a streamed chat completion say. No I/O: it is fed the data of events, as they come.

Lenient about what providers add or leave out: unknown fields, null deltas and events that cannot be read are skipped.
What comes out is text that PostgreSQL can hold: no NUL, no half of a surrogate pair.
"""

import codecs
import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from protocol.model import Usage
from server.tutor.tutor import Piece, TutorFailed

CUT_SHORT = ("length", "content_filter")
KEY = re.compile(r"\b(sk|Bearer)[-_ ]\S+")
"""Providers like to repeat a wrong key, whole or in part."""


class Delta(Struct):
    """What one event adds to the reply. A model's reasoning comes in other fields and is not part of the reply."""

    content: str | None = None


class Choice(Struct):
    """One of the replies asked for; we ask for one."""

    delta: Delta | None = None
    finish_reason: str | None = None


class Counted(Struct):
    """The provider's count, as OpenAI names it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Chunk(Struct):
    """One event of https://platform.openai.com/docs/api-reference/chat-streaming, as far as we read it."""

    choices: list[Choice] | None = None
    usage: Counted | None = None
    error: object = None


CHUNKS = msgspec.json.Decoder(Chunk)


class Completion:
    """A reply as far as its events have come. `read` gives the text of events, `end` what is known at the end.

    No failure repeats the `secret`.
    """

    def __init__(self, secret: str | None = None, *, begun: bool = False) -> None:
        self._secret = secret
        self.malformed = 0
        self.done = False
        self._finish: str | None = None
        self._failure: TutorFailed | None = None
        self._usage: Usage | None = None
        self._said = begun  # what has begun may have been all of it
        self._pairs = codecs.getincrementaldecoder("utf-16-le")("replace")
        self._has_half = False

    @property
    def has_said(self) -> bool:
        """Some of the reply is there."""
        return self._said

    @property
    def finished(self) -> bool:
        """It says no more."""
        return self._finish is not None or self._failure is not None

    def read(self, datas: Iterable[bytes]) -> str:
        """The text that these events add, often none."""
        text = ""
        for data in datas:
            if self.finished:
                self._read(data)  # what was used
            else:
                text += self._read(data)
        return text

    def end(self) -> Piece:
        """The last piece. Raises TutorFailed if an event told of an error, if the stream ended before the reply did, or
        if it held no reply.
        """
        if self._failure is not None:
            raise self._failure
        if not self._said and self.malformed:
            raise unreadable()
        if not self.finished:
            raise TutorFailed(
                "provider_cut", "The tutor's provider broke off in the middle of the reply.", retryable=True
            )
        if not self._said:
            raise TutorFailed("provider_empty", "The tutor's provider sent an empty reply.", retryable=True)
        return Piece(text=self._pairs.decode(b"", True), usage=self._usage, truncated=self._finish in CUT_SHORT)

    def _read(self, data: bytes) -> str:
        if not (data := data.strip()):
            return ""
        if data == b"[DONE]":
            self.done = True
            self._finish = self._finish or "stop"
            return ""
        chunk = decoded(data)
        if chunk is None:
            self.malformed += 1
            return ""
        if chunk.error and not self.finished:
            why = explained("The tutor's provider broke off", message_of(chunk.error), self._secret)
            self._failure = TutorFailed("provider_error", why, retryable=True)
            self.done = True
            return ""
        if chunk.usage:
            self._usage = Usage(chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
        return self._text(chunk.choices or [])

    def _text(self, choices: list[Choice]) -> str:
        text = ""
        for choice in choices:
            self._finish = choice.finish_reason or self._finish
            if choice.delta and choice.delta.content:
                text += self._storable(choice.delta.content)
        self._said = self._said or text != ""
        return text

    def _storable(self, text: str) -> str:
        """The halves of a surrogate pair may come in two events: the decoder joins them, and replaces a lone half."""
        if not text.isascii() or self._has_half:
            text = self._pairs.decode(text.encode("utf-16-le", "surrogatepass"))
            self._has_half = bool(self._pairs.getstate()[0])
        return text.replace("\0", "")


def decoded(data: bytes) -> Chunk | None:
    """None if it is no chunk. The standard library's reader takes what msgspec's refuses, as half a surrogate pair."""
    try:
        return CHUNKS.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return _decoded_leniently(data)


def _decoded_leniently(data: bytes) -> Chunk | None:
    try:
        return msgspec.convert(json.loads(data.decode(errors="replace")), Chunk)
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None


def unreadable() -> TutorFailed:
    return TutorFailed("provider_malformed", "The tutor's provider sent an answer that cannot be read.", retryable=True)


def message_of(error: Any) -> str:
    """The message in `{"message": …}`, `{"error": …}` or a bare text; nothing if there is none."""
    match error:
        case str():
            return error
        case {"error": inner}:
            return message_of(inner)
        case {"message": str(message)}:
            return message
        case _:
            return ""


def explained(what: str, message: str, secret: str | None) -> str:
    """A sentence for people: what happened, and the provider's own words: short, printable, one line, without keys."""
    message = message.replace(secret, "…") if secret else message
    message = KEY.sub("…", message)
    words = " ".join("".join(char if char.isprintable() else " " for char in message).split())
    return f"{what}: {words[:200]}" if words else f"{what}."
