"""What this instance says to one Redis server: a bounded queue, sent in batches by one task, over one wire of its own.

What a batch has for a channel goes as one message, sealed once. Nothing is said twice and nobody waits for it: a batch
that takes too long is dropped with its wire, and the next one makes a new wire. What is dropped is counted; who misses
it notices the gap.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from msgspec import Struct

from server.fanout.redis_envelope import LARGEST
from server.fanout.redis_seal import OVERHEAD
from server.fanout.redis_wire import ReplyError, Wire, WireError

ANSWERED_WITHIN = 0.25
"""Seconds for a batch, and for reading a draft."""

LONGEST_QUEUE = 10_000
LARGEST_QUEUE = 16 * 1024 * 1024
LONGEST_BATCH = 500
LARGEST_BATCH = LARGEST - OVERHEAD
PAUSE = 0.1
"""Seconds after a batch that failed, so that a dead Redis costs nothing."""

MISPLACED = frozenset({"MOVED", "CLUSTERDOWN", "READONLY"})
"""Kinds of error that say: this is not, or no longer, the server for it. ASK is none: the slot is on its way, and what
is said there is heard as before; a draft that was asked for elsewhere is done without."""

log = structlog.get_logger()


class Saying(Struct, frozen=True, gc=False):
    """Commands that belong together, packed, and how many replies they get; after them, an envelope for a channel.

    A pulse is always said, never counted.
    """

    commands: bytes = b""
    replies: int = 0
    channel: bytes = b""
    envelope: bytes = b""
    pulse: bool = False

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.commands) + len(self.envelope)


class Publisher:
    """`offer` is given what is to be said, `run` says it. Counts what became of it by name.

    `publish` makes the command of a channel and of the envelopes that lie behind each other.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Wire]], publish: Callable[[bytes, bytes], bytes], counts: Counter[str]
    ) -> None:
        self._connect = connect
        self._publish = publish
        self._counts = counts
        self._queue: deque[Saying] = deque()
        self._bytes = 0
        self._waiting = asyncio.Event()
        self._wire: Wire | None = None
        self._complained_at = float("-inf")
        self._misplaced: ReplyError | None = None

    async def open(self) -> None:
        """Make the first wire. Raises WireError or OSError."""
        self._wire = await self._connect()

    def offer(self, saying: Saying) -> None:
        """Say it when its turn comes, unless too much waits already."""
        size = saying.size
        full = len(self._queue) >= LONGEST_QUEUE or self._bytes + size > LARGEST_QUEUE
        if full and not saying.pulse:
            self._counts["dropped_full"] += 1
            return
        self._queue.append(saying)
        self._bytes += size
        self._waiting.set()

    async def ask(self, command: bytes) -> Any:
        """The answer to a command, said at once. Raises WireError, ReplyError, TimeoutError."""
        if self._wire is None:
            raise WireError("not connected")
        async with asyncio.timeout(ANSWERED_WITHIN):
            [reply] = await self._wire.ask(command)
        if isinstance(reply, ReplyError):
            self._look_whether_misplaced(reply)
            raise reply
        return reply

    async def run(self) -> None:
        """Until a server says that it is the wrong one, which is raised as WireError."""
        try:
            while True:
                await self._waiting.wait()
                if self._misplaced is not None:
                    raise WireError(str(self._misplaced))
                batch = self._take()
                try:
                    async with asyncio.timeout(ANSWERED_WITHIN):
                        replies = await self._send(batch)
                except (WireError, OSError) as error:
                    self._failed(batch, error)
                    await asyncio.sleep(PAUSE)
                else:
                    self._counts["published"] += _told(batch)
                    self._look_at(replies)
        finally:
            self.end()

    def end(self) -> None:
        """Hang up; whoever waits for an answer is told so."""
        if self._wire is not None:
            self._wire.end("no longer needed")
            self._wire = None

    def _take(self) -> list[Saying]:
        """As much as may go at once; what is larger by itself goes alone."""
        batch, size = list[Saying](), 0
        while self._queue and len(batch) < LONGEST_BATCH:
            if batch and size + self._queue[0].size > LARGEST_BATCH:
                break
            batch.append(self._queue.popleft())
            size += batch[-1].size
        self._bytes -= size
        if not self._queue:
            self._waiting.clear()
        return batch

    async def _send(self, batch: list[Saying]) -> list[Any]:
        if self._wire is None or self._wire.ended.is_set():
            self._wire = None
            self._wire = await self._connect()
        return await self._wire.ask(*self._joined(batch))

    def _joined(self, batch: list[Saying]) -> tuple[bytes, int]:
        """All commands, first those that are not to be late for anybody who hears the rest; and their replies."""
        told = dict[bytes, list[bytes]]()
        for saying in batch:
            if saying.envelope:
                told.setdefault(saying.channel, []).append(saying.envelope)
        commands = [saying.commands for saying in batch]
        commands += [self._publish(channel, b"".join(envelopes)) for channel, envelopes in told.items()]
        return b"".join(commands), sum(saying.replies for saying in batch) + len(told)

    def _failed(self, batch: list[Saying], error: Exception) -> None:
        self._counts["failed_batches"] += 1
        self._counts["dropped_down"] += _told(batch)
        if self._wire is None:  # nobody is there: what waits would only grow old
            self._counts["dropped_down"] += _told(self._queue)
            self._queue.clear()
            self._bytes = 0
            self._waiting.clear()
        self.end()
        self._complain("redis_batch_dropped", error)

    def _look_at(self, replies: list[Any]) -> None:
        for reply in replies:
            if isinstance(reply, ReplyError):
                self._look_whether_misplaced(reply)
                self._counts["refused"] += 1
                self._complain("redis_refused", reply)

    def _look_whether_misplaced(self, reply: ReplyError) -> None:
        """If so, whoever runs this is told, at once."""
        if reply.kind in MISPLACED:
            self._misplaced = reply
            self._waiting.set()

    def _complain(self, what: str, error: Exception) -> None:
        """At most once a second, however much fails."""
        if time.monotonic() - self._complained_at >= 1:
            self._complained_at = time.monotonic()
            log.warning(what, error=str(error) or type(error).__name__)


def _told(sayings: Iterable[Saying]) -> int:
    return sum(not saying.pulse for saying in sayings)
