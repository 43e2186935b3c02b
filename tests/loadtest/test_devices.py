from pathlib import Path

from tests.hub import running
from tests.loadtest.world import tutor, worked


async def test_devices_that_work_on_a_healthy_hub_find_every_promise_kept(database_url: str, tmp_path: Path) -> None:
    async with tutor() as it, running(database_url, it.base_url) as hub:
        verdict, at_rest = await worked([hub.url], database_url, tmp_path)
    assert [each.text() for each in verdict.violations] == []
    assert at_rest
    assert verdict.counts["acknowledged"] >= 10
    assert verdict.counts["pieces of text"] >= 100
    assert "send → acknowledged" in verdict.figures
