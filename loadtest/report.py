"""docs/reliability.md, made from the results of runs: `python -m loadtest report RESULT.json … > docs/reliability.md`.

Nothing in it is written by hand but what does not depend on a run.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import msgspec

from loadtest.measured import Figure, Measured
from loadtest.result import Met, Result
from loadtest.verdict import Spread

HEAD = """\
# Reliability

<!-- Made by `python -m loadtest report`. -->

What is promised while anything but the database's disk fails, how it is proven, and what the last proofs came to.

## What is promised

| | promise | decided from |
| --- | --- | --- |
| P1 | What was acknowledged is committed; what was refused for good is not. | each receipt against the row \
of the message and of its reply |
| P2 | One send is one message and one reply, however often and wherever it is said. | the receipts of each \
id, the replies of each message |
| P3 | A user's changes are numbered without a gap, a number means the same to all, and in the end every \
device shows what the database has. | every durable event and every page, on each connection; the checker's \
own reading of what each device holds, and the client's |
| P4 | The text that is shown of an open reply is a prefix of what its attempt produced; a settled one is \
the same everywhere. | every piece of text, and the answer that the tutor is known to give |
| P5 | Every reply comes to exactly one end, and every device learns it. | the database, and every settled \
row |
| P6 | At most one attempt at a time writes a reply. | the attempts' numbers, on each connection |
| P7 | What was stopped stays stopped, with no less than was seen, unless an instance was lost with it. | \
the answer to each stop, against what that device held and what the database has |
| P9 | Nobody is told anything of another user. | every id and every marker in every frame as it came |
| protocol | Every frame is an event of the protocol. | every frame |
| times | What was told on one device is told on every other connected one within 10 s; a send is \
acknowledged within 5 s, and no open reply is silent for 30 s, while nothing is broken. | the times of the \
records |

That a slow or hostile device costs the others nothing (P8) is shown by the tests of the outbox and of the wire,
and measured below (`slow`).
P10 (Redis or PostgreSQL in trouble) is all of the above while they are.

## How it is proven

Real processes on loopback: PostgreSQL, Redis, several instances, and a tutor whose answers follow from a seed, each
behind a proxy that can delay, throttle, stall, cut and split. Devices send, stop, edit, delete, join in the middle
and come back at another instance, and write down every frame as it came. Meanwhile faults are injected, one after
the other and sometimes two at once, in an order that the seed decides. In the end an independent checker, which
knows neither the hub nor how the client reads, decides each promise from what the devices wrote down and a dump of
the database. It prints the shortest counterexample. Bugs that are planted in the hub, such as a publish that is
dropped or a write of a stale attempt, are each found by it (`tests/loadtest/test_planted.py`).

    make prove SEED=1 MINUTES=10              # the same seed: the same faults at the same planned times
    python -m loadtest prove --seed 1 --only redis-freeze
    python -m loadtest prove --list
    python -m loadtest prove --cluster --only cluster  # over a Redis Cluster of six servers, which are what breaks
    python -m loadtest prove --hub "python -m tests.planted swap-two"

Larger crowds do one thing at a time, and are held to figures: `python -m loadtest measure storm`, and others.
"""

UNCOVERED = """\
## What is not covered

- The database's disk: a copy of it elsewhere is the operator's.
- More than one machine: clocks, networks and kernels are those of one. Partitions are those of the proxies.
- Limits on times are not applied while a fault lasts and shortly after; the figures above include those times.
- After an instance was lost, a stopped reply may hold less than was seen of it: the tail died with the instance.
- After a fail-over that lost its tail, what was acknowledged last stays lost if its session is deleted before the
  device that sent it says it again.
"""


def report(runs: list[Result | Measured]) -> str:
    """The whole document."""
    proofs = [run for run in runs if isinstance(run, Result)]
    scenarios = [run for run in runs if isinstance(run, Measured)]
    told = [*(line for run in proofs for line in _run(run)), *(line for run in scenarios for line in _scenario(run))]
    return "\n".join([HEAD, *_together(proofs), *told, UNCOVERED])


def _together(results: list[Result]) -> Iterator[str]:
    kinds = set[str]().union(*(result.kinds() for result in results))
    injected = sum(not met.was_skipped for result in results for met in result.met)
    broken = sum(len(result.violations) + len(result.findings) for result in results)
    counts = sum((Counter(result.counts) for result in results), Counter[str]())
    yield "## The runs\n"
    yield (
        f"{_number(len(results), 'run')}, {_number(injected, 'injected fault')} of {_number(len(kinds), 'kind')}, "
        f"{_number(counts['acknowledged'], 'acknowledged send')}, {_number(counts['records'], 'record')}: "
        f"{'every promise was kept' if not broken else _number(broken, 'finding')}.\n"
    )


def _run(result: Result) -> Iterator[str]:
    only = f", only {result.only}" if result.only else ""
    over = " over a cluster of Redis" if result.cluster else ""
    yield f"### Seed {result.seed}, {result.minutes:g} minutes{only}\n"
    yield (
        f"{result.began}, tutorhub {result.version} ({result.hub}), Python {result.python}, "
        f"{_number(result.cores, 'core')}, {_number(result.instances, 'instance')}{over}, took {result.took:.0f} s.\n"
    )
    yield "Every promise was kept.\n" if result.passed else "**Not every promise was kept.**\n"
    yield from _counts(result.counts)
    yield from _figures(result.figures)
    yield from _faults(result.met)
    yield from _broken(result)


def _scenario(run: Measured) -> Iterator[str]:
    yield f"### {run.scenario.capitalize()}: {run.about}\n"
    yield (
        f"{run.began}, tutorhub {run.version}, Python {run.python}, {_number(run.cores, 'core')}, "
        f"{_number(run.instances, 'instance')}, {_number(run.sockets, 'socket')}, took {run.took:.0f} s.\n"
    )
    if not run.passed:
        yield "**Not every figure is within its limit.**\n"
    rows = [(each.name, _value(each), "" if each.at_most is None else _plain(each.at_most)) for each in run.figures]
    yield from _table(("figure", "was", "at most"), rows)
    yield from (f"- {_cell(finding)}" for finding in run.findings)


def _value(figure: Figure) -> str:
    return "not measured" if figure.value is None else f"{_plain(figure.value)} {figure.unit}"


def _plain(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _counts(counts: dict[str, int]) -> Iterator[str]:
    yield from _table(("counted", "how many"), [(name, f"{count:,}") for name, count in sorted(counts.items())])


def _figures(figures: dict[str, Spread]) -> Iterator[str]:
    rows = [
        (name, f"{each.count:,}", _seconds(each.p50), _seconds(each.p95), _seconds(each.max))
        for name, each in sorted(figures.items())
    ]
    yield from _table(("how long", "times", "p50", "p95", "longest"), rows)


def _faults(met: list[Met]) -> Iterator[str]:
    """By kind: how often, and how long until all was well again."""
    kinds: dict[str, list[Met]] = {}
    for each in met:
        for name in each.faults:
            kinds.setdefault(name, []).append(each)
    yield from _table(
        ("fault", "stands for", "injected", "recovered after, at most"), map(_kind, sorted(kinds.items()))
    )


def _kind(kind: tuple[str, list[Met]]) -> tuple[str, ...]:
    name, met = kind
    row = next(row for each in met for fault, row in zip(each.faults, each.rows, strict=True) if fault == name)
    done = [each for each in met if not each.was_skipped]
    if not done:
        return (name, row, met[0].note, "")
    recovered = [each.recovered_after for each in done if each.recovered_after is not None]
    return (name, row, str(len(done)), _seconds(max(recovered)) if recovered else "not at all")


def _broken(result: Result) -> Iterator[str]:
    if result.findings:
        yield "Found beside the promises:\n"
        yield from (f"- {_cell(finding)}" for finding in result.findings)
        yield ""
    if result.violations:
        yield f"Promises broken, {len(result.violations)} times; each kind once:\n"
        kinds = {each.promise: each for each in reversed(result.violations)}
        yield from (f"- {name}, {_cell(each.user)}: {_cell(each.what)}" for name, each in sorted(kinds.items()))
        yield ""


def _table(names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Nothing, if there are no rows."""
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    if lines:
        yield f"| {' | '.join(names)} |"
        yield f"|{' --- |' * len(names)}"
        yield from lines
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _seconds(seconds: float) -> str:
    return f"{seconds * 1_000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


@click.command("report")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def report_command(files: tuple[Path, ...]) -> None:
    """Print docs/reliability.md, made from what `prove --json` and `measure --json` wrote."""
    try:
        runs = [msgspec.json.decode(path.read_bytes(), type=Result | Measured) for path in files]
    except msgspec.MsgspecError as error:
        raise click.ClickException(f"That is no result of `prove --json` or `measure --json`: {error}") from error
    click.echo(report(runs), nl=False)
