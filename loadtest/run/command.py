"""The command line of loads: `python -m loadtest run classroom --html report.html`, and `compare A.json B.json`."""

import sys
from pathlib import Path

import click
import msgspec
from msgspec import Struct, structs

from loadtest.corpus import CorpusFault
from loadtest.hold import NOT_HELD, result_of
from loadtest.run.compare import compared
from loadtest.run.live import Live, told
from loadtest.run.outcome import OutcomeWrong, read_outcome
from loadtest.run.page import page
from loadtest.run.running import Options, loaded
from loadtest.run.scenario import Scenario, read_corpus
from loadtest.run.scenario_file import ScenarioWrong, read_scenario, shipped, with_thresholds
from loadtest.run.target import Target, check_address, secret_of
from loadtest.world import HUB

NOT_BORNE = 99
"""What is not borne has happened, or a promise was broken."""


@click.command("run")
@click.argument("scenario", default="smoke")
@click.option("--url", "urls", multiple=True, metavar="URL", help="A running hub; again for each further instance.")
@click.option(
    "--secret-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="What its tokens are signed with.",
)
@click.option("--i-own-this-host", "owned", is_flag=True, help="Load a host that is not this machine.")
@click.option("--users", type=click.IntRange(1), help="Instead of the scenario's.")
@click.option("--devices", type=click.IntRange(1, 20), help="Of each user, instead of the scenario's.")
@click.option("--seed", type=int, help="Another one: other words at other moments.")
@click.option(
    "--corpus", type=click.Path(exists=True, dir_okay=False), help="What is said, as docs/load.md describes it."
)
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="NAME=VALUE",
    help="Such as accepted.p99=250 or refused=0; milliseconds.",
)
@click.option("--processes", type=click.IntRange(1, 64), help="Of the generator.")
@click.option("--html", "html_file", type=click.Path(path_type=Path, dir_okay=False), help="Write a report: one file.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the result, for `compare`."
)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the logs here.")
@click.option("--keep-users", is_flag=True, help="Do not erase the users that were made in a deployment.")
@click.option("--hub", default=HUB, metavar="COMMAND", help="How an instance of an own world is run; `serve` is added.")
@click.option("--list", "lists", is_flag=True, help="Name the scenarios that are shipped, and run nothing.")
def run_command(
    *, html_file: Path | None, json_file: Path | None, keep: Path | None, lists: bool, **chosen: object
) -> None:
    """Let many learners talk over real sockets, and see how long everything takes and whether anything is lost.

    SCENARIO is one that is shipped (--list), or a TOML file. Without --url a world of its own is started: a hub,
    PostgreSQL, Redis, and a tutor whose words are known.

    Exit code: 0 if all was borne, 99 if a threshold was not or anything was lost, 2 if it could not be run.
    """
    if lists:
        for name in shipped():
            click.echo(f"{name:10}  {read_scenario(name).about}")
        return
    options = _options(msgspec.convert(chosen, Chosen))
    with Live() as live:
        outcome = result_of(lambda folder: loaded(options, folder, live), live.say, keep=keep)
    if outcome is None:
        sys.exit(NOT_HELD)
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(outcome)))
    if html_file is not None:
        html_file.write_text(page(outcome), encoding="utf-8")
    told(outcome, live.console)
    sys.exit(0 if outcome.passed else NOT_HELD if outcome.was_cut_short else NOT_BORNE)


@click.command("compare")
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def compare_command(before: Path, after: Path) -> None:
    """Hold one result of `run --json` against another."""
    try:
        outcomes = [read_outcome(path) for path in (before, after)]
    except OutcomeWrong as error:
        raise click.ClickException(str(error)) from error
    compared(outcomes[0], outcomes[1], Live().console)


class Chosen(Struct, frozen=True, kw_only=True):
    """The options that say what is run."""

    scenario: str
    urls: list[str]
    secret_file: str | None
    owned: bool
    users: int | None
    devices: int | None
    seed: int | None
    corpus: str | None
    thresholds: list[str]
    processes: int | None
    keep_users: bool
    hub: str


def _options(chosen: Chosen) -> Options:
    """What is wrong with them is told before anything is started."""
    try:
        for url in chosen.urls:
            check_address(url, owned=chosen.owned)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from error
    try:
        scenario = with_thresholds(_scenario(chosen), chosen.thresholds)
        read_corpus(scenario)
    except (ScenarioWrong, CorpusFault) as error:
        raise click.ClickException(str(error)) from error
    return Options(
        scenario=scenario,
        target=Target(chosen.urls, secret_of(Path(chosen.secret_file) if chosen.secret_file else None))
        if chosen.urls
        else None,
        processes=chosen.processes,
        hub=chosen.hub,
        keep_users=chosen.keep_users,
    )


def _scenario(chosen: Chosen) -> Scenario:
    """The scenario, with what was chosen instead."""
    read = read_scenario(chosen.scenario)
    crowd = structs.replace(
        read.crowd, users=chosen.users or read.crowd.users, devices=chosen.devices or read.crowd.devices
    )
    seed = read.seed if chosen.seed is None else chosen.seed
    return structs.replace(read, crowd=crowd, seed=seed, corpus=chosen.corpus or read.corpus)
