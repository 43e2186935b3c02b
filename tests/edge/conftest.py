"""A module of this folder whose `LOOPS` is a mapping runs under each of those event loops. `hub` is a server of ours,
unless a module has its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from tests.edge.sockets import Running, running

STOCK = {"asyncio": asyncio.new_event_loop}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], Any]]:
    return getattr(getattr(item, "module", None), "LOOPS", STOCK)


@pytest.fixture
async def hub() -> AsyncIterator[Running]:
    async with running() as hub:
        yield hub
