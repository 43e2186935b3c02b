"""What this instance says to one Redis server: a bounded queue, sent in batches by one task, over one wire of its own.

What a batch has for a channel goes as one message, sealed once. Nothing is said twice and nobody waits for it: a batch
that takes too long is dropped with its wire, and the next one makes a new wire. What is dropped is counted; who misses
it notices the gap.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from msgspec import Struct, field

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


class Batch(Struct):
    """What goes at once, of `size` bytes: commands, which get so many replies, and envelopes for each channel. `said`:
    how much of it there is to count.
    """

    said: int = 0
    size: int = 0
    replies: int = 0
    commands: list[bytes] = field(default_factory=list)
    envelopes: dict[bytes, list[bytes]] = field(default_factory=dict)

    def has_room(self, size: int) -> bool:
        """For so many bytes. What is larger by itself goes alone."""
        return not self.size or (self.said < LONGEST_BATCH and self.size + size <= LARGEST_BATCH)

    def add(self, commands: bytes, replies: int) -> None:
        self.commands.append(commands)
        self.replies += replies
        self.size += len(commands)

    def tell(self, channel: bytes, envelope: bytes) -> None:
        if (waiting := self.envelopes.get(channel)) is not None:
            waiting.append(envelope)
        else:
            self.envelopes[channel] = [envelope]
        self.size += len(envelope)


class Publisher:
    """`offer` and `pulse` are given what is to be said, `run` says it. Counts what became of it by name.

    `publish` makes the command of a channel and of the envelopes that lie behind each other.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Wire]], publish: Callable[[bytes, bytes], bytes], counts: Counter[str]
    ) -> None:
        self._connect = connect
        self._publish = publish
        self._counts = counts
        self._queue: deque[Batch] = deque()
        self._said = 0
        self._bytes = 0
        self._waiting = asyncio.Event()
        self._wire: Wire | None = None
        self._complained_at = float("-inf")
        self._misplaced: ReplyError | None = None

    async def open(self) -> None:
        """Make the first wire. Raises WireError or OSError."""
        self._wire = await self._connect()

    def offer(self, commands: bytes, replies: int, channel: bytes = b"", envelope: bytes = b"") -> None:
        """Commands that belong together, packed, and how many replies they get; after them, an envelope for a channel.
        They are said when their turn comes, unless too much waits already.
        """
        size = len(commands) + len(envelope)
        if self._said >= LONGEST_QUEUE or self._bytes + size > LARGEST_QUEUE:
            self._counts["dropped_full"] += 1
            return
        batch = self._batch(size)
        batch.said += 1
        self._said += 1
        if commands:
            batch.add(commands, replies)
        if envelope:
            batch.tell(channel, envelope)

    def pulse(self, commands: bytes, replies: int) -> None:
        """Commands that are always said, and never counted."""
        self._batch(len(commands)).add(commands, replies)

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
                    self._counts["published"] += batch.said
                    self._look_at(replies)
        finally:
            self.end()

    def end(self) -> None:
        """Hang up; whoever waits for an answer is told so."""
        if self._wire is not None:
            self._wire.end("no longer needed")
            self._wire = None

    def _batch(self, size: int) -> Batch:
        """That which so many bytes are about to go with."""
        self._bytes += size
        if not self._queue or not self._queue[-1].has_room(size):
            self._queue.append(Batch())
            self._waiting.set()
        return self._queue[-1]

    def _take(self) -> Batch:
        batch = self._queue.popleft()
        self._said -= batch.said
        self._bytes -= batch.size
        if not self._queue:
            self._waiting.clear()
        return batch

    async def _send(self, batch: Batch) -> list[Any]:
        if self._wire is None or self._wire.ended.is_set():
            self._wire = None
            self._wire = await self._connect()
        return await self._wire.ask(*self._joined(batch))

    def _joined(self, batch: Batch) -> tuple[bytes, int]:
        """All commands, first those that are not to be late for anybody who hears the rest; and their replies."""
        told = [self._publish(channel, b"".join(envelopes)) for channel, envelopes in batch.envelopes.items()]
        return b"".join(batch.commands + told), batch.replies + len(told)

    def _failed(self, batch: Batch, error: Exception) -> None:
        self._counts["failed_batches"] += 1
        self._counts["dropped_down"] += batch.said
        if self._wire is None:  # nobody is there: what waits would only grow old
            self._counts["dropped_down"] += self._said
            self._queue.clear()
            self._said = self._bytes = 0
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
