"""Tests of what the name says."""

import asyncio
from collections.abc import Callable

import pytest

from server.edge.soon import soon
from tests.edge.sockets import BOTH_LOOPS


@pytest.mark.parametrize("make", BOTH_LOOPS.values(), ids=BOTH_LOOPS)
def test_what_is_asked_for_in_a_turn_is_done_after_it_in_order_whatever_fails(
    make: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    done = list[object]()

    def fail() -> None:
        done.append("fails")
        raise ValueError("on purpose")

    async def ask() -> None:
        ends = soon(asyncio.get_running_loop())
        assert ends is soon(asyncio.get_running_loop())

        def ask_again() -> None:
            done.append("two")
            ends.call(lambda: done.append("next"))

        for turn in range(2):
            ends.call(lambda: done.append("one"))
            ends.call(fail)
            ends.call(ask_again)
            done.append(turn)
            await asyncio.sleep(0)
            assert done == [turn, "one", "fails", "two"]
            await asyncio.sleep(0)
            assert done.pop() == "next"
            done.clear()

    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(ask())
