"""What this instance hears of one Redis server: its subscriptions, exactly, over one wire of its own.

Confirmations come in the order of asking. One that is not the next one asked for means that something went on without
us — another server has taken over the channel, say — so that something may have been missed: the wire ends.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from server.fanout.redis_wire import Push, Wire, WireError, packed

SILENCE = 3.0
"""Seconds without a sound, while our own pulse should be heard each second: the server or the way to it is dead."""

_GRACE = 0.05
"""Seconds to read what has come while the loop was held up."""

Hear = Callable[[bytes, bytes], None]


class Words(Struct, frozen=True):
    """How subscribing is spelled."""

    subscribe: bytes
    unsubscribe: bytes
    message: bytes
    publish: bytes


EVERYWHERE = Words(b"subscribe", b"unsubscribe", b"message", b"publish")
SHARDED = Words(b"ssubscribe", b"sunsubscribe", b"smessage", b"spublish")
"""In a cluster: only the server that owns the channel's slot knows of it."""


class _Asked(Struct, frozen=True):
    word: bytes
    channel: bytes
    confirmed: "asyncio.Future[None]"


class Subscriber:
    """`hear` is given channel and data of each message. `connect` a wire with `pushed` before anything else."""

    def __init__(self, words: Words, hear: Hear) -> None:
        self._words = words
        self._hear = hear
        self._wire: Wire | None = None
        self._asked: deque[_Asked] = deque()
        self._unsent: list[bytes] = []

    def connected(self, wire: Wire) -> None:
        self._wire = wire

    def subscribe(self, channel: bytes) -> "asyncio.Future[None]":
        """Done once the channel is heard, or when the wire has ended. Not to be cancelled."""
        return self._ask(self._words.subscribe, channel)

    def unsubscribe(self, channel: bytes) -> None:
        self._ask(self._words.unsubscribe, channel)

    async def listen(self) -> None:
        """Until the wire ends or nothing is heard any more, which is raised as WireError."""
        assert self._wire is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wire.lost())
            group.create_task(self._notice_silence(self._wire))

    def end(self) -> None:
        """Nothing is heard from now on, and nobody waits for it."""
        if self._wire is not None:
            self._wire.end("no longer needed")
        for asked in self._asked:
            asked.confirmed.set_result(None)
        self._asked.clear()

    def pushed(self, push: Push) -> None:
        """Called by the wire with each push."""
        word = push[0]
        if word == self._words.message:
            self._hear(push[1], push[2])
        elif word in (self._words.subscribe, self._words.unsubscribe):
            self._confirmed(word, push[1])

    def _confirmed(self, word: bytes, channel: bytes) -> None:
        if not self._asked or (self._asked[0].word, self._asked[0].channel) != (word, channel):
            raise WireError(f"not asked for: {word.decode()}")
        self._asked.popleft().confirmed.set_result(None)

    def _ask(self, word: bytes, channel: bytes) -> "asyncio.Future[None]":
        """Each has a command of its own, because in a cluster one command is for one slot; they leave together."""
        loop = asyncio.get_running_loop()
        if not self._unsent:
            loop.call_soon(self._send)
        self._unsent.append(packed(word, channel))
        self._asked.append(_Asked(word, channel, loop.create_future()))
        return self._asked[-1].confirmed

    def _send(self) -> None:
        assert self._wire is not None
        self._wire.tell(b"".join(self._unsent))
        self._unsent.clear()

    async def _notice_silence(self, wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        while (quiet := loop.time() - wire.heard_at) < SILENCE:
            await asyncio.sleep(SILENCE - quiet)
            if loop.time() - wire.heard_at >= SILENCE:
                await asyncio.sleep(_GRACE)
        raise WireError("silent")
