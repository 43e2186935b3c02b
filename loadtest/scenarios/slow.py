"""One socket in fifty reads 1 KB/s: what it costs the hub, what the others feel, and whether it comes to the end."""

import asyncio
from contextlib import suppress
from random import Random

from loadtest.crowd import Frame, Listener, ignore
from loadtest.measured import Figure, percentile
from loadtest.scenarios.scenario import Say
from loadtest.world import World
from protocol.commands import MessageSend, SessionCreate, SessionOpen, TypingSet
from protocol.ids import fresh_message_id, fresh_session_id

DEVICES_EACH = 10
ONE_IN = 50
SLOW_RATE = 1_024
"""Bytes per second."""
ROUNDS = 3
LASTS = 30.0
"""Seconds of a round in which some are slow; for as long nobody is, half before and half after."""
CATCHES_UP = 5.0
"""Seconds after that which are not counted: the slow ones are quick again, and read what they have missed."""
SHORT, LONG = "How do I make the broth clear?", "怎样把汤煮清?" * 1_000
"""30 bytes are what people say; 21 KB are said where somebody is slow, so that more is told than is read."""
SAYS_EVERY = {SHORT: 10.0, LONG: 3.0}
"""Seconds between two messages of a user, on average."""
TYPES_EVERY = 1.0
"""Seconds between two signs that a user types, on average: what the other devices hear of that is timed."""
JOINED_WITHIN = 60.0
SETTLES = 0.2
"""Seconds until a session that is made can be opened elsewhere."""
ENDS_WITHIN = 60.0
RESTS = 5.0
"""Seconds after the last message until the last reply has ended."""
LOOKS_EVERY = 0.5
COSTS = 256 * 1_024
"""Bytes that may wait for one socket."""
FELT = 1.1
"""By so much the others' p99 may be longer while some are slow."""


class Conversation:
    """A user's devices; the first of them speaks and types. `told` is given how long it took until each of the others
    that are quick heard that it types.
    """

    def __init__(self, it: World, number: int, told: list[float], *, slow: bool) -> None:
        port = it.instances[number % len(it.instances)].door.target.port
        user, last = f"learner-{number}", DEVICES_EACH - 1
        self.devices = [
            Listener(
                port,
                it.secret,
                user,
                f"device-{number}-{each}",
                hear=ignore if slow and each == last else self._hear,
                narrow=slow and each == last,
            )
            for each in range(DEVICES_EACH)
        ]
        self.session = fresh_session_id()
        self._content = LONG if slow else SHORT
        self._told = told
        self._typed_at = 0.0
        self._chance = Random(user)

    @property
    def is_even(self) -> bool:
        """Each device has come to the same number."""
        return len({each.seq for each in self.devices}) == 1

    async def open(self) -> None:
        """The session is made, and opened on every device."""
        await self.devices[0].say(SessionCreate(ref=2, session=self.session))
        await asyncio.sleep(SETTLES)
        for each in self.devices:
            await each.say(SessionOpen(ref=3, session=self.session))

    async def talk(self) -> None:
        """For ever."""
        ref = 10
        while True:
            await asyncio.sleep(self._chance.uniform(0, 2 * SAYS_EVERY[self._content]))
            ref += 1
            await self.devices[0].say(
                MessageSend(ref=ref, session=self.session, message=fresh_message_id(), content=self._content)
            )

    async def type(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * TYPES_EVERY)
            self._typed_at = asyncio.get_running_loop().time()
            await self.devices[0].say(TypingSet(ref=4, session=self.session, active=True))

    def _hear(self, frame: Frame) -> None:
        if frame.type == "typing.changed" and frame.who != "tutor":
            self._told.append(asyncio.get_running_loop().time() - self._typed_at)


async def slow_readers(it: World, sockets: int, say: Say) -> list[Figure]:
    """Nobody is slow, some are, nobody is, some are …: the others are compared with themselves."""
    slow_ones = max(1, sockets // ONE_IN)
    told: list[float] = []
    talks = [Conversation(it, number, told, slow=number < slow_ones) for number in range(sockets // DEVICES_EACH)]
    quick, meanwhile, waits, behind = list[float](), list[float](), list[int](), list[int]()
    async with asyncio.TaskGroup() as group:
        staying = [group.create_task(each.stay()) for talk in talks for each in talk.devices]
        await _all_join(talks)
        talking = [group.create_task(does) for talk in talks for does in (talk.talk(), talk.type())]
        await asyncio.sleep(CATCHES_UP)
        for number in range(ROUNDS):
            quick += (await _a_while(it, told, LASTS / 2))[0]
            _read_at(talks[:slow_ones], SLOW_RATE)
            felt, most = await _a_while(it, told, LASTS)
            meanwhile += felt
            waits.append(most)
            behind.append(max(talk.devices[0].seq - talk.devices[-1].seq for talk in talks[:slow_ones]))
            _read_at(talks[:slow_ones], 0)
            await asyncio.sleep(CATCHES_UP)
            quick += (await _a_while(it, told, LASTS / 2))[0]
            say(f"round {number + 1}: {len(felt):,} times told, the slowest was {behind[-1]} numbers behind")
        for each in talking:
            each.cancel()
        left = await _uneven(talks)
        for each in staying:
            each.cancel()
    usual = percentile(quick, 0.99)
    return [
        Figure("the slowest was behind by", max(behind), "numbers"),
        Figure("waits for one socket, at most", max(waits), "bytes", COSTS),
        Figure("told on the others, p99, nobody slow", round(usual, 4)),
        Figure("the same while some are slow", round(percentile(meanwhile, 0.99) / usual, 3), "×", FELT),
        Figure("devices that did not come to the end", left, "devices", 0),
    ]


async def _all_join(talks: list[Conversation]) -> None:
    async with asyncio.timeout(JOINED_WITHIN):
        for talk in talks:
            for each in talk.devices:
                await each.in_step.wait()
    for talk in talks:
        await talk.open()


def _read_at(talks: list[Conversation], rate: int) -> None:
    for talk in talks:
        talk.devices[-1].rate = rate


async def _a_while(it: World, told: list[float], seconds: float) -> tuple[list[float], int]:
    """How long what was told took, and the most bytes that were seen to wait for one socket."""
    told.clear()
    most = 0
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(LOOKS_EVERY)
        most = max([most, *[(await each.counts()).waiting_bytes for each in it.instances]])
    return list(told), most


async def _uneven(talks: list[Conversation]) -> int:
    """Once nobody speaks: conversations whose devices do not come to the same number in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ENDS_WITHIN):
            await asyncio.sleep(RESTS)
            while not all(talk.is_even for talk in talks):
                await asyncio.sleep(LOOKS_EVERY)
    return sum(not talk.is_even for talk in talks)
