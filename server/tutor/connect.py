"""Which tutor answers here: the endpoint of OPENAI_BASE_URL, else the local model, else nobody, who says why."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec

import httpx2
import structlog

from server.errors import StartupError
from server.settings import Settings
from server.tutor.direct import Gather, not_at_all
from server.tutor.local import LocalModelFailed, local_tutor
from server.tutor.openai import OpenAITutor
from server.tutor.scribe import Scribe
from server.tutor.tutor import Tutor
from server.tutor.unconnected import HOW, Unconnected

log = structlog.get_logger()


@asynccontextmanager
async def connect(settings: Settings, gather: Gather = not_at_all) -> AsyncGenerator[Tutor]:
    """Raises StartupError if the endpoint's settings cannot be meant. A local model that fails is told, not fatal."""
    async with AsyncExitStack() as stack:
        if settings.openai_base_url:
            yield await stack.enter_async_context(endpoint(settings.openai_base_url, settings, gather))
        else:
            yield await local_or_nobody(settings, stack)


def scribe(settings: Settings) -> Scribe | None:
    """Who listens to recordings, where the endpoint has a model for it."""
    if settings.openai_base_url is None or settings.openai_transcription_model is None:
        return None
    return Scribe(settings.openai_base_url, settings.openai_transcription_model, settings.openai_api_key)


def check(settings: Settings) -> None:
    """Raises StartupError if the endpoint's settings cannot be meant."""
    if settings.openai_base_url:
        endpoint(settings.openai_base_url, settings)


def endpoint(base_url: str, settings: Settings, gather: Gather = not_at_all) -> OpenAITutor:
    key = settings.openai_api_key
    if key and not (key.isascii() and key.isprintable()):
        raise StartupError("OPENAI_API_KEY holds characters that no key has.")
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise StartupError("OPENAI_BASE_URL is not an address.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise StartupError("OPENAI_BASE_URL must begin with http:// or https:// and a host.")
    return OpenAITutor(
        base_url,
        api_key=key,
        model=settings.openai_model,
        history_tokens=settings.history_tokens,
        continues=settings.openai_prefill,
        gather=gather,
    )


async def local_or_nobody(settings: Settings, stack: AsyncExitStack) -> Tutor:
    model = settings.local_model
    if model is None or not model.is_file():
        return Unconnected()
    if find_spec("xllamacpp") is None:
        return Unconnected(f"{HOW} The model's file is there, but xllamacpp is missing: pip install tutorhub[local]")
    try:
        return await stack.enter_async_context(local_tutor(model, history_tokens=settings.history_tokens))
    except LocalModelFailed as failure:
        log.warning("local_model_failed", reason=str(failure))
        return Unconnected(f"{HOW} The local model does not run: {failure}")
