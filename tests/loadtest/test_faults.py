"""Every fault is done to a real world, and undone: it is whole again afterwards."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from loadtest.faults import FAULTS
from loadtest.process import title
from loadtest.resp import Redis
from loadtest.world import World, world

pytestmark = pytest.mark.usefixtures("needs_redis")

NOT_ALONE = ("hub-kill-twice", "hub-kill-owner-for-long", "hub-pause-owner-20s", "pg-down-20s", "redis-freeze-60s")
"""The same as others, only longer."""


@pytest.mark.parametrize("family", ["hub", "pg", "redis", "cluster", "link", "tutor"])
async def test_a_world_recovers_from_each_fault(family: str, tmp_path: Path) -> None:
    faults = [fault for fault in FAULTS.values() if fault.family == family and fault.name not in NOT_ALONE]
    async with world(1, tmp_path, instances=2, cluster=family == "cluster") as it, asyncio.timeout(110):
        ids = {each.name: each.process.id for each in it.instances}
        for fault in faults:
            async with fault.strike(it, Random(fault.name)):
                pass
            await it.start_missing()
            assert await it.recovered(20) is not None, fault.name
        assert it.findings == []
        assert [each.findings for each in it.instances] == [[], []]
        if family != "hub":
            assert {each.name: each.process.id for each in it.instances} == ids
        else:
            assert {each.name: each.process.id for each in it.instances} != ids


async def test_what_is_forged_is_heard_and_who_hears_too_much_is_kicked(tmp_path: Path) -> None:
    async with world(1, tmp_path, instances=1) as it, it.redis.connected() as ann, it.redis.connected() as ben:
        for device, channel in ((ann, "user:{ann}"), (ben, "user:{ben}")):
            await device.ask("SUBSCRIBE", channel)
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(_speak(it, "user:{ann}", "1 to ann"))
            also_speaking = group.create_task(_speak(it, "user:{ben}", "1 to ben"))
            async with FAULTS["redis-foreign"].strike(it, Random(1)) as note:
                assert note != "0 messages"
            assert await _until(ben, b"1 to ann")
            async with FAULTS["redis-old-version"].strike(it, Random(1)) as note:
                assert note != "0 messages"
            speaking.cancel()
            also_speaking.cancel()
        assert await _until(ann, b"0 to ann")
        async with FAULTS["redis-kick-output"].strike(it, Random(1)):
            with pytest.raises((OSError, EOFError)):
                assert await _until(ben, b"never said")


async def _speak(it: World, channel: str, text: str) -> None:
    async with it.redis.connected() as conn:
        while True:
            await conn.ask("PUBLISH", channel, text)
            await asyncio.sleep(0.05)


async def _until(device: Redis, text: bytes) -> bool:
    while (await device.hear())[-1] != text:
        pass
    return True


async def test_nothing_is_left_of_a_world(tmp_path: Path) -> None:
    async with world(1, tmp_path, instances=1) as it:
        processes = [it.database.process, it.redis.process, it.instances[0].process]
        ids = [each.id for each in processes]
        folder = it.database.folder.parent
    assert not any(each.runs for each in processes)
    assert [title(each) for each in ids] == ["", "", ""]
    assert folder.name not in [each.name for each in folder.parent.iterdir()]
