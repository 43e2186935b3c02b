"""How long things took: HDR histograms, of one interval in the process that timed them, and merged where all is known.

Each is kept in two ways. *Corrected* begins at the moment at which it was meant to begin: if the hub, or this machine,
was too slow to begin it then, whoever waited has waited for that, too. *Raw* begins when it was begun.
"""

from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from typing import Literal, cast

from msgspec import Struct

try:
    from hdrh.histogram import HdrHistogram
except ModuleNotFoundError as missing:
    raise SystemExit(
        "The load tool needs more than a hub does: `make load` installs it, or pip install 'tutorhub[load]'."
    ) from missing


class Timing(StrEnum):
    """What is timed; the names that thresholds use."""

    CONNECT = "connect"
    HELLO = "hello"
    ACCEPTED = "accepted"
    FIRST_TOKEN = "first_token"  # noqa: S105  # a token of text
    GAP = "gap"
    TOKEN = "token"  # noqa: S105  # as above
    FIRST_PIECE = "first_piece"
    SEEN = "seen"
    RESUME = "resume"
    JOIN = "join"

    __hash__ = str.__hash__  # an enum's own is written in Python: as dear as all else that is done to time something


TITLES = {
    Timing.CONNECT: "connect",
    Timing.HELLO: "hello → in step",
    Timing.ACCEPTED: "send → accepted",
    Timing.FIRST_TOKEN: "send → first token",
    Timing.GAP: "gap between tokens",
    Timing.TOKEN: "tutor's token → socket",
    Timing.FIRST_PIECE: "tutor's first token → socket",
    Timing.SEEN: "send → seen elsewhere",
    Timing.RESUME: "resume after a loss",
    Timing.JOIN: "join in mid-reply → its text",
}
Way = Literal["corrected", "raw"]
Series = tuple[Timing, Way]

MICROSECONDS = 1_000_000
LONGEST = 3_600 * MICROSECONDS
DIGITS = 3
"""That are exact: 1.00 s and 1.01 s are told apart."""
EXACT_BITS = 11
"""So many a histogram of three digits keeps of a value."""
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p999": 99.9, "max": 100.0}


class Took(Struct, frozen=True, tag="took"):
    """A histogram of one second of a run, as `histogram_of` reads it."""

    timing: Timing
    way: Way
    second: int
    encoded: str


class Spread(Struct, frozen=True):
    """How long something took so many times, in milliseconds."""

    count: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    p999: float
    max: float


def histogram() -> HdrHistogram:
    """Of microseconds."""
    return HdrHistogram(1, LONGEST, DIGITS)


def histogram_of(encoded: str) -> HdrHistogram:
    """Raises ValueError, or what its library raises, if that is none."""
    return HdrHistogram.decode(encoded)


def encoded(histogram: HdrHistogram) -> str:
    return cast("bytes", histogram.encode()).decode()


def spread(histogram: HdrHistogram) -> Spread:
    """Of at least one value."""
    found = _percentiles(histogram, [*PERCENTILES.values()])
    mean = _milliseconds(cast("float", histogram.get_mean_value()))
    return Spread(count=count(histogram), mean=mean, **dict(zip(PERCENTILES, found, strict=True)))


def count(histogram: HdrHistogram) -> int:
    return cast("int", histogram.get_total_count())


def _percentiles(histogram: HdrHistogram, parts: list[float]) -> list[float]:
    """In one walk through its twenty thousand counts."""
    found = cast("dict[float, int]", histogram.get_percentile_to_value_dict(parts))
    return [_milliseconds(found[part]) for part in parts]


def _milliseconds(microseconds: float) -> float:
    return round(microseconds / 1_000, 3)


class Timings:
    """Of one process, since they were taken last."""

    def __init__(self) -> None:
        self._held: defaultdict[Series, dict[int, int]] = defaultdict(dict)
        """How often each value, as exactly as a histogram keeps it: which one finds its place only once a second."""

    def took(self, timing: Timing, corrected: float, raw: float | None = None) -> None:
        """Seconds."""
        self._record((timing, "corrected"), corrected)
        if raw is not None:
            self._record((timing, "raw"), raw)

    def take(self, second: int) -> Iterator[Took]:
        """What there is, which is forgotten."""
        for (timing, way), held in self._held.items():
            made = histogram()
            for value, times in held.items():
                made.record_value(value, times)
            yield Took(timing, way, second, encoded(made))
        self._held.clear()

    def _record(self, series: Series, seconds: float) -> None:
        held, value = self._held[series], min(LONGEST, max(1, round(seconds * MICROSECONDS)))
        beyond = value.bit_length() - EXACT_BITS
        if beyond > 0:
            value = value >> beyond << beyond
        held[value] = held.get(value, 0) + 1


class Point(Struct, frozen=True):
    """One second of a run, for a plot; milliseconds."""

    second: int
    count: int
    p50: float
    p99: float


class Merged:
    """Of all processes: of the whole run, of each stage, and of each second that is closed. `spans`: when the stages
    begin and end, in seconds.
    """

    def __init__(self, spans: list[tuple[float, float]]) -> None:
        self.whole: dict[Series, HdrHistogram] = {}
        self.stages: list[dict[Timing, HdrHistogram]] = [{} for _ in spans]
        self.points: dict[Timing, list[Point]] = {}
        self._spans = spans
        self._open: dict[int, dict[Timing, HdrHistogram]] = {}

    def add(self, took: Took) -> None:
        read = histogram_of(took.encoded)
        self.whole.setdefault((took.timing, took.way), histogram()).add(read)
        if took.way == "corrected":
            for (begins, ends), stage in zip(self._spans, self.stages, strict=True):
                if begins <= took.second < ends:
                    stage.setdefault(took.timing, histogram()).add(read)
            second = self._open.setdefault(took.second, {})
            if (known := second.setdefault(took.timing, read)) is not read:
                known.add(read)

    def close(self, before: int) -> None:
        """Nothing more comes of the seconds before this one."""
        for second in sorted(each for each in self._open if each < before):
            for timing, found in self._open.pop(second).items():
                p50, p99 = _percentiles(found, [50.0, 99.0])
                point = Point(second, count(found), p50, p99)
                self.points.setdefault(timing, []).append(point)

    def spread(self, timing: Timing, way: Way = "corrected") -> Spread | None:
        """None: it did not happen."""
        found = self.whole.get((timing, way))
        return spread(found) if found is not None and count(found) else None
