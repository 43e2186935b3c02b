"""Sends that are kept: 64 users at once against one after the other, and against `pgbench -c 8` of a single-row insert.

    python -m loadtest sends

All on one new and durable PostgreSQL (what is committed has reached the disk), in turns, so that a bad minute is
everybody's. The sends are the hub's own, without its doors (`loadtest/bench/sending.py`): a message, its pending reply, its
turn, its session and its number, acknowledged after COMMIT. The other's row is a message, of the same words, in a table
with the same columns, checks and indexes as that of the messages.
"""

import os
import platform
import re
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median

import click
from msgspec import Struct

from loadtest.bench.measuring import Spoken
from loadtest.hold import held
from loadtest.measured import Figure, Measured
from loadtest.postgres import Postgres, primary
from loadtest.process import WorldFailed
from loadtest.run.command import NOT_BORNE
from loadtest.screen import Screen
from loadtest.world import database_folder

USERS = 64
CLIENTS = 8
"""Of pgbench."""
SAID = "Why does the broth of my pho stay cloudy, although I have skimmed it twice since six o'clock?"
TABLE = "CREATE TABLE single (LIKE messages INCLUDING ALL)"
INSERT = f"""\\set n random(1, {USERS})
INSERT INTO single (user_id, id, session_id, position, type, content, seq, created_seq, body_hash, words)
VALUES (
    'learner-' || :n, gen_random_uuid(), gen_random_uuid(), 1, 'user', $${SAID}$$, 1, 1, sha256(''),
    array_to_tsvector(string_to_array(lower($${SAID}$$), ' '))
);
"""
_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


class Round(Struct, frozen=True):
    """A second: sends one after the other, sends of all at once, inserts. `cost`: microseconds of the hub's own time for
    a send of those at once.
    """

    in_turn: float
    together: float
    inserts: float
    cost: float


@click.command("sends")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--window", default=4.0, show_default=True, type=click.FloatRange(1.0, 60.0), help="Seconds of each.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures to this file.")
def sends_command(rounds: int, window: float, json_file: Path | None) -> None:
    """Hold sends of many users at once against the same one by one, and against single-row inserts."""
    screen = Screen()

    async def work(_: Path) -> Measured:
        return await sends(rounds, window, say=screen.say)

    sys.exit(held(work, screen, keep=None, json_file=json_file, failed=NOT_BORNE))


async def sends(rounds: int, window: float, *, say: Callable[[str], None]) -> Measured:
    """What it comes to. Raises WorldFailed."""
    start, began = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    found: list[Round] = []
    async with _sending() as (database, hub, script):
        for number in range(rounds + 1):
            each = await _round(database, hub, script, window if number else 1.0)
            say(
                f"round {number}: {each.together:.0f} a second at once, {each.in_turn:.0f} in turn, {each.inserts:.0f} inserts"
            )
            found.append(each)
    return Measured(
        scenario="sends",
        about="users send as fast as they are answered, at once and in turn, and pgbench inserts single rows",
        seed=1,
        sockets=0,
        instances=1,
        version=version("tutorhub"),
        python=platform.python_version(),
        cores=os.cpu_count() or 1,
        began=began,
        took=round(time.monotonic() - start, 1),
        figures=figures(found[1:]),
        findings=[],
    )


def figures(rounds: list[Round]) -> list[Figure]:
    """Medians; what is held to a limit is a ratio within a round."""
    return [
        Figure("sends one by one", round(median(each.in_turn for each in rounds)), "a second"),
        Figure(f"sends of {USERS} users at once", round(median(each.together for each in rounds)), "a second"),
        Figure(
            f"single-row inserts by pgbench -c {CLIENTS}", round(median(each.inserts for each in rounds)), "a second"
        ),
        Figure("the hub's own time for a send of many at once", round(median(each.cost for each in rounds)), "µs"),
        Figure("one by one against at once", _ratio(rounds, lambda each: each.in_turn), "times", 0.5),
        Figure("pgbench against sends at once", _ratio(rounds, lambda each: each.inserts), "times", 1.0),
    ]


def _ratio(rounds: list[Round], other: Callable[[Round], float]) -> float:
    return round(median(other(each) / each.together for each in rounds), 2)


@asynccontextmanager
async def _sending() -> AsyncGenerator[tuple[Postgres, Spoken, Path]]:
    """A database, a hub's sends on it, and what pgbench is to do."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(database_folder())
        database = await primary(folder / "primary", durable=True)
        await database.start()
        stack.push_async_callback(database.stop)
        command = [sys.executable, "-m", "loadtest.bench.sending", database.url, str(folder), str(USERS), SAID]
        hub = await stack.enter_async_context(Spoken.started(command))
        await hub.answer()
        await database.ask(TABLE)
        script = folder / "insert.sql"
        script.write_text(INSERT)
        yield database, hub, script


async def _round(database: Postgres, hub: Spoken, script: Path, window: float) -> Round:
    """What the last one has left is tidied up first: replies that nobody writes, and rows that are no more."""
    await database.ask("TRUNCATE turns; TRUNCATE single; VACUUM ANALYZE; CHECKPOINT;")
    in_turn = (await hub.ask(f"in-turn {window}"))["sent"] / window
    seconds = hub.seconds
    together = (await hub.ask(f"together {window}"))["sent"]
    cost = (hub.seconds - seconds) / max(1, together) * 1e6
    inserts = await _inserts(database, script, window)
    return Round(in_turn, together / window, inserts, cost)


async def _inserts(database: Postgres, script: Path, window: float) -> float:
    """A second."""
    at = ("-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(round(window)), "-f", str(script))
    rate = _RATE.search(await database.run("pgbench", *at, *database.where))
    if rate is None:
        raise WorldFailed("pgbench does not say how much it has done")
    return float(rate[1])
