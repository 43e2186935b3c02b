"""What an instance does beside its requests ends with it."""

import asyncio
import gc
import warnings

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
