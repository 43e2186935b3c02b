"""A limit that is put off is the one that counts."""

import asyncio

import pytest

from server.patience import Patience


async def test_it_ends_at_its_limit_and_not_before() -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.1
    with pytest.raises(TimeoutError):
        async with Patience(until):
            await asyncio.sleep(5)
    assert until <= loop.time() < until + 1


async def test_a_limit_that_is_put_off_is_waited_for_and_one_that_is_nearer_too() -> None:
    loop = asyncio.get_running_loop()
    async with Patience(loop.time() + 0.05) as patience:
        patience.wait_until(loop.time() + 5)
        await asyncio.sleep(0.15)
    began = loop.time()
    with pytest.raises(TimeoutError):
        await _nearer(began + 5, began + 0.05)
    assert loop.time() < began + 1


async def _nearer(until: float, nearer: float) -> None:
    async with Patience(until) as patience:
        patience.wait_until(nearer)
        await asyncio.sleep(2)


async def test_who_has_ended_in_time_is_not_ended_by_it_afterwards() -> None:
    async with Patience(asyncio.get_running_loop().time() + 0.05):
        pass
    await asyncio.sleep(0.1)
