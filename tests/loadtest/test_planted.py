"""Each planted bug is found by the checker, in seconds, and named by the promise that it breaks; a loss is none."""

from collections.abc import Generator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from loadtest.figures import SEEN
from tests.hub import child
from tests.loadtest.world import tutor, worked
from tests.planted import BUGS
from tests.redis_server import redis_server

REPAIRED_WITHIN = 5.5
"""Seconds until what was lost last is known, and half a second for a busy machine."""
BREAKS = {
    "drop-a-publish": "P3",
    "deliver-twice": "P3",
    "swap-two": "P3",
    "skip-a-number": "P3",
    "number-twice": "P3",
    "acknowledge-before-commit": "P1",
    "forget-to-resubscribe": "P3",
    "replay-off-by-one": "P3",
    "stale-write": "P6",
}


@pytest.fixture
def environ() -> Generator[dict[str, str]]:
    """Two instances hear each other."""
    with redis_server() as redis:
        yield {"TUTORHUB_REDIS_URL": redis.url}


@pytest.mark.parametrize("bug", BUGS)
async def test_a_planted_bug_is_found(bug: str, database_url: str, environ: dict[str, str], tmp_path: Path) -> None:
    command = ("-m", "tests.planted", bug, "serve")
    async with tutor() as it, AsyncExitStack() as stack:
        hubs = [
            await stack.enter_async_context(child(database_url, it.base_url, None, command, **environ))
            for _ in range(2 if bug == "forget-to-resubscribe" else 1)
        ]
        urls = [each.hub.url for each in hubs]
        verdict, _ = await worked(urls, database_url, tmp_path, seconds=6.0, rests_within=3.0)
    found = verdict.counterexample()
    assert found is not None
    assert BREAKS[bug] in {each.promise for each in verdict.violations}, found.text()


async def test_of_a_hundred_frames_one_may_be_lost_and_nobody_misses_it_for_long(
    database_url: str, environ: dict[str, str], tmp_path: Path
) -> None:
    command = ("-m", "tests.planted", "lossy", "serve")
    async with (
        tutor() as it,
        child(database_url, it.base_url, None, command, **environ) as one,
        child(database_url, it.base_url, None, command, **environ) as other,
    ):
        verdict, at_rest = await worked([one.hub.url, other.hub.url], database_url, tmp_path, seconds=12.0)
    assert at_rest
    assert [each.text() for each in verdict.violations] == []
    assert verdict.figures[SEEN].max <= REPAIRED_WITHIN
