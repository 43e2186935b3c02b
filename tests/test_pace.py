"""Who comes by itself does not wait; of a crowd, none begins right after another."""

import asyncio

import pytest

from server.pace import APART, Pace


def test_who_comes_by_itself_begins_at_once() -> None:
    pace = Pace()
    for now in (5.0, 5.0 + APART, 7.0):
        assert pace.begins_at(now) == now


def test_of_a_crowd_each_begins_apart_from_the_one_before() -> None:
    pace = Pace()
    begun = [pace.begins_at(5.0 + late) for late in (0.0, 0.0, 0.001, 0.002)]
    assert begun == pytest.approx([5.0 + APART * place for place in range(4)])
    assert pace.begins_at(6.0) == 6.0, "the crowd is over"


async def test_it_is_waited_for() -> None:
    loop, pace = asyncio.get_running_loop(), Pace()
    began = loop.time()
    for _ in range(3):
        await pace.begin()
    assert loop.time() - began > 1.9 * APART
