"""Throw a million spoiled frames and requests at a hub; says the seed and the input of what is found.

python -m tests.fuzz --frames 1000000 --seed 1
python -m tests.fuzz --seed 1 --only 4711        one batch again
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from server.store.embedded import embedded
from tests.conftest import fresh_folder
from tests.fuzz.batch import Batch
from tests.fuzz.run import LENIENT, fuzzed
from tests.fuzz.verdict import HANG, Found, Said
from tests.threats.ground import Attacked, Control, attacked, controlled

TOLD_EVERY = 10_000


@click.command()
@click.option("--frames", default=1_000_000, show_default=True, help="Frames and requests.")
@click.option("--seed", default=1, show_default=True)
@click.option("--only", type=int, help="The number of a batch.")
@click.option("--hang", default=HANG, show_default=True, help="Seconds for an answer; more on a machine that is busy.")
def main(**asked: Any) -> None:
    """Throw spoiled frames and requests at a hub of its own."""
    with fresh_folder() as folder, embedded(folder, durable=False) as database:
        sys.exit(asyncio.run(_fuzz(database, folder, Asked(**asked))))


class Asked(Struct, frozen=True):
    frames: int
    seed: int
    only: int | None
    hang: float


async def _fuzz(database: str, folder: Path, asked: Asked) -> int:
    outcome: list[Control] = []
    async with attacked(database, folder, LENIENT, log_level="info") as ground:
        try:
            async with controlled(ground.hub, outcome):
                before = await ground.held()
                said = await _said(ground, asked)
            after = await ground.settled(before)
        except Found as found:
            click.echo(f"FOUND {found}")
            return 1
        faults = [line for line in ground.logged() if line["level"] in ("error", "critical")]
    click.echo(f"seed {asked.seed}: {said}\nbefore {before}\nafter {after}\n{outcome[0]}")
    wrong = [f"a fault: {each}" for each in faults]
    wrong += ["it has grown by what lasts"] if after.has_grown(before) else []
    wrong += ["who behaved had to wait"] if not outcome[0].healthy else []
    click.echo("\n".join(f"FOUND {each}" for each in wrong) or "nothing found")
    return int(bool(wrong))


async def _said(ground: Attacked, asked: Asked) -> Said:
    if asked.only is not None:
        return await Batch(ground.hub, ground.others, asked.seed, asked.only, asked.hang).run()
    began, told = time.monotonic(), 0

    def tell(said: Said) -> None:
        nonlocal told
        if said.all >= told + TOLD_EVERY:
            told = said.all
            click.echo(f"{said.all} in {time.monotonic() - began:.0f} s, the longest wait {said.longest:.2f} s")

    return await fuzzed(ground, asked.seed, asked.frames, limit=asked.hang, told=tell)


if __name__ == "__main__":
    main()
