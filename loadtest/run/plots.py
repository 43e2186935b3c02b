"""Plots as SVG, to stand in a page: no script, no network; colours are the page's. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise

from msgspec import Struct

WIDTH, HEIGHT = 560, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 22, 24
MOST_STRIPS = 300
"""Moments at which one can look; of a longer run several seconds are one."""
STEPS = (1, 2, 5, 10)
MEDIAN = 2.0

Pair = tuple[float, float]


class Line(Struct, frozen=True):
    """`points`: x and y, x rising. `style`: its class in the page."""

    name: str
    points: list[Pair]
    style: str = "main"


class Band(Struct, frozen=True):
    """A stage, along x."""

    begins: float
    ends: float
    name: str


class Axis:
    """Values to pixels; a logarithmic one of values from `least` on."""

    def __init__(self, least: float, most: float, start: float, end: float, *, is_log: bool = False) -> None:
        self._log = is_log
        self._least, self._most = self._scaled(least), self._scaled(max(most, least * 10 if is_log else least + 1e-9))
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        part = (self._scaled(value) - self._least) / (self._most - self._least)
        return round(self._start + (self._end - self._start) * min(1.0, max(0.0, part)), 1)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-3)) if self._log else value


def over_time(lines: list[Line], bands: list[Band], unit: str, *, is_log: bool) -> str:
    """Values over the seconds of a run. With two lines, what is between them is filled."""
    values = [y for line in lines for _, y in line.points]
    if not values:
        return ""
    most = max(values)
    seconds = max(*(band.ends for band in bands), *(x for line in lines for x, _ in line.points))
    least = 10 ** math.floor(math.log10(max(0.01, min(values)))) if is_log else 0.0
    ticks = list(powers(least, most)) if is_log else list(steps(most))
    x = Axis(0.0, seconds, LEFT, WIDTH - RIGHT)
    y = Axis(least, ticks[-1], HEIGHT - BOTTOM, TOP, is_log=is_log)
    parts = [
        *_bands(bands, x),
        *_ticks(ticks, y),
        *_seconds(seconds, x),
        *_between(lines, x, y),
        *(_path(line, _runs(line.points), x, y) for line in lines),
        *_strips(lines, x, unit),
    ]
    return _svg(parts, f"{', '.join(line.name for line in lines)} over {seconds:.0f} s")


def by_percentile(lines: list[Line]) -> str:
    """How long the slowest tenth, hundredth … took: x is 1/(1 − part), from the median on."""
    values = [y for line in lines for _, y in line.points]
    if not values:
        return ""
    least = 10 ** math.floor(math.log10(max(0.01, min(values))))
    rarest = max(x for line in lines for x, _ in line.points)
    x = Axis(MEDIAN, rarest, LEFT, 2 * WIDTH - 190, is_log=True)
    y = Axis(least, list(powers(least, max(values)))[-1], 1.5 * HEIGHT - BOTTOM, TOP, is_log=True)
    ends = _apart([(y(line.points[-1][1]), line) for line in lines])
    parts = [
        *_ticks(list(powers(least, max(values))), y, 2 * WIDTH - 190),
        *(
            f'<text class="tick" x="{x(rare)}" y="{1.5 * HEIGHT - 6}" text-anchor="middle">{_part(rare)}</text>'
            for rare in (MEDIAN, *(10.0**power for power in range(1, int(math.log10(rarest)) + 1)))
        ),
        *(_path(line, [line.points], x, y) for line in lines),
        *(
            f'<text class="label {line.style}" x="{x(line.points[-1][0]) + 8}" y="{at + 4}">{escape(line.name)}</text>'
            for at, line in ends
        ),
    ]
    return _svg(parts, "how long the slowest took", width=2 * WIDTH, height=round(1.5 * HEIGHT))


def whiskers(low: float, marks: Sequence[float], most: float) -> str:
    """Where the percentiles are, on a scale that all rows share: a line from the first to the last, a dot for each."""
    axis = Axis(low, most, 6, 194, is_log=True)
    at = [axis(mark) for mark in marks]
    dots = "".join(f'<circle cx="{each}" cy="9" r="{4 if not number else 2.5}"/>' for number, each in enumerate(at))
    return (
        f'<svg class="whiskers" viewBox="0 0 200 18" aria-hidden="true">'
        '<line x1="6" x2="194" y1="9" y2="9" class="rail"/>'
        f'<line x1="{at[0]}" x2="{at[-1]}" y1="9" y2="9"/>{dots}</svg>'
    )


def steps(most: float) -> Iterator[float]:
    """Four or so round values from 0 up to the first that is not below."""
    rough = max(most, 1e-9) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in STEPS if each * power >= rough)
    yield from (round(step * number, 9) for number in range(math.ceil(most / step) + 1))


def powers(least: float, most: float) -> Iterator[float]:
    """Powers of ten, up to the first that is not below."""
    value = least
    yield value
    while value < most:
        value *= 10
        yield value


def plain(value: float) -> str:
    """As short as it can be read."""
    if value >= 10_000:
        return f"{value / 1_000:,.0f}k"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.3g}"


def _svg(parts: Iterable[str], label: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    body = "".join(parts)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{body}</svg>'


def _bands(bands: list[Band], x: Axis) -> Iterator[str]:
    """Every other one is shaded; a name where there is room for it."""
    for number, band in enumerate(bands):
        begins, ends = x(band.begins), x(band.ends)
        shade = "odd" if number % 2 else "even"
        height = HEIGHT - TOP - BOTTOM
        yield f'<rect class="band {shade}" x="{begins}" y="{TOP}" width="{ends - begins:.1f}" height="{height}"/>'
        if ends - begins > 6 * len(band.name):
            yield f'<text class="stage" x="{begins + 4}" y="{TOP - 7}">{escape(band.name)}</text>'


def _ticks(ticks: list[float], y: Axis, end: float = WIDTH - RIGHT) -> Iterator[str]:
    for tick in ticks:
        yield f'<line class="grid" x1="{LEFT}" x2="{end}" y1="{y(tick)}" y2="{y(tick)}"/>'
        yield f'<text class="tick" x="{LEFT - 7}" y="{y(tick) + 4}" text-anchor="end">{plain(tick)}</text>'


def _seconds(seconds: float, x: Axis) -> Iterator[str]:
    for tick in steps(seconds):
        if tick <= seconds:
            said = f"{tick:.0f} s" if tick < 600 else f"{tick / 60:.0f} min"
            anchor = "start" if not tick else "middle" if x(tick) < WIDTH - 30 else "end"
            yield f'<text class="tick" x="{x(tick)}" y="{HEIGHT - 6}" text-anchor="{anchor}">{said}</text>'


def _between(lines: list[Line], x: Axis, y: Axis) -> Iterator[str]:
    """The area between two lines, or below one."""
    first, *others = lines
    floors = [_runs(first.points)] if others else [[[(a, 0.0) for a, _ in run] for run in _runs(first.points)]]
    for upper, lower in zip(_runs((others or [first])[0].points), floors[0], strict=True):
        around = " ".join(f"{x(a)},{y(b)}" for a, b in [*upper, *reversed(lower)])
        yield f'<polygon class="area" points="{around}"/>'


def _path(line: Line, runs: list[list[Pair]], x: Axis, y: Axis) -> str:
    points = (" L".join(f"{x(a)} {y(b)}" for a, b in run) for run in runs)
    return f'<path class="line {line.style}" d="{"".join(f"M{each} " for each in points)}"/>'


def _runs(points: list[Pair]) -> list[list[Pair]]:
    """Apart where nothing was measured for a while: for three times as long as is usual."""
    gaps = sorted(after[0] - before[0] for before, after in pairwise(points))
    usual = gaps[len(gaps) // 2] if gaps else 0.0
    runs: list[list[Pair]] = [[]]
    for point in points:
        if runs[-1] and point[0] - runs[-1][-1][0] > 3 * usual:
            runs.append([])
        runs[-1].append(point)
    return runs


def _strips(lines: list[Line], x: Axis, unit: str) -> Iterator[str]:
    """What is under the pointer, in words."""
    ats = sorted({at for line in lines for at, _ in line.points})
    known = [(line.name, dict(line.points)) for line in lines]
    width = (x(ats[-1]) - x(ats[0])) / max(1, len(ats) - 1) or 4.0
    for at in ats:
        said = ", ".join(f"{name} {plain(points[at])} {unit}" for name, points in known if at in points)
        yield (
            f'<rect class="strip" x="{x(at) - width / 2:.1f}" y="{TOP}" width="{width:.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}"><title>{at:.0f} s: {escape(said)}</title></rect>'
        )


def thinned(points: list[Pair], *, highest: bool) -> list[Pair]:
    """No more than can be looked at: of each few the highest, or the mean."""
    each = math.ceil(len(points) / MOST_STRIPS) or 1
    groups = [points[start : start + each] for start in range(0, len(points), each)]
    return [
        (group[0][0], max(y for _, y in group) if highest else sum(y for _, y in group) / len(group))
        for group in groups
    ]


def _apart(ends: list[tuple[float, Line]]) -> list[tuple[float, Line]]:
    """Labels from the top down, none on another."""
    placed: list[tuple[float, Line]] = []
    for at, line in sorted(ends, key=lambda each: each[0]):
        placed.append((max(at, placed[-1][0] + 14) if placed else at, line))
    return placed


def _part(rare: float) -> str:
    """1/(1 − part): the part, in percent."""
    return f"{100 - 100 / rare:.5g} %"
