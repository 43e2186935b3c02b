"""Who is late does in larger pieces what may wait."""

import asyncio
import time

from server.pulse import BEAT, LONGEST, Pulse

MERGE = 0.04


async def test_what_may_wait_waits_longer_while_the_process_is_late_and_no_longer_afterwards() -> None:
    pulse = Pulse()
    async with asyncio.TaskGroup() as group:
        beating = group.create_task(pulse.run())
        assert pulse.stretched(MERGE) == MERGE
        await asyncio.sleep(BEAT / 2)
        time.sleep(BEAT)  # noqa: ASYNC251  a process that has no time
        await asyncio.sleep(0.01)
        assert MERGE < pulse.stretched(MERGE) <= LONGEST
        assert pulse.stretched(0) == 0
        async with asyncio.timeout(20):
            while pulse.stretched(MERGE) > MERGE:
                await asyncio.sleep(BEAT)
        beating.cancel()
