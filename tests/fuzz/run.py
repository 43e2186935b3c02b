"""Any number of batches at a hub, some at the same time, until enough was said."""

import asyncio
from collections.abc import Callable
from itertools import count

from msgspec import structs

from tests.fuzz.batch import Batch
from tests.fuzz.verdict import Found, Said
from tests.threats.ground import Attacked

AT_ONCE = 12
LENIENT = ("-m", "tests.fuzz.lenient", "serve")


async def fuzzed(
    ground: Attacked, seed: int, enough: int, *, limit: float, told: Callable[[Said], None] = lambda _: None
) -> Said:
    """What was said in all. `told` is told after each batch. Raises Found."""
    whole, numbers = Said(), count()

    async def go_on() -> None:
        while whole.all < enough:
            _add(whole, await Batch(ground.hub, ground.others, seed, next(numbers), limit).run())
            told(whole)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(go_on())
    except ExceptionGroup as found:
        raise Found("\n".join(str(each) for each in found.exceptions)) from found
    return whole


def _add(whole: Said, more: Said) -> None:
    for name, value in structs.asdict(more).items():
        here = getattr(whole, name)
        setattr(whole, name, max(here, value) if name == "longest" else here + value)
