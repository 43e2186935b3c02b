"""Who comes by itself does not wait; of a crowd, none begins right after another."""

import asyncio
from itertools import pairwise

from server.pace import Pace


async def test_who_comes_by_itself_has_its_turn_at_once() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(0.02)
    for _ in range(3):
        asked_at = loop.time()
        await pace.turn()
        assert loop.time() - asked_at < 0.015
        await asyncio.sleep(0.03)


async def test_the_turns_of_a_crowd_are_apart() -> None:
    loop = asyncio.get_running_loop()
    pace, began_at = Pace(0.02), list[float]()

    async def one() -> None:
        await pace.turn()
        began_at.append(loop.time())

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(one())
    apart = [later - earlier for earlier, later in pairwise(began_at)]
    assert all(each > 0.015 for each in apart), apart
