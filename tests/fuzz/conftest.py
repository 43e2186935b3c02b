"""One lenient hub for the tests of a module, and somebody on it who must not notice what is thrown at it."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.conftest import _database
from tests.fuzz.run import LENIENT
from tests.threats.ground import Attacked, Control, attacked, controlled


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground(cluster: str, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Attacked]:
    """In the end its log holds no fault."""
    outcome: list[Control] = []
    with _database(cluster, template=migrated) as url:
        async with attacked(url, tmp_path_factory.mktemp("fuzzed"), LENIENT, log_level="info") as it:
            async with controlled(it.hub, outcome):
                yield it
            assert [line for line in it.logged() if line["level"] in {"error", "critical"}] == []
        it.show_log()
    assert all(each.healthy for each in outcome), outcome
