"""A hub in the test's loop, with a tutor that the test speaks for, a network that breaks, and devices."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

from msgspec import Struct

from client.device import Device, connect
from protocol import model
from tests.hub import Hub, running
from tests.provider import Provider, provider, said
from tests.relay import Relay, relay

LASTS = 30.0


class Stage(Struct):
    hub: Hub
    tutor: Provider
    network: Relay

    def device(
        self, name: str = "phone", *, user: str = "ada", url: str | None = None, token: Any = None, **kept: Any
    ) -> AbstractAsyncContextManager[Device]:
        """A device of a user, connected straight to the hub unless a URL is given."""
        who = model.Device(id=f"{name}-{uuid4().hex[:8]}", name=name)
        return connect(url or self.hub.url, token or self.hub.token(user), who, **kept)


@asynccontextmanager
async def stage(database_url: str) -> AsyncGenerator[Stage]:
    """The tutor answers each question with itself, in two pieces, unless it is told otherwise."""
    async with (
        provider(lambda request: ["You said: ", said(request)]) as tutor,
        running(database_url, tutor.base_url, dev_sign_in=True, lasts=LASTS) as hub,
        relay(hub.port) as network,
    ):
        yield Stage(hub, tutor, network)
