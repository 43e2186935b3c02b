"""What the checker has found: promises that were broken, and how long things took."""

from msgspec import Struct

from loadtest.evidence import Entry
from loadtest.measured import percentile


class Violation(Struct, frozen=True):
    """A promise that was broken. `frames` are the few records that show it; `device` is empty where it is no one's."""

    promise: str
    user: str
    device: str
    at: float
    what: str
    frames: list[str]

    def text(self) -> str:
        """As a person reads it, over several lines."""
        who = f"{self.user} on {self.device}" if self.device else self.user
        return "\n    ".join([f"{self.promise} at {self.at:.3f}, {who}: {self.what}", *self.frames])


class Spread(Struct, frozen=True):
    """How long something took, in seconds, so many times."""

    count: int
    p50: float
    p95: float
    max: float


class Verdict(Struct, frozen=True):
    """`counts`: how much was looked at."""

    violations: list[Violation]
    figures: dict[str, Spread]
    counts: dict[str, int]

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        return not self.violations

    def counterexample(self) -> Violation | None:
        return shortest(self.violations)


def broken(promise: str, user: str, what: str, *entries: Entry) -> Violation:
    """A violation that these records show, the last of them being where it happened."""
    last = entries[-1] if entries else None
    return Violation(
        promise=promise,
        user=user,
        device=last.device if last else "",
        at=last.at if last else 0.0,
        what=what,
        frames=[entry.text() for entry in entries],
    )


def spread(seconds: list[float]) -> Spread:
    """Of at least one."""
    middle, most = round(percentile(seconds, 0.5), 4), round(percentile(seconds, 0.95), 4)
    return Spread(len(seconds), middle, most, round(max(seconds), 4))


def shortest(violations: list[Violation]) -> Violation | None:
    """The one with the fewest records, then the shortest, then the earliest."""
    return min(violations, key=lambda each: (len(each.frames), sum(map(len, each.frames)), each.at), default=None)
