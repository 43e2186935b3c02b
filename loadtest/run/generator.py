"""The generator: its processes, and what they tell, merged. Warns where it was itself what was slow."""

import asyncio
import math
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import msgspec

from loadtest.process import Process, WorldFailed
from loadtest.run.machine import Machine
from loadtest.run.reports import Done, Late, Second, Took, decode
from loadtest.run.scenario import Scenario, Storm
from loadtest.run.timings import Merged
from loadtest.run.worker import Job, User

BEGINS_AFTER = 1.5
"""Seconds until every process has read its job."""
RESTS_WITHIN = 30.0
"""Seconds until every message should be answered on every device: after the last stage, and what an answer takes."""
USERS_EACH = 3_000
"""Of one process, where there are cores for more."""
GONE_AFTER = 10.0
"""Seconds without a single connection after which the target is gone."""
FULL = 0.85
"""Of a core."""
CROWDED = 0.97
"""Of all cores."""
LATE = 0.1
"""Seconds that an event loop may be late."""
OFTEN = 0.05
"""So many of the seconds, and the figures are rather the generator's."""
UNSEEN = {
    "not there in the end": "devices were not connected in the end: what they missed is not known",
    "not looked at in the end": "users had no device that could read again what was said",
    "not ended in the end": "replies had not come to their end in time",
    "not answered in the end": "messages were not acknowledged in time",
}
"""What is counted of what was not decided, and what that means."""


class Generator:
    """Of one run. `look` is called after each second that every process has told of; `hubs`: ids of their processes, if
    they run here.
    """

    def __init__(
        self,
        scenario: Scenario,
        folder: Path,
        *,
        processes: int,
        hubs: list[int],
        look: Callable[["Generator"], None],
    ) -> None:
        self.scenario = scenario
        self.begins_at = monotonic() + BEGINS_AFTER
        self.merged = Merged([span[:2] for span in scenario.spans()])
        self.seconds: list[Second] = []
        self.done: list[Done] = []
        self.gone_at: float | None = None
        """Since when nobody was connected any more, in seconds after the beginning."""
        self.processes = [
            Process(
                [sys.executable, "-m", "loadtest.run.worker", str(self._job_file(folder, number))],
                folder / f"generator-{number}.log",
                os.environ,
            )
            for number in range(processes)
        ]
        self._folder = folder
        self._look = look
        self._machine = Machine(hubs)
        self._latest: dict[int, Second] = {}
        self._open: dict[int, list[Second]] = {}
        self._gone_after = GONE_AFTER + max(
            (stage.back_within for stage in scenario.stages if isinstance(stage, Storm)), default=0.0
        )
        self._alone_since: float | None = None
        self._were_connected = False

    @staticmethod
    def _job_file(folder: Path, number: int) -> Path:
        return folder / f"job-{number}.json"

    async def run(self, urls: list[str], users: list[User], *, knows_tutor: bool) -> None:
        """All stages. Raises WorldFailed if a process of the generator dies."""
        many = len(self.processes)
        rests_within = RESTS_WITHIN + (self.scenario.world.answer_seconds if knows_tutor else 0)
        for number in range(many):
            job = Job(self.scenario, urls, self.begins_at, knows_tutor, rests_within, users[number::many])
            file = self._job_file(self._folder, number)
            file.touch(mode=0o600)
            file.write_bytes(msgspec.json.encode(job))
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(many):
                    group.create_task(self._listen(number))
        finally:
            for process in self.processes:
                await process.kill()

    @property
    def counts(self) -> Counter[str]:
        """Of all processes, as far as they have told."""
        return sum((Counter(each.counts) for each in self._latest.values()), Counter[str]())

    @property
    def broken(self) -> Counter[str]:
        return sum((Counter(each.broken) for each in self._latest.values()), Counter[str]())

    @property
    def examples(self) -> list[str]:
        return [example for done in self.done for example in done.examples]

    @property
    def frames_per_second(self) -> float:
        return max((done.frames_per_second for done in self.done), default=0.0)

    @property
    def is_checked(self) -> bool:
        """All has come to its end, and everything was looked at."""
        counts = self.counts
        return (
            bool(self.done)
            and all(done.is_checked for done in self.done)
            and not any(counts[unseen] for unseen in UNSEEN)
        )

    def findings(self) -> Iterator[str]:
        """What went wrong that no figure tells."""
        counts = self.counts
        if self.gone_at is not None:
            yield f"The target was gone after {self.gone_at:g} s: nobody could connect any more, so the load was ended."
        else:
            yield from (f"{counts[unseen]:,} {what}" for unseen, what in UNSEEN.items() if counts[unseen])
        yield from (f"{name}, {many:,} times" for name, many in counts.items() if name.startswith("no connection"))
        yield from dict.fromkeys(finding for done in self.done for finding in done.findings)

    def warnings(self) -> Iterator[str]:
        """Why the figures may not be the hub's."""
        seconds = [each for each in self.seconds if each.second < self.scenario.seconds]
        often = max(1, math.ceil(len(seconds) * OFTEN))
        full = sum(each.cpu > FULL for each in seconds)
        late = [each.lag for each in seconds if each.lag > LATE]
        if full >= often:
            yield (
                f"The generator was the limit: one of its processes had no processor time left in {full} of "
                f"{len(seconds)} seconds. Its figures are too long. Give it more processes, or another machine."
            )
        crowded = sum(each.machine > CROWDED for each in seconds)
        if crowded >= often:
            yield (
                f"This machine had no processor time left in {crowded} of {len(seconds)} seconds: that something "
                "waited for some is in the figures, too."
            )
        if len(late) >= often:
            yield (
                f"The generator was late in {len(late)} of {len(seconds)} seconds, once by {max(late):.1f} s: "
                "what it timed then includes that."
            )

    async def _listen(self, number: int) -> None:
        process, report = self.processes[number], None
        async for line in await process.start():
            report = decode(line)
            match report:
                case Took():
                    self.merged.add(report)
                case Second():
                    self._latest[number] = report
                    self._second(report)
                case Done():
                    self.done.append(report)
                case Late():
                    pass  # the tutor says that
        await process.ended()
        if not isinstance(report, Done):
            raise WorldFailed(f"a process of the generator died: {process.last_words()}")

    def _second(self, told: Second) -> None:
        """Those of all processes are one."""
        together = self._open.setdefault(told.second, [])
        together.append(told)
        if len(together) == len(self.processes):
            del self._open[told.second]
            lag, cpu = max(each.lag for each in together), max(each.cpu for each in together)
            machine, hubs = self._machine.spent()
            now = Second(told.second, dict(self.counts), dict(self.broken), lag, cpu, machine, hubs)
            self.seconds.append(now)
            self.merged.close(told.second - 1)
            self._look_for_the_target(self.counts["connected"])
            self._look(self)

    def _look_for_the_target(self, connected: int) -> None:
        """If it is gone, nothing more is to be learned."""
        now = monotonic()
        if connected or not self._were_connected:
            self._were_connected, self._alone_since = bool(connected) or self._were_connected, None
            return
        self._alone_since = self._alone_since or now
        if now - self._alone_since >= self._gone_after and self.gone_at is None:
            self.gone_at = round(self._alone_since - self.begins_at, 1)
            for process in self.processes:
                process.send(signal.SIGTERM)


def processes_for(users: int, cores: int) -> int:
    """So many that each has little enough to do, and a core of its own."""
    return max(1, min(cores - 1, math.ceil(users / USERS_EACH)))
