"""What is done at the end of a turn of the loop, by one callback for all. One for each would cost what they save."""

import asyncio
from collections.abc import Callable
from functools import lru_cache

import structlog

AT_MOST = 100
"""Acts in a turn. Who tells a thousand sockets the same does nothing else between two of them."""

log = structlog.get_logger()


class Soon:
    """Of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: list[Callable[[], None]] = []

    def call(self, act: Callable[[], None]) -> bool:
        """Have it done, after all that is done in this turn and in the order of asking. False: enough is due."""
        if len(self._due) >= AT_MOST:
            return False
        if not self._due:
            self._loop.call_soon(self._act)
        self._due.append(act)
        return True

    def _act(self) -> None:
        due, self._due = self._due, []
        for act in due:
            try:
                act()
            except Exception:  # the others' must be done
                log.exception("soon_failed")


@lru_cache(1)  # a process has one; who has got one keeps it
def soon(loop: asyncio.AbstractEventLoop) -> Soon:
    return Soon(loop)
