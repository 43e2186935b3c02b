"""The process of the synthetic tutor, while a block runs."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from loadtest.process import Process, WorldFailed
from loadtest.run.reports import Late, decode
from loadtest.run.scenario import Scenario


class TutorProcess:
    """`lags`: how late it was with a token at most, in each second that it told of."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.lags: list[float] = []


@asynccontextmanager
async def synthetic_tutor(scenario: Scenario, folder: Path) -> AsyncGenerator[TutorProcess]:
    """Started, and listening. Raises WorldFailed."""
    file = folder / "scenario.json"
    file.write_bytes(msgspec.json.encode(scenario))
    process = Process(
        [sys.executable, "-m", "loadtest.run.synthetic", str(file)], folder / "synthetic-tutor.log", os.environ
    )
    try:
        said = await process.start()
        first = (await said.readline()).decode().strip()
        if not first.isdigit():
            raise WorldFailed(f"the synthetic tutor does not start: {process.last_words()}")
        made = TutorProcess(int(first))
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(_listen(said, made))
            yield made
            listening.cancel()
    finally:
        await process.kill()


async def _listen(said: asyncio.StreamReader, tutor: TutorProcess) -> None:
    async for line in said:
        report = decode(line)
        if isinstance(report, Late):
            tutor.lags.append(report.lag)
