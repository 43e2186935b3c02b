"""A transport that ends in time: the true one may wait for ever for the peer to take what is unsent."""

import asyncio
from typing import Any

from server.edge import kernel


class TimelyTransport:
    """`true`, whose `close()` may take so many seconds, and then is an `abort()`.

    It closes the true one once only: asyncio's TLS transport can not be aborted any more after a second `close()`.
    """

    __slots__ = ("_closed", "_limit", "_timer", "is_closing", "true", "write")

    def __init__(self, true: asyncio.Transport, limit: float) -> None:
        self.true = true
        self.write = true.write
        self.is_closing = true.is_closing
        self._limit = limit
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.true, name)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._limit_what_is_left()
            self.true.close()
            self._timer = asyncio.get_running_loop().call_later(self._limit, self.true.abort)

    def abort(self) -> None:
        self.lost()
        self._limit_what_is_left()
        self.true.abort()

    def lost(self) -> None:
        """There is nothing to close any more; or it is another's to close."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _limit_what_is_left(self) -> None:
        """The system goes on with what it has taken. Of a transport that closes the socket may be another's already."""
        if not self.true.is_closing():
            kernel.limit_unacknowledged(self.true.get_extra_info("socket"), kernel.UNACKNOWLEDGED_MS)
