"""What was seen of the database lately: whether it was reached, whether it had room. No I/O."""

import time
from collections.abc import Callable
from math import inf


class Reach:
    """Told by whoever tries; `now` is a clock in seconds that only goes on."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.away = False
        """The last try failed, and none has succeeded since."""
        self._now = now
        self._broken = False
        self._failed_at = -inf
        self._full_at = -inf

    def succeeded(self) -> None:
        self.away = self._broken = False

    def failed(self) -> None:
        """It could not be reached."""
        self.away = True
        self._failed_at = self._now()

    def broke(self) -> bool:
        """It went away in the middle. True: that is the first since it was last reached."""
        first, self._broken = not self._broken, True
        self.failed()
        return first

    def full(self) -> None:
        """It had no room to save something."""
        self._full_at = self._now()

    def failed_within(self, seconds: float) -> bool:
        return self._now() - self._failed_at < seconds

    def full_within(self, seconds: float) -> bool:
        return self._now() - self._full_at < seconds
