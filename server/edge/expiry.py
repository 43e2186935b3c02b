"""A connection is believed until its token expires: that is said a minute before, and then it is closed."""

import asyncio
import time
from collections.abc import Callable

from protocol.errors import CloseCode
from protocol.events import Event, TokenExpiring

SAID_BEFORE = 60.0
"""Seconds."""
LONGEST_TIMER = 86_400.0


def _nothing(*_: object) -> None:
    """Nobody is there any more."""


class Expiry:
    """`offer` tells the device, `close` ends its connection."""

    def __init__(self, offer: Callable[[Event], None], close: Callable[[int, str], None]) -> None:
        self._offer = offer
        self._close = close
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._expires_at = 0.0
        self._said = False

    def watch(self, expires_at: float) -> None:
        """A token that expires then (unix seconds) is what counts from now on."""
        self._expires_at = expires_at
        self._said = False
        self._look()

    def end(self) -> None:
        """Nothing is told any more."""
        self._cancel()
        self._offer = self._close = _nothing

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._cancel()
        left = self._expires_at - time.time()
        if left <= 0:
            self._close(CloseCode.TOKEN_EXPIRED, "the token has expired")
            return
        if left <= SAID_BEFORE and not self._said:
            self._said = True
            self._offer(TokenExpiring(in_ms=int(left * 1_000)))
        wait = left if self._said else left - SAID_BEFORE
        self._timer = self._loop.call_later(min(wait, LONGEST_TIMER), self._look)
