"""The report of a load: one HTML file that needs no network, in the light and in the dark."""

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from loadtest.measured import Figure
from loadtest.run.book import WRONGS
from loadtest.run.live import rates
from loadtest.run.outcome import PERCENTILE_TITLES, Outcome, Timed, described
from loadtest.run.plots import MEDIAN, Band, Line, Pair, by_percentile, over_time, plain, thinned, whiskers
from loadtest.run.timings import MICROSECONDS, TITLES, Spread, Timing, histogram_of

STYLE = Path(__file__).with_name("page.css")
CORRECTED = (
    "Milliseconds, counted from the moment at which it was <em>meant</em> to begin, so that a hub which is slow to let "
    "somebody begin does not look fast. Raw: from when it was begun. The dots are the percentiles on a scale that all "
    "rows share."
)
STAGED = (Timing.ACCEPTED, Timing.FIRST_TOKEN, Timing.GAP, Timing.TOKEN, Timing.SEEN, Timing.RESUME)
MEANINGS = {
    Timing.CONNECT: "from when a device is meant to come until there is a websocket",
    Timing.HELLO: "from the websocket until the device knows all that there is",
    Timing.ACCEPTED: "from when a message is meant to be said until it is committed",
    Timing.FIRST_TOKEN: "from when a message is meant to be said until its answer begins",
    Timing.GAP: "between two pieces of an answer, on one device",
    Timing.TOKEN: "from when the tutor's token is due until a device has it, the oldest of each frame",
    Timing.FIRST_PIECE: "the same, of the first token of an answer",
    Timing.SEEN: "from when a message is meant to be said until another device shows it",
    Timing.RESUME: "from when a device is meant to be back until it has missed nothing",
    Timing.JOIN: "from when a further device comes until it shows the text so far",
}


def page(outcome: Outcome) -> str:
    """The whole file."""
    scenario = outcome.scenario
    parts = [
        *_head(outcome),
        *_troubles(outcome),
        "<h2>How long it took</h2>",
        f"<p>{CORRECTED}</p>",
        _timings(outcome.timed),
        "<h2>Second by second</h2>",
        "<p>The lower line is the median of a second, the upper one its p99. Shaded: the stages.</p>",
        f'<div class="plots">{"".join(_plots(outcome))}</div>',
        "<h2>The slowest</h2>",
        "<p>How long all but the slowest tenth, hundredth, thousandth took at most.</p>",
        f"<figure>{_percentiles(outcome.timed)}</figure>",
        "<h2>Stage by stage</h2>",
        "<p>p99.</p>",
        _stages(outcome),
        "<h2>What is borne</h2>",
        _borne(outcome.figures),
        "<h2>What happened</h2>",
        _counts(outcome.counts),
        _foot(outcome),
    ]
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(scenario.name)} · load of tutorhub</title><style>{STYLE.read_text()}</style>\n"
        f"<main>{''.join(parts)}</main></html>\n"
    )


def _head(outcome: Outcome) -> Iterator[str]:
    scenario, counts = outcome.scenario, outcome.counts
    verdict = ("good", "all was borne") if outcome.passed else ("bad", "not all was borne")
    yield (
        f'<header><h1>{escape(scenario.name)}</h1><span class="pill {verdict[0]}">{verdict[1]}</span></header>'
        f"<p>{escape(scenario.about)}</p>"
    )
    found = {each.timing: each.corrected for each in outcome.timed}
    first, token = found.get(Timing.FIRST_TOKEN), found.get(Timing.TOKEN)
    broken = sum(outcome.broken.values())
    tiles = [
        (f"{scenario.crowd.users:,}", f"users with {scenario.crowd.devices} devices each"),
        (f"{counts.get('accepted', 0):,}", "messages, each answered"),
        (plain(counts.get("frames", 0)), "frames read"),
        (_short(first, "p99"), "to the first token, p99"),
        *([(_short(token, "p99"), "tutor's token → socket, p99")] if token else []),
        (f"{broken:,}" if outcome.is_checked else "?", ", ".join(WRONGS)),
    ]
    yield f'<div class="tiles">{"".join(_tile(*each) for each in tiles)}</div>'


def _tile(value: str, name: str) -> str:
    return f'<div class="tile"><b>{value}</b><span>{escape(name)}</span></div>'


def _troubles(outcome: Outcome) -> Iterator[str]:
    """What a reader must know before the figures."""
    kinds = (
        ("warn", "These figures may not be the hub's", outcome.warnings),
        ("bad", "What went wrong", outcome.findings),
        ("bad", "Promises that were broken", outcome.examples),
    )
    for style, title, lines in kinds:
        if lines:
            items = "".join(f"<li>{escape(line)}</li>" for line in lines)
            yield f'<h2 class="{style}">{title}</h2><div class="card"><ul>{items}</ul></div>'


def _timings(timed: list[Timed]) -> str:
    low = min((each.corrected.p50 for each in timed), default=1.0)
    most = max((each.corrected.max for each in timed), default=10.0)
    rows = (
        (
            f'<span title="{escape(MEANINGS[each.timing])}">{escape(TITLES[each.timing])}</span>',
            f"{each.corrected.count:,}",
            *(_milliseconds(value) for value in _marks(each.corrected)),
            "" if each.raw is None else _milliseconds(each.raw.p99),
            whiskers(low, _marks(each.corrected), most),
        )
        for each in timed
    )
    return _table(("", "times", *PERCENTILE_TITLES.values(), "p99, raw", ""), rows)


def _marks(spread: Spread) -> list[float]:
    return [getattr(spread, name) for name in PERCENTILE_TITLES]


def _plots(outcome: Outcome) -> Iterator[str]:
    bands = [Band(begins, ends, type(stage).__name__.lower()) for begins, ends, stage in outcome.scenario.spans()]
    for each in outcome.timed:
        lines = [
            Line("p50", thinned([(float(p.second), p.p50) for p in each.points], highest=False), "second"),
            Line("p99", thinned([(float(p.second), p.p99) for p in each.points], highest=True)),
        ]
        figures = f"p50 {_short(each.corrected, 'p50')} · p99 {_short(each.corrected, 'p99')}"
        yield _figure(TITLES[each.timing], figures, over_time(lines, bands, "ms", is_log=True))
    for title, unit, points in _courses(outcome):
        lines = [Line(title, thinned(points, highest=False))]
        most = max((y for _, y in points), default=0.0)
        yield _figure(title, f"at most {plain(most)} {unit}", over_time(lines, bands, unit, is_log=False))


def _courses(outcome: Outcome) -> Iterator[tuple[str, str, list[Pair]]]:
    seconds = outcome.seconds
    at = [float(each.second) for each in seconds]
    yield "messages", "a second", list(zip(at, rates(seconds, "said"), strict=True))
    yield "frames read", "a second", list(zip(at, rates(seconds, "frames"), strict=True))
    yield "connected", "sockets", [(float(each.second), each.counts.get("connected", 0)) for each in seconds]
    if any(each.hubs for each in seconds):
        yield "the hubs: processor", "% of a core", [(float(each.second), each.hubs * 100) for each in seconds]
    yield "the machine: processor", "% of all cores", [(float(each.second), each.machine * 100) for each in seconds]
    yield "the generator: processor", "% of a core", [(float(each.second), each.cpu * 100) for each in seconds]
    yield "the generator: late by", "ms", [(float(each.second), each.lag * 1_000) for each in seconds]


def _figure(title: str, figures: str, plot: str) -> str:
    return f"<figure><figcaption><h3>{escape(title)}</h3><span>{escape(figures)}</span></figcaption>{plot}</figure>"


def _percentiles(timed: list[Timed]) -> str:
    lines: list[Line] = []
    for number, each in enumerate(timed):
        found, points = histogram_of(each.encoded), list[Pair]()
        rarest = MEDIAN
        while rarest <= max(10, each.corrected.count):
            value = found.get_value_at_percentile(100 - 100 / rarest) / MICROSECONDS * 1_000
            points.append((rarest, max(value, 0.01)))
            rarest *= 10**0.1
        lines.append(Line(TITLES[each.timing], points, f"c{number % 10}"))
    return by_percentile(lines)


def _stages(outcome: Outcome) -> str:
    shown = [each for each in outcome.timed if each.timing in STAGED]
    rows = (
        (
            f"{escape(described(stage))}",
            f"{stage.seconds:,.0f} s",
            *("" if each.stages[number] is None else _short(each.stages[number], "p99") for each in shown),
        )
        for number, stage in enumerate(outcome.scenario.stages)
    )
    return _table(("stage", "lasts", *(TITLES[each.timing] for each in shown)), rows)


def _borne(figures: Iterable[Figure]) -> str:
    rows = (
        (
            escape(each.name),
            "not measured" if each.value is None else f"{each.value:,g} {each.unit}",
            f"{each.at_most:,g}",
            '<span class="good">borne</span>' if each.is_borne else '<span class="bad">not borne</span>',
        )
        for each in figures
    )
    return _table(("", "was", "at most", ""), rows)


def _counts(counts: dict[str, int]) -> str:
    return _table(("", "how often"), ((escape(name), f"{many:,}") for name, many in sorted(counts.items()) if many))


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML."""
    head = "".join(f"<th>{name}</th>" if name else "<td></td>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="card"><table><tr>{head}</tr>{body}</table></div>'


def _foot(outcome: Outcome) -> str:
    told = (
        f"{outcome.began}, {outcome.target}, tutorhub {outcome.version}, Python {outcome.python}, "
        f"{outcome.cores} cores, {outcome.processes} of them for the generator at most, seed {outcome.scenario.seed}, "
        f"{outcome.took:.0f} s in all"
    )
    return f"<footer>{escape(told)}</footer>"


def _short(spread: Spread | None, name: str) -> str:
    """With its unit."""
    if spread is None:
        return "–"
    value: float = getattr(spread, name)
    return f"{value / 1_000:,.1f} s" if value >= 10_000 else f"{_milliseconds(value)} ms"


def _milliseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
