"""The benchmark: `python -m loadtest.bench` measures the small field, `python -m loadtest.bench ORDER` serves as one of
those who are measured, see door.py.
"""

import asyncio
import os
import platform
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from msgspec import structs

from loadtest.bench.contract import Order
from loadtest.bench.door import serve
from loadtest.bench.field import SCENARIOS, Peer, field
from loadtest.bench.gates import held, markdown
from loadtest.bench.measuring import Figures, held_by_stalled, measured
from loadtest.process import WorldFailed

Found = defaultdict[str, dict[str, list[Figures]]]
FAILED, NOT_HELD = 99, 2


@click.command()
@click.argument("order", required=False)
@click.option(
    "--merge", default=0.0, show_default=True, help="With an ORDER: milliseconds over which tokens are gathered."
)
@click.option("--only", multiple=True, type=click.Choice(list(SCENARIOS)), help="Some scenarios.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--window", default=4.0, show_default=True, help="Seconds that are measured of each run.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures to this file.")
@click.option("--markdown", "table_file", type=click.Path(path_type=Path), help="Write the table to this file.")
def main(
    order: str | None,
    merge: float,
    *,
    only: tuple[str, ...],
    rounds: int,
    window: float,
    json_file: Path | None,
    table_file: Path | None,
) -> None:
    """Measure the hub beside what one would take instead, and hold it to the gates; or serve an ORDER, in JSON."""
    if order is not None:
        return _serve(order, merge)
    try:
        runs = asyncio.run(_measured(only or tuple(SCENARIOS), rounds, window))
    except (WorldFailed, OSError) as error:
        print(f"It could not be measured: {error}", file=sys.stderr)
        sys.exit(NOT_HELD)
    about = {
        "began": datetime.now(UTC).isoformat(timespec="minutes"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rounds": rounds,
        "window": window,
    }
    print(table := markdown(runs))
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(about | {"runs": runs}), indent=1))
    if table_file is not None:
        said = ", ".join(f"{name} {value}" for name, value in about.items())
        table_file.write_text(f"# Measured\n\n`make bench`, medians; {said}.\n\n{table}")
    sys.exit(0 if all(each.holds for each in held(runs)) else FAILED)


async def _measured_once(peer: Peer, name: str, window: float) -> Figures:
    scenario = SCENARIOS[name]
    found = await measured(peer, name, scenario, window)
    return (
        structs.replace(found, held=await held_by_stalled(peer, name, scenario, window)) if scenario.stalled else found
    )


async def _measured(only: tuple[str, ...], rounds: int, window: float) -> Found:
    peers, runs = field(), Found(dict)
    for name in only:
        for number in range(rounds):
            for who, peer in peers.items():
                if name in peer.scenarios:
                    print(f"{name}, round {number + 1}: {who} …", file=sys.stderr, flush=True)
                    found = await _measured_once(peer, name, window)
                    runs[name].setdefault(who, []).append(found)
    return runs


def _serve(order: str, merge: float) -> None:
    try:
        serve(msgspec.json.decode(order, type=Order), merge / 1_000)
    except msgspec.MsgspecError as error:
        raise click.BadParameter(str(error)) from error


if __name__ == "__main__":
    main()
