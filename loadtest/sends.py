"""Sends that are kept: of 64 users at once, against one by one, and against `pgbench -c 8` of a single-row insert.

    python -m loadtest sends

All on one new PostgreSQL, durable (what is committed is on the disk), in turns, so that a bad minute is everybody's.
The sends are the hub's own, without its doors (`loadtest/bench/sending.py`): a message, its pending reply, its turn,
its session and its number, acknowledged after COMMIT. What pgbench inserts is a message of the same words, into a table
like that of the messages: with its columns, checks, indexes, partitions and foreign key.
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
TABLE = """
CREATE TABLE single (LIKE messages INCLUDING ALL, FOREIGN KEY (user_id, session_id) REFERENCES sessions (user_id, id))
PARTITION BY HASH (user_id);
SELECT format('CREATE TABLE single_%1$s PARTITION OF single FOR VALUES WITH (MODULUS 8, REMAINDER %1$s)', part)
FROM generate_series(0, 7) AS part \\gexec
"""
INSERT = """
\\set user random(0, 63)
\\set position random(1, 2000000000)
INSERT INTO single (user_id, id, session_id, position, type, content, seq, created_seq, body_hash, words)
VALUES (
    'learner-' || :user, gen_random_uuid(), lpad(to_hex(:user * 20), 32, '0')::uuid, :position, 'user', $$SAID$$, 1, 1,
    sha256(''), array_to_tsvector(string_to_array(lower($$SAID$$), ' '))
);
""".replace("SAID", SAID)
_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


class Round(Struct, frozen=True):
    """How many a second: sends one by one, sends of all at once, inserts. `cost`: microseconds of the hub's own time
    for one of those at once.
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
            rates = f"{each.in_turn:.0f} sends one by one, {each.together:.0f} at once, {each.inserts:.0f} inserts"
            say(f"round {number}: {rates}, a second")
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
    inserts = round(median(each.inserts for each in rounds))
    return [
        Figure("sends one by one", round(median(each.in_turn for each in rounds)), "a second"),
        Figure(f"sends of {USERS} users at once", round(median(each.together for each in rounds)), "a second"),
        Figure(f"single-row inserts by pgbench -c {CLIENTS}", inserts, "a second"),
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
    await database.ask("VACUUM ANALYZE; TRUNCATE turns, single; CHECKPOINT")
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
