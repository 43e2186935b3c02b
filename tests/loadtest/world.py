"""A small world for the workload: a hub, a tutor whose answers are known, devices for some seconds, and the verdict."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from random import Random

from loadtest.checker import check
from loadtest.devices import Workload
from loadtest.dump import dump
from loadtest.evidence import Leniency
from loadtest.verdict import Verdict
from tests.hub import SECRET
from tests.provider import Provider, provider, said

LONGEST_PIECE = 9
PIECE_EVERY = 0.01


def answer(asked: str) -> str:
    """The whole reply to a message; of a prompt of several paragraphs, to the last one."""
    paragraph = asked.rpartition("\n\n")[2]
    chance = Random(sha256(paragraph.encode()).digest())
    words = " ".join(chance.choices(("broth", "Größe", "首先", "🍜", "x²", "и так далее"), k=chance.randint(10, 60)))
    return f"So: {words}."


def pieces(text: str) -> list[str]:
    return [text[start : start + LONGEST_PIECE] for start in range(0, len(text), LONGEST_PIECE)]


@asynccontextmanager
async def tutor() -> AsyncGenerator[Provider]:
    """It answers what it should, at its own pace."""
    async with provider(lambda request: pieces(answer(said(request))), delay=PIECE_EVERY) as it:
        yield it


async def nothing() -> None:
    """What breaks in a quiet world."""


async def worked(
    urls: list[str],
    database_url: str,
    folder: Path,
    *,
    seconds: float = 6.0,
    seed: int = 7,
    rests_within: float = 20.0,
    meanwhile: Callable[[], Awaitable[None]] = nothing,
    leniency: Leniency | None = None,
) -> tuple[Verdict, bool]:
    """Two learners with three devices each work for some seconds: the verdict, and whether they came to rest."""
    workload = Workload(urls, SECRET, folder, seed, users=2, devices_each=3, pause=0.3)
    async with asyncio.TaskGroup() as group:
        group.create_task(workload.run())
        await asyncio.sleep(seconds / 2)
        await meanwhile()
        await asyncio.sleep(seconds / 2)
        at_rest = await workload.finish(rests_within)
    return check(folder, await dump(database_url), answer, leniency), at_rest
