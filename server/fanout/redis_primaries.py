"""The Redis servers that take writes, and what is said to and heard of each. A lone server is a cluster of one.

What is made here lives until the first sign that something may have been missed; then all of it is made anew, from
the servers as they are by then. In a cluster the loss of one is the loss of all: it is rare, and one way to mend is
simpler than two.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from itertools import count
from typing import Any

from msgspec import Struct, structs

from server.fanout.redis_publisher import MISPLACED, Publisher
from server.fanout.redis_seal import PREFIX, RedisSeal
from server.fanout.redis_subscriber import EVERYWHERE, SHARDED, Hear, Subscriber, Words
from server.fanout.redis_wire import CONNECT_WITHIN, Address, Push, ReplyError, WireError, connect, packed, slot

PULSE = 1.0
"""Seconds between two signs of life to ourselves, by the way that everything goes."""

SLOTS = 16_384


class Place(Struct, frozen=True):
    """A primary, and the slots that it owns."""

    where: Address
    slots: list[range]


class Speaker(Struct, frozen=True):
    """The instance that says and hears all this. `owner` is its name among the others."""

    owner: str
    seal: RedisSeal
    counts: Counter[str]


class Primary:
    """One server: a publisher, a subscriber, and a pulse that goes out by the one and must come in by the other.

    With the pulse a key is read, that is not there. A server that its cluster has lost goes on to carry what is said,
    to those who are still there; about keys it says that it is none any more.
    """

    def __init__(self, place: Place, speaker: Speaker, words: Words, hear: Hear) -> None:
        self.where = place.where
        self.subscriber = Subscriber(words, hear)
        self.publisher = Publisher(lambda: connect(place.where, _ignore), self._publish, speaker.counts)
        self._seal = speaker.seal
        self._pulse = _pulse_channel(speaker.owner, place.slots)
        self._read = packed("HGETALL", self._pulse)
        self._words = words

    async def open(self) -> None:
        """Raises WireError or OSError."""
        await self.publisher.open()
        wire = await connect(self.where, self.subscriber.pushed)
        self.subscriber.connected(wire)
        async with asyncio.timeout(CONNECT_WITHIN):
            [answer] = await wire.ask(self._read)
        if isinstance(answer, ReplyError) and answer.kind in MISPLACED:
            raise WireError(str(answer))
        self.subscriber.subscribe(self._pulse)

    async def live(self) -> None:
        """Until something may have been missed, which is raised as WireError."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.subscriber.listen())
            group.create_task(self.publisher.run())
            group.create_task(self._beat())

    def end(self) -> None:
        self.publisher.end()
        self.subscriber.end()

    def _publish(self, channel: bytes, envelopes: bytes) -> bytes:
        return packed(self._words.publish, channel, self._seal.seal(channel, envelopes))

    async def _beat(self) -> None:
        beat = self._read + packed(self._words.publish, self._pulse, b"")
        while True:
            self.publisher.pulse(beat, 2)
            await asyncio.sleep(PULSE)


class Primaries:
    """All of them. `of` says which one a channel or a key belongs to; `sharded`: they are a cluster's."""

    def __init__(self, primaries: list[tuple[Primary, Place]], *, sharded: bool) -> None:
        self.sharded = sharded
        self._all = [primary for primary, _ in primaries]
        self._owners = {number: primary for primary, place in primaries for part in place.slots for number in part}
        if len(self._owners) < SLOTS:
            raise WireError("the cluster has slots without a server")

    @property
    def addresses(self) -> list[Address]:
        return [primary.where for primary in self._all]

    def of(self, key: bytes) -> Primary:
        return self._all[0] if len(self._all) == 1 else self._owners[slot(key)]

    async def open(self) -> None:
        """Connect to all. Raises WireError or OSError; `end` is called in any case."""
        for primary in self._all:
            await primary.open()

    async def live(self) -> None:
        """Until something may have been missed, which is raised, in groups, as WireError."""
        async with asyncio.TaskGroup() as group:
            for primary in self._all:
                group.create_task(primary.live())

    def end(self) -> None:
        for primary in self._all:
            primary.end()


async def find(seeds: Iterable[Address], speaker: Speaker, hear: Hear) -> Primaries:
    """The primaries, not yet connected, as the first seed that answers knows them. Raises WireError or OSError."""
    reason: Exception = WireError("no address")
    for seed in seeds:
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                words, places = await _ask_around(seed)
        except (WireError, OSError) as error:
            reason = error
        else:
            made = [(Primary(place, speaker, words, hear), place) for place in places]
            return Primaries(made, sharded=words is SHARDED)
    raise reason


async def _ask_around(seed: Address) -> tuple[Words, list[Place]]:
    """A server says by itself, in its greeting, whether it belongs to a cluster."""
    wire = await connect(seed, _ignore)
    try:
        if wire.greeting.get(b"mode") != b"cluster":
            return EVERYWHERE, [Place(seed, [range(SLOTS)])]
        answers = await wire.ask(packed("CLUSTER", "INFO") + packed("CLUSTER", "SLOTS"), 2)
        for refused in answers:
            if isinstance(refused, ReplyError):
                raise WireError(str(refused))
        state, slots = answers
        if b"cluster_state:ok" not in state:  # it may be the only one that thinks so, or that it owns what it says
            raise WireError("the cluster is down")
        return SHARDED, _places(seed, slots)
    finally:
        wire.end("no longer needed")


def _places(seed: Address, answer: list[Any]) -> list[Place]:
    """`[[first slot, last slot, [host, port, …], replicas …], …]`; an empty host is the one that was asked."""
    found = dict[tuple[str, int], Place]()
    for first, last, (host, port, *_), *_ in answer:
        name = host.decode() if host else seed.host
        place = found.setdefault((name, port), Place(structs.replace(seed, host=name, port=port, path=None), []))
        place.slots.append(range(first, last + 1))
    return list(found.values())


def _pulse_channel(owner: str, slots: list[range]) -> bytes:
    """A channel of this instance's own, among those that live on this server."""
    names = (f"{PREFIX}:pulse:{owner}:{number}".encode() for number in count())
    return next(name for name in names if any(slot(name) in part for part in slots))


def _ignore(push: Push) -> None:
    """Only a subscriber listens."""
