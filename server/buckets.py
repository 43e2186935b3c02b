"""Token buckets. Pure: they are given the time.

A bucket is one number: the moment at which it will be full again. To take from it moves that moment on; it can be
taken from while that is no further away than the whole bucket takes to fill. `fanout/redis_buckets.py` is the twin.
"""

from collections.abc import Sequence

from msgspec import Struct

PRUNED_AT = 10_000
TOLERANCE = 0.001
"""Seconds: sums of fractions are not exact."""


class Rate(Struct, frozen=True):
    """So many at once, and as many again in so many seconds."""

    count: int
    seconds: float


class Want(Struct, frozen=True):
    """What is to be taken from the bucket of a name.

    `owed`: it is taken in any case, as it was used already; what is missing is to be waited for by those that come.
    """

    name: str
    rate: Rate
    amount: int = 1
    owed: bool = False


class Short(Struct, frozen=True):
    """There is not enough in the bucket of this name for so many seconds."""

    name: str
    seconds: float


class Buckets:
    """Of any number of owners; one that was never seen has full ones."""

    def __init__(self) -> None:
        self._full_at: dict[object, float] = {}
        self._prune_at = PRUNED_AT

    def take(self, owner: str, wants: Sequence[Want], now: float) -> Short | None:
        """Take all that is wanted, or nothing; then the want that takes longest is told."""
        later = [self._later((owner, want.name), want.rate, want.amount, now) for want in wants]
        short = [
            Short(want.name, _too_late(full_at, want.rate, now))
            for want, full_at in zip(wants, later, strict=True)
            if not want.owed and _too_late(full_at, want.rate, now) > TOLERANCE
        ]
        if short:
            return max(short, key=lambda each: each.seconds)
        self._prune(now)
        self._full_at.update({(owner, want.name): full_at for want, full_at in zip(wants, later, strict=True)})
        return None

    def take_one(self, name: object, rate: Rate, now: float) -> bool:
        """Take one from the only bucket of this name, if there is one in it."""
        full_at = self._later(name, rate, 1, now)
        if _too_late(full_at, rate, now) > TOLERANCE:
            return False
        self._prune(now)
        self._full_at[name] = full_at
        return True

    def _later(self, name: object, rate: Rate, amount: int, now: float) -> float:
        """When the bucket will be full again, if so much is taken from it."""
        return max(self._full_at.get(name, now), now) + amount * rate.seconds / rate.count

    def _prune(self, now: float) -> None:
        """A full bucket is as good as one that was never seen."""
        if len(self._full_at) >= self._prune_at:
            self._full_at = {name: full_at for name, full_at in self._full_at.items() if full_at > now}
            self._prune_at = max(PRUNED_AT, 2 * len(self._full_at))


def _too_late(full_at: float, rate: Rate, now: float) -> float:
    """By how many seconds it would be full later than the whole bucket takes to fill: so long one has to wait."""
    return full_at - now - rate.seconds
