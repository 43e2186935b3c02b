"""One hub for all the hostile tests of a module, and somebody on it whom nothing may harm."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests import hostile
from tests.hostile import Playground


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground(cluster: str, migrated: str) -> AsyncGenerator[Playground]:
    """A module that uses it runs its tests in one loop: `pytestmark = hostile.on_one_ground`."""
    async with hostile.playground(cluster, migrated) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def unharmed(ground: Playground, caplog: pytest.LogCaptureFixture) -> AsyncGenerator[None]:
    """After the test the bystander is well, and the hub has logged no error."""
    with hostile.nothing_goes_wrong(caplog):
        yield
        await ground.unharmed()
