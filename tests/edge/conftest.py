"""A module of this folder whose `LOOPS` is a mapping runs under each of those event loops."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

STOCK = {"asyncio": asyncio.new_event_loop}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], Any]]:
    return getattr(getattr(item, "module", None), "LOOPS", STOCK)
