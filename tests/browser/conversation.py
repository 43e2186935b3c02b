"""A conversation that has begun, for what is tried in one, and a tutor whose answers say what they are to."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import expect

from tests.browser.conftest import Room
from tests.browser.learner import Learner
from tests.provider import Step, provider, said

ALONE: Mapping[str, Any] = {}
"""A hub that is set up as it is for most tests."""


def echo(request: dict[str, object]) -> list[str | Step]:
    return [f"About {said(request)}: ", "it depends."]


@asynccontextmanager
async def conversation(
    room: Room, question: str = "Is it so?", answer: str = "Yes.", *, hub: Mapping[str, Any] = ALONE, **window: Any
) -> AsyncGenerator[Learner]:
    """`hub` and `window`: their options."""
    async with provider([answer]) as tutor, room.hub(tutor, **hub) as running, room.learner(running, **window) as ada:
        await ada.begin(question)
        await expect(ada.answers.last).to_have_attribute("aria-busy", "false")
        yield ada
