"""What the tests of the load test share."""

import pytest

from loadtest import programs
from loadtest.process import WorldFailed


@pytest.fixture
def needs_redis() -> None:
    """Skips where there is no redis-server."""
    try:
        programs.redis()
    except WorldFailed as reason:
        pytest.skip(str(reason))
