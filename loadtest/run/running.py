"""A load, from what was chosen to what it came to: a world or a deployment, a tutor, the generator, and the end."""

import os
import platform
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex

from msgspec import Struct

from loadtest.process import WorldFailed
from loadtest.run.generator import LATE, Generator, processes_for
from loadtest.run.live import Live
from loadtest.run.outcome import Outcome, Timed
from loadtest.run.scenario import Scenario, read_corpus
from loadtest.run.target import Target, erase, look_at, room_for, tokens
from loadtest.run.timings import Timing, encoded, spread
from loadtest.run.tutor_process import TutorProcess, synthetic_tutor
from loadtest.run.worker import User
from loadtest.world import HUB, world

ROOM = {
    "TUTORHUB_TURN_RUNNING": "10000",
    "TUTORHUB_TURN_FIRST_TOKEN": "60",
    "TUTORHUB_TURN_SILENCE": "30",
    "TUTORHUB_TURN_WHOLE": "600",
}
"""In a world of our own a load is bounded by what the machine can do."""


class Options(Struct, frozen=True, kw_only=True):
    """What a person may choose. `target`: None: a world of its own."""

    scenario: Scenario
    target: Target | None
    processes: int | None = None
    hub: str = HUB
    keep_users: bool = False


class Found(Struct):
    """Where a load goes to; `tutor`: its own, if the world is; `hubs`: their processes, if they are ours."""

    target: Target
    tutor: TutorProcess | None
    hubs: list[int]


async def loaded(options: Options, folder: Path, live: Live) -> Outcome:
    """Runs it in a folder, where the logs stay. Raises WorldFailed if it could not be run."""
    scenario = options.scenario
    start, began = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    room_for(scenario.sockets)
    read_corpus(scenario)
    processes = options.processes or processes_for(scenario.crowd.users, os.cpu_count() or 1)
    async with _found(options, folder) as found:
        users = await _users(found.target, scenario)
        answers = [await look_at(url, users[0].token) for url in found.target.urls]
        live.say(f"{scenario.crowd.users:,} users, {scenario.sockets:,} sockets, {' and '.join({*answers})} answers")
        generator = Generator(scenario, folder, processes=processes, hubs=found.hubs, look=live.look)
        try:
            await generator.run(found.target.urls, users, knows_tutor=found.tutor is not None)
        finally:
            findings = await _leave(options, found, users, live)
        lags = [] if found.tutor is None else found.tutor.lags
    took = time.monotonic() - start
    return _outcome(options, generator, began=began, took=took, lags=lags, findings=findings)


@asynccontextmanager
async def _found(options: Options, folder: Path) -> AsyncGenerator[Found]:
    """The deployment that was named, or a world."""
    if options.target is not None:
        yield Found(options.target, None, [])
        return
    scenario = options.scenario
    async with AsyncExitStack() as stack:
        tutor = await stack.enter_async_context(synthetic_tutor(scenario, folder))
        environ = {**ROOM, "TUTORHUB_OPENAI_BASE_URL": tutor.url, **scenario.world.settings}
        it = await stack.enter_async_context(
            world(
                scenario.seed,
                folder,
                instances=scenario.world.instances,
                hub=options.hub,
                environ=environ,
                direct=True,
            )
        )
        urls = [f"http://127.0.0.1:{each.door.target.port}" for each in it.instances]
        yield Found(Target(urls, it.secret), tutor, [each.process.id for each in it.instances])
        it.look_for_deaths()
        if it.findings:
            raise WorldFailed("; ".join(it.findings))


async def _users(target: Target, scenario: Scenario) -> list[User]:
    """Nobody who is there already."""
    names = [f"load-{token_hex(4)}-{number}" for number in range(1, scenario.crowd.users + 1)]
    held = await tokens(target, names)
    return [User(number, *each) for number, each in enumerate(zip(names, held, strict=True))]


async def _leave(options: Options, found: Found, users: list[User], live: Live) -> list[str]:
    """Of a deployment everything that was made in it is erased."""
    if options.target is None or options.keep_users:
        return []
    live.say("erasing the users of the load")
    left = await erase(found.target, [user.token for user in users])
    return [f"{left} of {len(users)} users could not be erased: their names begin with load-"] if left else []


def _outcome(
    options: Options, generator: Generator, *, began: str, took: float, lags: list[float], findings: list[str]
) -> Outcome:
    merged = generator.merged
    merged.close(10**9)
    warnings = list(generator.warnings())
    if lags and max(lags) > LATE:
        warnings.append(f"The synthetic tutor was late with a token by {max(lags) * 1_000:.0f} ms: that is included.")
    return Outcome(
        scenario=options.scenario,
        target="a world of its own" if options.target is None else "a deployment",
        version=version("tutorhub"),
        python=platform.python_version(),
        cores=os.cpu_count() or 1,
        processes=len(generator.processes),
        began=began,
        took=round(took, 1),
        timed=[timed for timing in Timing if (timed := _timed(generator, timing)) is not None],
        seconds=generator.seconds,
        counts=dict(generator.counts),
        broken=dict(generator.broken),
        examples=generator.examples,
        frames_per_second=generator.frames_per_second,
        is_checked=generator.is_checked,
        was_cut_short=generator.gone_at is not None,
        warnings=warnings,
        findings=[*generator.findings(), *findings],
    )


def _timed(generator: Generator, timing: Timing) -> Timed | None:
    merged = generator.merged
    corrected = merged.spread(timing)
    if corrected is None:
        return None
    return Timed(
        timing=timing,
        corrected=corrected,
        raw=merged.spread(timing, "raw"),
        encoded=encoded(merged.whole[timing, "corrected"]),
        stages=[spread(stage[timing]) if timing in stage else None for stage in merged.stages],
        points=merged.points.get(timing, []),
    )
