"""What is waited for on a socket comes, in order, and to whoever still waits."""

import asyncio

import pytest

from server.edge.waiting import Mailbox, Signal


async def test_what_was_put_in_is_taken_in_order_and_waited_for_when_there_is_none() -> None:
    mailbox = Mailbox[int]()
    mailbox.put_nowait(1)
    mailbox.put_nowait(2)
    assert (len(mailbox), await mailbox.get(), await mailbox.get(), mailbox.empty()) == (2, 1, 2, True)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(mailbox.get())
        await asyncio.sleep(0)
        mailbox.put_nowait(3)
        mailbox.put_nowait(4)
    assert (await waiting, await mailbox.get()) == (3, 4)


async def test_who_gave_up_waiting_has_taken_nothing() -> None:
    mailbox = Mailbox[int]()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(mailbox.get())
        await asyncio.sleep(0)
        mailbox.put_nowait(1)
        waiting.cancel()
    assert waiting.cancelled()
    assert await mailbox.get() == 1


async def test_a_signal_wakes_all_who_wait_also_if_it_is_cleared_at_once() -> None:
    signal = Signal()
    async with asyncio.TaskGroup() as group:
        given_up, *waiting = [group.create_task(signal.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        given_up.cancel()
        signal.set()
        signal.clear()
    assert all(each.done() for each in waiting)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(signal.wait(), 0.05)
