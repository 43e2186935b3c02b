"""The command line of the proof: `python -m loadtest prove --seed 1 --minutes 10`."""

import asyncio
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import click
import msgspec

from loadtest.faults import FAULTS
from loadtest.process import WorldFailed
from loadtest.prove import Options, chosen, prove
from loadtest.report import report_command
from loadtest.result import Result
from loadtest.screen import Screen
from loadtest.world import HUB

FAILED = 1
NOT_HELD = 2
"""The proof itself could not be held: it says nothing about the hub."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Proof, on this machine and with real processes, that nothing is lost."""


main.add_command(report_command)


@main.command("prove")
@click.option("--seed", default=1, show_default=True, help="The same seed injects the same faults at the same times.")
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--only", metavar="FAULT", help="One fault, or all whose names begin so.")
@click.option("--instances", default=3, show_default=True, type=click.IntRange(1, 26))
@click.option("--users", default=8, show_default=True, type=click.IntRange(1))
@click.option("--devices", default=3, show_default=True, type=click.IntRange(1), help="Of each user.")
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
    if not chosen(options.only):
        raise click.BadParameter(f"no fault's name begins with {options.only!r}: see --list", param_hint="--only")
    if lists:
        screen.faults({fault.name: fault for fault in chosen(options.only)} or FAULTS)
    elif plans:
        screen.plan(options.planned)
    else:
        sys.exit(_prove(options, screen, json_file, keep))


def _prove(options: Options, screen: Screen, json_file: Path | None, keep: Path | None) -> int:
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prove-")))
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise click.BadParameter(f"{folder} is not empty", param_hint="--keep")
        result, problem = None, ""
        try:
            with screen.status:
                result = asyncio.run(_until_interrupted(options, folder, screen))
        except* (WorldFailed, OSError, EOFError) as errors:
            problem = f"The proof could not be held: {'; '.join(map(str, errors.exceptions))}"
        except* asyncio.CancelledError:
            problem = "Interrupted: everything that was started has been ended."
        if result is None:
            screen.say(problem)
            return NOT_HELD
        if json_file is not None:
            json_file.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
        screen.result(result)
        return 0 if result.passed else FAILED


async def _until_interrupted(options: Options, folder: Path, screen: Screen) -> Result:
    """A first Ctrl-C ends everything in order; a further one does not disturb that."""
    proving = asyncio.current_task()
    assert proving is not None

    def interrupt() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            with suppress(ValueError):
                signal.signal(number, signal.SIG_IGN)
        proving.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    return await prove(options, folder, screen)


if __name__ == "__main__":
    main()
