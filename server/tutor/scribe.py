"""Who listens to recordings: the `/audio/transcriptions` of an OpenAI-compatible endpoint.

The recording is sent on as it is read, so that it is never whole in memory. What comes back is somebody's words, and
is handed to the learner, who sends them or does not; nothing of it is an instruction to anybody.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx2

from protocol.answers import Transcript
from protocol.model import CONTENT_LENGTH
from server.inspection.kinds import ENDINGS
from server.tutor.openai import CONNECT_SECONDS, REFUSALS, answer, own_client
from server.tutor.tutor import TutorFailed

WHOLE = 60.0
"""Seconds for a recording, which may take ten minutes to hear."""
LANGUAGE_LENGTH = 40


class Scribe:
    """At `base_url`, which includes `/v1`, with a model that hears."""

    def __init__(self, base_url: str, model: str, api_key: str | None = None) -> None:
        self._url = httpx2.URL(base_url)
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def transcribe(self, type: str, bytes: int, pieces: AsyncGenerator[bytes]) -> Transcript:
        """What is said in so many bytes of this media type. Raises TutorFailed."""
        try:
            async with asyncio.timeout(WHOLE), aclosing(pieces), own_client(self._url.host) as client:
                return _read(await self._ask(client, type, bytes, pieces))
        except TimeoutError:
            raise TutorFailed("too_long", "The provider was too slow to listen.", retryable=True) from None
        except httpx2.HTTPError as error:
            raise TutorFailed("provider_unreachable", "The provider cannot be reached.", retryable=True) from error

    async def _ask(self, client: httpx2.AsyncClient, type: str, bytes: int, pieces: AsyncGenerator[bytes]) -> Any:
        boundary = uuid4().hex
        before, after = _around(boundary, self._model, type)
        headers = self._headers | {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(before) + bytes + len(after)),
            "Accept-Encoding": "identity",
        }
        url = self._url.copy_with(path=f"{self._url.path.rstrip('/')}/audio/transcriptions")
        timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
        body = _body(before, pieces, after)
        async with client.stream("POST", url, content=body, headers=headers, timeout=timeout) as response:
            if response.status_code != HTTPStatus.OK:
                code, retryable, _ = REFUSALS.get(response.status_code, ("provider_error", True, ""))
                raise TutorFailed(code, "The provider has not listened.", retryable=retryable)
            return await answer(response)


def _around(boundary: str, model: str, type: str) -> tuple[bytes, bytes]:
    """What stands before the recording and after it. Its name is ours, so that nobody's words are in it."""
    fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("model", model), ("response_format", "json"))
    )
    file = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="recording.{ENDINGS[type]}"\r\n'
        f"Content-Type: {type}\r\n\r\n"
    )
    return (fields + file).encode(), f"\r\n--{boundary}--\r\n".encode()


async def _body(before: bytes, pieces: AsyncGenerator[bytes], after: bytes) -> AsyncGenerator[bytes]:
    yield before
    async for piece in pieces:
        yield piece
    yield after


def _read(answered: Any) -> Transcript:
    match answered:
        case {"text": str(text), "language": str(language)}:
            return Transcript(_storable(text), _storable(language)[:LANGUAGE_LENGTH] or None)
        case {"text": str(text)}:
            return Transcript(_storable(text))
        case _:
            raise TutorFailed("provider_malformed", "The provider's answer cannot be read.", retryable=True)


def _storable(text: str) -> str:
    """As a message may have it: so long, without NUL and without half a surrogate pair."""
    return text.encode(errors="replace").decode().replace("\0", "").strip()[:CONTENT_LENGTH]
