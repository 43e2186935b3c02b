"""One attacked hub for the tests of a module."""

import sys
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.conftest import _database
from tests.threats.ground import Attacked, Control, attacked, controlled


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground(cluster: str, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Attacked]:
    """Whoever behaves on it was served all the while, and in the end the process has grown by nothing that lasts."""
    outcome: list[Control] = []
    with _database(cluster, template=migrated) as url:
        async with attacked(url, tmp_path_factory.mktemp("attacked")) as it:
            async with controlled(it.hub, outcome):
                before = await it.held()
                yield it
            after = await it.settled(before)
        it.show_log()
    sys.stderr.write(f"before {before}\nafter {after}\ncontrol {outcome}\n")
    assert not after.has_grown(before), (before, after)
    assert all(each.healthy for each in outcome), outcome
