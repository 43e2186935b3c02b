"""The proof: a world, devices that work in it, a nemesis that breaks it, and a checker that decides.

The same seed injects the same faults, in the same order, at the same planned times.
"""

import asyncio
import os
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from math import inf
from pathlib import Path

from msgspec import Struct

from loadtest import logs
from loadtest.crossing import Crossing, crossing
from loadtest.devices import Workload
from loadtest.evidence import Leniency, Window
from loadtest.faults import FAULTS
from loadtest.faults.fault import Fault
from loadtest.leaks import counted, leaks
from loadtest.nemesis import Injected, Nemesis
from loadtest.plan import BETWEEN, Planned, plan
from loadtest.result import Met, Result
from loadtest.screen import Screen
from loadtest.tutor import Tutor
from loadtest.verdict import Spread, Verdict, spread
from loadtest.work import verdict, worked, workload
from loadtest.world import HUB, World, world

AFTERWARDS = 10.0
"""Seconds after a fault in which times mean nothing yet, and a reply that it spoiled may still end."""
NOTHING = "nothing was injected, so nothing is proven"
RECOVERY = "fault over → all are ready, and save"
HEARD_AGAIN = "{} → all is heard live on other instances"


class Options(Struct, frozen=True, kw_only=True):
    """What a person may choose. `only`: the name of a fault, or how the names begin. `cluster`: Redis is one."""

    seed: int
    minutes: float
    only: str | None = None
    instances: int = 3
    hub: str = HUB
    users: int = 8
    devices: int = 3
    cluster: bool = False

    @property
    def chosen(self) -> list[Fault]:
        """The faults of a name, or of a beginning of names, that this world can have."""
        foreign = "redis" if self.cluster else "cluster"
        named = [fault for fault in FAULTS.values() if self.only is None or fault.name.startswith(self.only)]
        return [fault for fault in named if fault.family != foreign]

    @property
    def planned(self) -> list[Planned]:
        return plan(self.seed, self.minutes * 60, self.chosen)


class Course(Struct):
    """What a run has left to decide on."""

    start: float
    began: str
    injected: list[Injected]
    counts: Counter[str]
    verdict: Verdict
    world: World
    crossing: Crossing | None


async def prove(options: Options, folder: Path, screen: Screen) -> Result:
    """Runs it in a folder, where logs and histories stay. Raises WorldFailed if the world could not be had."""
    course = await _run(options, folder, screen)
    return _result(options, course, [*_findings(course.world), *_deaf(course)])


async def _run(options: Options, folder: Path, screen: Screen) -> Course:
    start, began = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    async with world(options.seed, folder, instances=options.instances, hub=options.hub, cluster=options.cluster) as it:
        screen.say(f"{options.instances} instances, PostgreSQL and Redis run; logs in {folder}")
        before = await counted(it)
        devices = workload(it, users=options.users, devices_each=options.devices)
        nemesis = Nemesis(it, lambda: devices.counts["acknowledged"], screen.told)

        async def break_things() -> None:
            await nemesis.run(options.planned)
            await asyncio.sleep(max(0.0, start + options.minutes * 60 - time.monotonic()))
            screen.say("everybody comes to rest")

        async with AsyncExitStack() as stack:
            heard = await stack.enter_async_context(crossing(it)) if options.cluster else None
            group = await stack.enter_async_context(asyncio.TaskGroup())
            watching = group.create_task(_show(devices, screen))
            await worked(it, devices, break_things())
            watching.cancel()
        it.findings += await leaks(it, before)
        screen.say("reading what the devices wrote down")
        decided = await verdict(it, leniency(nemesis.injected, it.tutor))
    return Course(start, began, nemesis.injected, devices.counts, decided, it, heard)


async def _show(devices: Workload, screen: Screen) -> None:
    while True:
        counts = devices.counts
        screen.status.update(f"{counts['acknowledged']:,} sends, {counts['events']:,} events")
        await asyncio.sleep(0.5)


def _findings(it: World) -> list[str]:
    """Of the world, of each instance, of the tutor, and of the logs."""
    found = [*it.findings, *it.tutor.findings]
    for each in it.instances:
        found += [*each.findings, *logs.findings(each.process.log, (it.password, it.secret))]
    return found


def _deaf(course: Course) -> list[str]:
    """Faults after which instances did not hear each other for too long."""
    return [
        f"not all was heard on other instances {seconds:.1f} s after {fault.name}, at most {fault.deafens:g} s is borne"
        for fault, seconds in _deaf_after(course)
        if fault.deafens is not None and seconds > fault.deafens
    ]


def _deaf_after(course: Course) -> Iterator[tuple[Fault, float]]:
    """Each fault of the cluster that was met alone, and for how long it was felt, until the next one: in seconds."""
    following = [*(each.began for each in course.injected[1:]), inf]
    for each, until in zip(course.injected, following, strict=True):
        fault = FAULTS[each.planned.faults[0]]
        if course.crossing and fault.family == "cluster" and len(each.planned.faults) == 1:
            yield fault, course.crossing.deaf_for(each.began, min(until, each.ended + BETWEEN[0]))


def leniency(injected: list[Injected], tutor: Tutor) -> Leniency:
    """What the checker may not hold against the hub, by what was injected and what the tutor did."""
    lost = [at for each in injected if each.loses for at in (each.began, each.ended)]
    return Leniency(
        spoiled=tutor.has_spoiled,
        slow=[_window(each) for each in injected if each.slows],
        lost=lost,
    )


def _window(injected: Injected) -> Window:
    return Window(injected.began, injected.ended + AFTERWARDS)


def _result(options: Options, course: Course, findings: list[str]) -> Result:
    recoveries = [each.recovered_after for each in course.injected if each.recovered_after is not None]
    figures: dict[str, Spread] = {RECOVERY: spread(recoveries)} if recoveries else {}
    deaf = defaultdict[str, list[float]](list)
    for fault, seconds in _deaf_after(course):
        deaf[HEARD_AGAIN.format(fault.name)].append(seconds)
    return Result(
        seed=options.seed,
        minutes=options.minutes,
        only=options.only,
        instances=options.instances,
        cluster=options.cluster,
        hub="unchanged" if options.hub == HUB else options.hub,
        version=version("tutorhub"),
        python=platform.python_version(),
        cores=os.cpu_count() or 1,
        began=course.began,
        took=round(time.monotonic() - course.start, 1),
        met=[_met(each, course.start) for each in course.injected],
        counts={**course.counts, **course.verdict.counts, "asked of the tutor": course.world.tutor.bills.total()},
        figures={**figures, **{name: spread(each) for name, each in deaf.items()}, **course.verdict.figures},
        violations=course.verdict.violations,
        findings=findings or ([] if any(not each.was_skipped for each in course.injected) else [NOTHING]),
    )


def _met(injected: Injected, start: float) -> Met:
    names = injected.planned.faults
    return Met(
        faults=names,
        rows=tuple(FAULTS[name].row for name in names),
        planned_at=injected.planned.at,
        began=round(injected.began - start, 2),
        ended=round(injected.ended - start, 2),
        note=injected.note,
        was_skipped=injected.was_skipped,
        recovered_after=None if injected.recovered_after is None else round(injected.recovered_after, 3),
    )
