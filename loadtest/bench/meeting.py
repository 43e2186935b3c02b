"""How the instances of one run find their database, and each other: by way of the Redis that they share."""

import asyncio
import subprocess
import sys
from contextlib import ExitStack
from typing import cast

from loadtest.process import WorldFailed
from loadtest.resp import Redis

MET_WITHIN = 60.0
LOOKS_EVERY = 0.05
HERE, MAKER, URL = "bench:here", "bench:maker", "bench:url"


def database(stack: ExitStack) -> str:
    """The URL of a new one, which is gone with us. Raises WorldFailed."""
    command = [sys.executable, "-m", "loadtest.bench.database"]
    keeper = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    stack.callback(keeper.stdin.close)
    if not (url := keeper.stdout.readline().strip()):
        raise WorldFailed("PostgreSQL does not start")
    return url


async def meet(stack: ExitStack, redis: int, port: int, instances: int) -> tuple[str, bool]:
    """The database's URL, and whether this instance is the one with the lowest port, once all of them are there."""
    async with asyncio.timeout(MET_WITHIN), Redis.at(redis) as shared:
        await shared.ask("SADD", HERE, port)
        if await shared.ask("SET", MAKER, port, "NX") is not None:
            await shared.ask("SET", URL, database(stack))
        while (url := await shared.ask("GET", URL)) is None or await shared.ask("SCARD", HERE) < instances:
            await asyncio.sleep(LOOKS_EVERY)
        ports = cast("list[bytes]", await shared.ask("SMEMBERS", HERE))
        return url.decode(), port == min(map(int, ports))
