"""A module of this folder whose `LOOPS` is a mapping runs under each of those event loops."""

from tests.edge.conftest import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
