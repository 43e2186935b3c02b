"""A learner: the devices, what is said on the first of them, and in the end what is there of it."""

import asyncio
from random import Random
from time import monotonic

from msgspec import Struct

from loadtest.run.book import Asked, Book, Tally
from loadtest.run.device import Device
from loadtest.run.rhythm import comes_at, is_of_part, speaks_at
from loadtest.run.scenario import Scenario, Slow, Stage
from loadtest.run.speech import Speech
from loadtest.run.wire import Address
from protocol.ids import fresh_message_id, fresh_session_id

LOOKS_EVERY = 0.05


class Place(Struct, frozen=True):
    """Where learners work: `begins_at` is the beginning, by the monotonic clock; `knows_tutor`: it is ours;
    `rests_within`: seconds after the last stage until every message should be answered on every device.
    """

    scenario: Scenario
    where: list[Address]
    begins_at: float
    speech: Speech
    knows_tutor: bool
    rests_within: float


class Learner:
    """Number so-and-so of all; `name` is who they are for the hub."""

    def __init__(self, number: int, name: str, token: str, place: Place, tally: Tally) -> None:
        self.number = number
        self.devices: list[Device] = []
        self._place = place
        self._tally = tally
        self._token = token
        self._book = Book(name, tally, place.speech.body if place.knows_tutor else None)
        self._session = fresh_session_id()
        self._chance = Random(f"{place.scenario.seed} {number}")
        self._group: asyncio.TaskGroup
        self._talking: asyncio.Task[None] | None = None

    def live(self, group: asyncio.TaskGroup) -> None:
        """Come when it is time, on all devices, and talk until `hush`."""
        at = comes_at(self._place.scenario, self.number)
        if at is None:
            return
        self._group = group
        many = self._place.scenario.crowd.devices
        for each in range(many):
            self._take_up(comes_at=self._place.begins_at + at, narrow=each == many - 1 and self._comes_to_read_slowly())
        group.create_task(self._open_all())
        self._talking = group.create_task(self._talk(at))

    async def join(self, within: float) -> None:
        """One more device, in the middle of a reply, if there is one in time."""
        until = monotonic() + within
        while not any(shown.text for device in self.devices for shown in device.reading.shown.values()):
            if monotonic() > until:
                return
            await asyncio.sleep(LOOKS_EVERY)
        self._take_up(comes_at=monotonic(), joins=True)

    def hush(self) -> None:
        """Say nothing more."""
        if self._talking is not None:
            self._talking.cancel()

    @property
    def is_at_rest(self) -> bool:
        """Every message was answered, on every device."""
        book = self._book
        sent = [asked for asked in book.asked.values() if not asked.failed]
        return all(asked.sent is not None for asked in sent) and all(
            device.is_in_step and device.reading.settled.issuperset(asked.sent.reply for asked in sent if asked.sent)
            for device in self.devices
        )

    async def check(self) -> None:
        """What the hub has, and what the devices have come to. What has not ended yet is not lost."""
        counts = self._tally.counts
        there = [device for device in self.devices if device.is_in_step]
        counts["not there in the end"] += len(self.devices) - len(there)
        rows = await there[0].pages() if there and self._book.has_session.is_set() else None
        if rows is None:
            counts["not looked at in the end"] += 1
            return
        self._book.kept(self._session, rows)
        pending = {row.id for row in rows if row.status == "pending"}
        counts["not ended in the end"] += len(pending)
        counts["not answered in the end"] += sum(not asked.sent for asked in self._book.asked.values())
        for device in there:
            device.reading.end(pending)

    def _take_up(self, *, comes_at: float, joins: bool = False, narrow: bool = False) -> None:
        device = Device(
            f"device-{len(self.devices) + 1}",
            self._token,
            self._place.where,
            self._book,
            session=self._session,
            creates=not self.devices,
            comes_at=comes_at,
            joins=joins,
            narrow=narrow,
        )
        self.devices.append(device)
        self._group.create_task(self._stay(device))

    async def _stay(self, device: Device) -> None:
        ended = await device.link.stay()
        self._tally.counts["turned away"] += 1
        self._tally.findings.append(f"{self._book.user} was turned away for good: {ended.code} {ended.reason}")

    async def _open_all(self) -> None:
        await self._book.has_session.wait()
        for device in self.devices:
            device.open()

    async def _talk(self, since: float) -> None:
        place = self._place
        for number, at in enumerate(speaks_at(place.scenario, since, self._chance), start=1):
            await asyncio.sleep(place.begins_at + at - monotonic())
            content = place.speech.question(self._chance, f"{self.number + 1}.{number}")
            device = self.devices[0]
            self._tally.counts["said"] += 1
            device.send(Asked(fresh_message_id(), content, device.name, place.begins_at + at))

    def _comes_to_read_slowly(self) -> bool:
        return any(self.is_of(stage) for stage in self._place.scenario.stages if isinstance(stage, Slow))

    def is_of(self, stage: Stage) -> bool:
        """Whether it is about this learner."""
        return is_of_part(getattr(stage, "part", 1.0), self.number)
