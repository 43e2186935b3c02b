"""Any OpenAI-compatible endpoint as a tutor, over HTTP.

Closing the generator that `reply` gives closes the HTTP connection. The only time limit here is that of connecting:
the turn owns the others. Failures are told in words for people, which never hold the key.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any, Self, cast
from urllib.request import getproxies, proxy_bypass

import httpx2
import structlog

from protocol.model import TutorName
from server.lesson import Lesson
from server.settings import is_loopback
from server.tutor.completion import Completion, explained, message_of, unreadable
from server.tutor.direct import Direct, Gather, not_at_all
from server.tutor.event_reader import EventReader, TooLong
from server.tutor.prompt import messages
from server.tutor.tutor import Piece, TutorFailed

CONNECT_SECONDS = 10.0
AFTERWORD_SECONDS = 2.0
"""How long a provider may take, after the reply's end, to count its tokens."""
EVENT_BYTES = 1_000_000
ANSWER_BYTES = 1_000_000
"""The most that is read of an answer that is no stream: a list of models, the reason of a refusal."""
NOTE = "A language model: it can be wrong."

REFUSALS = {
    401: ("provider_auth", False, "The tutor's provider refused the key. Check OPENAI_API_KEY"),
    403: ("provider_auth", False, "The tutor's provider does not let this key in. Check OPENAI_API_KEY"),
    404: (
        "provider_model",
        False,
        "The tutor's provider has no such model or address. Check OPENAI_MODEL and OPENAI_BASE_URL",
    ),
    408: ("provider_busy", True, "The tutor's provider was too slow. Try again"),
    429: ("provider_busy", True, "The tutor's provider is busy, or its quota is used up. Try again in a while"),
}

log = structlog.get_logger()


class OpenAITutor:
    """A Tutor at `base_url`, which includes `/v1` as OPENAI_BASE_URL does. Without a model, the first one it offers.

    An async context manager: leaving it closes the connections, unless the client was given. Its own client uses the
    proxies of the environment, but never for a loopback address. A given client's time limits are not used. `gather`:
    for how long what is said may be gathered, from one piece to the next.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        model: str | None = None,
        history_tokens: int = 3_000,
        name: TutorName | None = None,
        continues: bool = False,
        client: httpx2.AsyncClient | None = None,
        gather: Gather = not_at_all,
    ) -> None:
        self._base = httpx2.URL(base_url)
        self._headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
        self._key = api_key
        self._model = model
        self._history_tokens = history_tokens
        self._named = name is not None
        self.name = name or TutorName(name=model or self._base.host, local=False, note=NOTE)
        self.continues = continues
        self._asking = asyncio.Lock()
        self._gather = gather
        self._owns_client = client is None
        self._client = client or streaming_client(self._base.host)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._owns_client:
            await self._client.aclose()

    async def reply(self, lesson: Lesson) -> AsyncGenerator[Piece]:
        completion = Completion(self._key, begun=bool(lesson.begun))
        async with aclosing(await self._ask(lesson, completion)) as response, aclosing(events(response)) as arriving:
            async for datas in arriving:
                if text := completion.read(datas):
                    yield Piece(text=text)
                if completion.finished:
                    break
            if not completion.done:
                await afterword(completion, arriving)
        if completion.malformed:
            log.warning("provider_unreadable", count=completion.malformed, provider=self._base.host)
        yield completion.end()

    async def _ask(self, lesson: Lesson, completion: Completion) -> httpx2.Response:
        """The first words come as soon as they can."""
        body = {
            "model": await self._known_model(),
            "messages": messages(lesson, self._history_tokens),
            "stream": True,
            "stream_options": {"include_usage": True},
        }

        def gather() -> float:
            return self._gather() if completion.has_said else 0.0

        return await self._send("POST", "chat/completions", body, gather=gather)

    async def _known_model(self) -> str:
        async with self._asking:
            if self._model is None:
                self._model = await self._first_model()
                if not self._named:
                    self.name = TutorName(name=self._model, local=False, note=NOTE)
        return self._model

    async def _first_model(self) -> str:
        async with aclosing(await self._send("GET", "models")) as response:
            match await answer(response):
                case {"data": [{"id": str(model)}, *_others]}:
                    return model
                case _:
                    detail = "The tutor's provider names no model. Set OPENAI_MODEL."
                    raise TutorFailed("provider_model", detail, retryable=False)

    async def _send(self, method: str, path: str, body: object = None, **extensions: object) -> httpx2.Response:
        """The answer, its body yet unread; the caller closes it."""
        url = self._base.copy_with(path=f"{self._base.path.rstrip('/')}/{path}")
        timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
        request = self._client.build_request(
            method, url, json=body, headers=self._headers, timeout=timeout, extensions=extensions
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx2.HTTPError as error:
            detail = "The tutor's provider cannot be reached."
            raise TutorFailed("provider_unreachable", detail, retryable=True) from error
        if response.status_code != HTTPStatus.OK:
            async with aclosing(response):
                raise self._refusal(response.status_code, message_of(await answer(response)))
        return response

    def _refusal(self, status: int, message: str) -> TutorFailed:
        if status in REFUSALS:
            code, retryable, what = REFUSALS[status]
            return TutorFailed(code, f"{what}.", retryable=retryable)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            what = explained(f"The tutor's provider failed ({status})", message, self._key)
            return TutorFailed("provider_error", what, retryable=True)
        what = explained(f"The tutor's provider refused the request ({status})", message, self._key)
        return TutorFailed("provider_refused", what, retryable=False)


async def events(response: httpx2.Response) -> AsyncGenerator[list[bytes]]:
    """The data of the events that have come together. A broken connection ends them; an endless event, or no stream,
    raises TutorFailed.
    """
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/event-stream":
        raise unreadable()
    reader = EventReader(EVENT_BYTES)
    try:
        async with aclosing(_parts(response)) as arriving:
            async for part in arriving:
                yield reader.read(part)
    except TooLong as error:
        raise unreadable() from error
    except httpx2.HTTPError:
        return


def _parts(response: httpx2.Response) -> AsyncGenerator[bytes]:
    """Its body as it comes: not through httpx2's hands, unless it was compressed all the same."""
    if "content-encoding" in response.headers or not isinstance(response.stream, httpx2.AsyncByteStream):
        return response.aiter_bytes()
    return cast(AsyncGenerator[bytes], aiter(response.stream))


async def afterword(completion: Completion, arriving: AsyncGenerator[list[bytes]]) -> None:
    """Reads what follows the reply: the usage. Nothing that goes wrong here undoes a reply that is complete."""
    with suppress(TimeoutError, TutorFailed):
        async with asyncio.timeout(AFTERWORD_SECONDS):
            async for datas in arriving:
                completion.read(datas)
                if completion.done:
                    break


async def answer(response: httpx2.Response) -> Any:
    """The JSON of an answer that is no stream; None if it is none, too long, or does not arrive whole."""
    body = b""
    try:
        async for part in response.aiter_bytes():
            body += part
            if len(body) > ANSWER_BYTES:
                return None
        return json.loads(body)
    except (httpx2.HTTPError, ValueError, RecursionError):
        return None


def own_client(host: str) -> httpx2.AsyncClient:
    """Each request has a connection of its own: providers close idle ones when they like, and a reply that met that
    would fail (seen with llama.cpp's server). How many run at once is the turns' matter, so it is not limited here.
    """
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx2.AsyncClient(trust_env=not is_loopback(host), limits=limits)


def streaming_client(host: str) -> httpx2.AsyncClient:
    """As `own_client`, but made for streams, unless a proxy is to be used."""
    if not is_loopback(host) and getproxies() and not proxy_bypass(host):
        return own_client(host)
    return httpx2.AsyncClient(transport=Direct())
