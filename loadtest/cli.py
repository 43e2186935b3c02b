"""The command line of the load test: `python -m loadtest run`, `prove`, `measure` …"""

import sys
from math import isnan
from pathlib import Path

import click
import msgspec

from loadtest.fill.command import fill_command
from loadtest.growth import growth_command
from loadtest.hold import held
from loadtest.measure import measure_command
from loadtest.prove import Options, prove
from loadtest.report import report_command
from loadtest.run.command import compare_command, run_command
from loadtest.screen import Screen
from loadtest.sends import sends_command
from loadtest.world import HUB

A_DAY = 1_440.0
"""Minutes."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Load for a hub of your own, and proof, with real processes, that nothing is lost."""


main.add_command(fill_command)
main.add_command(growth_command)
main.add_command(measure_command)
main.add_command(report_command)
main.add_command(run_command)
main.add_command(sends_command)
main.add_command(compare_command)


@main.command("prove")
@click.option("--seed", default=1, show_default=True, help="The same seed injects the same faults at the same times.")
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(0, A_DAY, min_open=True))
@click.option("--only", metavar="FAULT", help="One fault, or all whose names begin so.")
@click.option("--instances", default=3, show_default=True, type=click.IntRange(1, 26))
@click.option("--users", default=8, show_default=True, type=click.IntRange(1))
@click.option("--devices", default=3, show_default=True, type=click.IntRange(1), help="Of each user.")
@click.option("--cluster", is_flag=True, help="Redis is a cluster of six servers, which are what breaks of it.")
@click.option("--hub", default=HUB, metavar="COMMAND", help="How an instance is run; `serve` is added to it.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result to this file.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep logs and histories here.")
@click.option("--list", "lists", is_flag=True, help="Name all faults, and run nothing.")
@click.option("--plan", "plans", is_flag=True, help="Say what would be injected when, and run nothing.")
def prove_command(
    json_file: Path | None, keep: Path | None, *, lists: bool, plans: bool, **chosen_options: object
) -> None:
    """Break everything but the database's disk, one thing after the other, and decide whether a promise was broken."""
    options, screen = msgspec.convert(chosen_options, Options), Screen()
    if not options.chosen:
        world = "--list --cluster" if options.cluster else "--list"
        raise click.BadParameter(f"no fault's name begins with {options.only!r}: see {world}", param_hint="--only")
    if options.cluster and options.instances == 1:
        raise click.BadParameter("over a cluster, one instance is watched from another", param_hint="--instances")
    if isnan(options.minutes):
        raise click.BadParameter("that is no number", param_hint="--minutes")
    if not options.planned:
        raise click.BadParameter(f"no fault fits into {options.minutes:g} minutes", param_hint="--minutes")
    if lists:
        screen.faults({fault.name: fault for fault in options.chosen})
    elif plans:
        screen.plan(options.planned)
    else:
        sys.exit(held(lambda folder: prove(options, folder, screen), screen, keep=keep, json_file=json_file))
