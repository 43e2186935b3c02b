"""The command line of the scenarios: `python -m loadtest measure storm --sockets 2000`."""

import os
import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from loadtest import logs
from loadtest.hold import held
from loadtest.leaks import counted, leaks
from loadtest.measured import Measured
from loadtest.scenarios import SCENARIOS
from loadtest.screen import Screen
from loadtest.world import HUB, world


@click.command("measure")
@click.argument("scenario", type=click.Choice(list(SCENARIOS)))
@click.option("--seed", default=2, show_default=True)
@click.option("--sockets", type=click.IntRange(10), help="How many devices there are.")
@click.option("--instances", type=click.IntRange(1, 26))
@click.option("--hub", default=HUB, metavar="COMMAND", help="How an instance is run; `serve` is added to it.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures to this file.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the logs here.")
def measure_command(
    scenario: str,
    *,
    seed: int,
    sockets: int | None,
    instances: int | None,
    hub: str,
    json_file: Path | None,
    keep: Path | None,
) -> None:
    """Let a crowd of devices do something, and hold the figures against their limits."""
    screen, chosen = Screen(), SCENARIOS[scenario]
    many, hubs = sockets or chosen.sockets, instances or chosen.instances

    async def work(folder: Path) -> Measured:
        return await measured(scenario, folder, screen, seed=seed, sockets=many, instances=hubs, hub=hub)

    sys.exit(held(work, screen, keep=keep, json_file=json_file))


async def measured(
    scenario: str, folder: Path, screen: Screen, *, seed: int, sockets: int, instances: int, hub: str = HUB
) -> Measured:
    """What it comes to, in a world of its own. Raises WorldFailed."""
    start, began, chosen = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds"), SCENARIOS[scenario]
    async with world(seed, folder, instances=instances, hub=hub, environ=chosen.environ, direct=True) as it:
        screen.say(f"{instances} instances, PostgreSQL and Redis run; logs in {folder}")
        before = await counted(it)
        figures = await chosen.run(it, sockets, screen.say)
        it.look_for_deaths()
        findings = [*it.findings, *await leaks(it, before), *it.tutor.findings]
    for each in it.instances:
        findings += [*each.findings, *logs.findings(each.process.log, (it.password, it.secret))]
    return Measured(
        scenario=scenario,
        about=chosen.about,
        seed=seed,
        sockets=sockets,
        instances=instances,
        version=version("tutorhub"),
        python=platform.python_version(),
        cores=os.cpu_count() or 1,
        began=began,
        took=round(time.monotonic() - start, 1),
        figures=figures,
        findings=findings,
    )
