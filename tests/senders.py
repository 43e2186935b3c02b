"""Sends without a device, and how each was sent: together with others, or alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from protocol.answers import Sent
from protocol.ids import SessionId, UserId, fresh_message_id
from server import messages, sessions
from server.instance import Instance
from server.store.sends import Draft
from tests.hub import running

SESSION = SessionId(UUID(int=5))
ADA, BEN = UserId("ada"), UserId("ben")


@asynccontextmanager
async def instance(database_url: str, **changes: Any) -> AsyncGenerator[Instance]:
    async with running(database_url, roles="hub", **changes) as hub:
        assert hub.instance is not None
        yield hub.instance


async def send(it: Instance, user: str, draft: Draft, alone: list[str]) -> Sent:
    """As `messages.send`; who is sent alone is written down."""

    async def _alone() -> Sent:
        alone.append(user)
        return await messages._send_alone(it, UserId(user), draft)

    return await it.sender.send(UserId(user), draft, _alone)


async def begin(it: Instance, user: str, title: str = "Pho", session: SessionId = SESSION) -> None:
    await sessions.create(it, UserId(user), session, title=title, mode="learn", language="en")


def said(text: str = "words", session: SessionId = SESSION) -> Draft:
    return Draft(session, fresh_message_id(), text, None)
