"""What an instance does beside its requests ends with it."""

import asyncio
import gc
import warnings

import pytest

from server.tasks import Tasks


async def test_work_that_is_begun_at_the_very_end_is_not_forgotten() -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("work")
        await asyncio.sleep(60)

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a coroutine that nobody has awaited says so when it is collected
        async with Tasks() as tasks:
            tasks.start(work(), "work")
        gc.collect()
    assert begun == ["work"]


async def test_work_that_other_work_begins_at_the_very_end_is_not_forgotten() -> None:
    begun: list[str] = []

    async def last() -> None:
        begun.append("last")
        await asyncio.sleep(60)

    async def first(tasks: Tasks) -> None:
        tasks.start(last(), "last")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with Tasks() as tasks:
            tasks.start(first(tasks), "first")
        gc.collect()
    assert begun == ["last"]


async def test_who_is_cancelled_while_it_ends_its_work_leaves_none_behind() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("work")

    async def instance() -> None:
        async with Tasks() as tasks:
            tasks.start(work(), "work")
            own = asyncio.current_task()
            assert own is not None
            asyncio.get_running_loop().call_soon(own.cancel)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(instance())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["work"]
