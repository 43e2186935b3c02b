"""The command line of filling: `python -m loadtest fill --users 10000`."""

import os
import re
import time
from collections.abc import Generator
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import click
import msgspec
import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from loadtest.corpus import Corpus, CorpusFault
from loadtest.fill import database
from loadtest.fill.database import FillFault
from loadtest.fill.loading import Filled, Order, fill
from loadtest.fill.shape import Wanted
from server import environment
from server.errors import StartupError
from server.store.embedded import embedded

COUNT = click.IntRange(0, 1_000_000)
SAMPLE = 500
INTERRUPTED = 130
GO_ON = "A user is there as a whole or not at all: the same again with --resume makes the others."


def _plain(_context: click.Context, _option: click.Parameter, prefix: str) -> str:
    if not re.fullmatch("[A-Za-z0-9_.-]{1,100}", prefix):
        raise click.BadParameter("up to 100 of A-Z, a-z, 0-9, dot, - and _")
    return prefix


@click.command("fill")
@click.option("--users", default=100, show_default=True, type=COUNT, help="Besides the two who have a lot.")
@click.option(
    "--sessions", default=100, show_default=True, type=click.IntRange(1, 100_000), help="Of a user, in the mean."
)
@click.option(
    "--messages", default=20, show_default=True, type=click.IntRange(2, 100_000), help="Of a session, in the mean."
)
@click.option("--many-sessions", default=10_000, show_default=True, type=COUNT, help="Of PREFIX-many-sessions.")
@click.option("--long-session", default=10_000, show_default=True, type=COUNT, help="Messages, of PREFIX-long-session.")
@click.option(
    "--prefix", default="fill", show_default=True, callback=_plain, help="Users are called PREFIX-0000001 and so on."
)
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same rows.")
@click.option("--corpus", type=click.Path(path_type=Path), metavar="FILE", help="Dialogues to take the texts from.")
@click.option("--database", "url", metavar="URL", help="What is filled; if left out, what a hub here would use.")
@click.option("--resume", is_flag=True, help="Make those users that are not there yet.")
@click.option("--processes", default=os.cpu_count() or 1, type=click.IntRange(1, 64), help="One for each core.")
def fill_command(*, url: str | None, corpus: Path | None, resume: bool, processes: int, **sizes: int | str) -> None:
    """Fill a database with users, sessions and messages, as a hub would have written them.

    10,000 users have a million sessions and twenty million messages, 1,000 a tenth of them, 100 a hundredth; the first
    ones are the same in all sizes. Sizes are skewed: one of a hundred users has eight times the mean.
    """
    wanted, console = msgspec.convert(sizes, Wanted), Console(highlight=False, soft_wrap=True)
    with _told_in_a_line(), ExitStack() as stack:
        texts = Corpus.read(corpus)
        settings = environment.read({**os.environ, **({"TUTORHUB_DATABASE_URL": url} if url else {})})
        conninfo = settings.database_url or stack.enter_context(embedded(settings.data_dir))
        database.prepare(conninfo)
        order = Order(conninfo=conninfo, wanted=wanted, corpus=corpus, ring=settings.encryption_keys)
        with database.connect(conninfo) as conn:
            database.check_seals(conn, order.ring)
            names = database.missing(conn, wanted, resume=resume)
            messages = wanted.expected(names)
            room = database.check_room(conn, messages, _mean_bytes(texts), sealed=order.ring is not None)
            console.print(f"{len(names):,} users with about {messages:,} messages: {room}", markup=False)
            began, before = time.monotonic(), database.size(conn)
            try:
                filled = _fill(order, names, messages, processes, console)
            except KeyboardInterrupt:
                there = len(names) - len(database.missing(conn, wanted, resume=True))
                console.print(f"Interrupted: {there:,} of {len(names):,} users are there. {GO_ON}")
                raise SystemExit(INTERRUPTED) from None
            copied = time.monotonic() - began
            with console.status("Tidying up …"):
                database.tidy(conn)
            _report(console, filled, copied, time.monotonic() - began, database.size(conn) - before)


def _fill(order: Order, names: list[str], messages: int, processes: int, console: Console) -> Filled:
    """With a bar."""
    filled = Filled()
    columns = (
        BarColumn(),
        TextColumn("{task.completed:,.0f} of about {task.total:,.0f} messages"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=messages)
        for batch in fill(order, names, processes):
            filled += batch
            progress.update(task, completed=filled.messages)
    return filled


def _report(console: Console, filled: Filled, copied: float, took: float, size: int) -> None:
    rate, each = filled.messages / max(copied, 0.001), size / max(1, filled.messages)
    console.print(
        f"{filled.users:,} users, {filled.sessions:,} sessions and {filled.messages:,} messages in {took:,.1f} s:"
        f" copied in {copied:,.1f} s ({rate:,.0f} messages/s), then tidied up;"
        f" {database.in_words(size)}, {each:,.0f} bytes a message"
    )


def _mean_bytes(corpus: Corpus) -> float:
    chance = Random(0)
    texts = [say(chance) for _ in range(SAMPLE) for say in (corpus.question, corpus.answer)]
    return sum(len(text.encode()) for text in texts) / len(texts)


@contextmanager
def _told_in_a_line() -> Generator[None]:
    try:
        yield
    except (CorpusFault, FillFault, StartupError) as error:
        raise click.ClickException(str(error)) from error
    except psycopg.Error as error:
        raise click.ClickException(f"The database gave up: {' '.join(str(error).split())}. {GO_ON}") from error
    except BrokenProcessPool as error:
        raise click.ClickException(f"A process of ours was killed, as when memory is short. {GO_ON}") from error
