"""One process of the generator: `python -m loadtest.run.worker JOB.json`. It tells what it sees, second by second."""

import asyncio
import gc
import signal
import sys
import time
from pathlib import Path
from time import monotonic

import msgspec
import uvloop
from msgspec import Struct

from loadtest.run.book import Tally
from loadtest.run.crowd import Crowd, Over
from loadtest.run.learner import Learner, Place
from loadtest.run.reports import Done, Second, tell
from loadtest.run.scenario import Scenario, read_corpus
from loadtest.run.speech import Speech
from loadtest.run.wire import Address

LOOKS_EVERY = 0.02
MOST_FINDINGS = 20
RARELY = (50_000, 50, 100)
"""How often Python looks for cycles, of which there are hardly any: the pause would be in the figures."""


class User(Struct, frozen=True):
    """Number so-and-so of all, and the token that makes them who they are."""

    number: int
    name: str
    token: str


class Job(Struct, frozen=True):
    """What one process does."""

    scenario: Scenario
    urls: list[str]
    begins_at: float
    knows_tutor: bool
    rests_within: float
    users: list[User]


async def work(job: Job) -> None:
    """Until it is done, or is told to stop."""
    tally = Tally()
    world = job.scenario.world
    speech = Speech(read_corpus(job.scenario), job.scenario.seed, world.answer_tokens)
    where = [Address.of(url) for url in job.urls]
    place = Place(job.scenario, where, job.begins_at, speech, job.knows_tutor, job.rests_within)
    learners = [Learner(user.number, user.name, user.token, place, tally) for user in job.users]
    crowd = Crowd(place, learners, tally)
    working = asyncio.current_task()
    assert working is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    is_checked = False
    try:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(_tell_seconds(job, tally))
            await crowd.live()
            telling.cancel()
    except* Over:
        is_checked = True
    except* asyncio.CancelledError:
        pass
    _tell_all(int(monotonic() - job.begins_at), tally)
    tell(Done(is_checked, tally.examples, tally.findings[:MOST_FINDINGS], tally.frames_per_second))


async def _tell_seconds(job: Job, tally: Tally) -> None:
    """For ever, at the end of each second."""
    await asyncio.sleep(job.begins_at - monotonic())
    second, lag, cpu = 0, 0.0, time.process_time()
    while True:
        before = monotonic()
        await asyncio.sleep(LOOKS_EVERY)
        now = monotonic()
        lag = max(lag, now - before - LOOKS_EVERY)
        if now >= job.begins_at + second + 1:
            used = time.process_time() - cpu
            tell(Second(second, dict(tally.counts), dict(tally.broken), round(lag, 4), round(used, 3)))
            _tell_timings(second, tally)
            second, lag, cpu = int(now - job.begins_at), 0.0, time.process_time()


def _tell_timings(second: int, tally: Tally) -> None:
    for took in tally.timings.take(second):
        tell(took)


def _tell_all(second: int, tally: Tally) -> None:
    _tell_timings(second, tally)
    tell(Second(second, dict(tally.counts), dict(tally.broken), 0.0, 0.0))


def main() -> None:
    """Do the job of which the file is the argument."""
    job = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Job)
    gc.set_threshold(*RARELY)
    uvloop.run(work(job))


if __name__ == "__main__":
    main()
