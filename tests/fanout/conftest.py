from collections.abc import Generator

import pytest

from tests.redis_server import RedisServer, redis_server


@pytest.fixture
def server() -> Generator[RedisServer]:
    """A fresh Redis."""
    with redis_server() as running:
        yield running
