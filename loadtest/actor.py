"""One device that does what a learner's device does, at a seeded pace, and writes everything down.

What it does depends on what it sees, so two runs of one seed do the same kinds of things, not the same things.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

from msgspec import Struct

from client.device import Device, connect
from client.errors import DeviceError
from client.errors import GaveUp as NotComingBack
from client.watchers import Happenings
from loadtest.acts import Act, Acts, Notebook
from loadtest.history import GaveUp, History, Shown, now
from loadtest.line import Line
from protocol import model

UNDER_WAY = 12
"""Acts of one device that wait for an answer at once."""
LOOKS_EVERY = 0.05


class Place(Struct, frozen=True):
    """Where a device works: the addresses of the hubs, the user's token, the folder of the histories; and how: the
    seconds between two acts, on average, and whether it deletes anything.
    """

    hubs: list[str]
    token: str
    folder: Path
    pause: float
    deletes: bool


class Learner:
    """A user: all the devices, and what they share."""

    def __init__(self, name: str) -> None:
        self.notebook = Notebook(name)
        self.actors: list[Actor] = []

    @property
    def name(self) -> str:
        return self.notebook.name

    def at_rest(self) -> bool:
        """Every device is in step at the same number, and no reply that one of them knows is open."""
        numbers = {actor.device.timeline.seq for actor in self.actors if actor.device is not None}
        return len(numbers) <= 1 and all(actor.at_rest() for actor in self.actors)


class Actor:
    """One of a learner's devices. `finishing`, once set, has it say nothing new and come to rest; `left` has it go."""

    def __init__(self, learner: Learner, name: str, place: Place, chance: Random) -> None:
        self.device: Device | None = None
        self.counts: Counter[str] = Counter()
        self.finishing = asyncio.Event()
        self.rested = asyncio.Event()
        self.left = asyncio.Event()
        self._learner = learner
        self._name = f"{learner.name}-{name}"
        self._place = place
        self._chance = chance
        self._gave_up = False

    async def live(self) -> None:
        """Until it is to leave, or is cancelled."""
        who = model.Device(id=self._name, name=self._name)
        with History(self._place.folder, self._learner.name, self._name) as history:
            line = Line(self._place.hubs, history, self._chance)
            async with connect(self._place.hubs[0], self._place.token, who, dial=line.dial) as device:
                self.device = device
                async with asyncio.TaskGroup() as group:
                    listening = group.create_task(self._listen(device.events(), history))
                    acting = group.create_task(self._act_on(self._acts(device, line, history)))
                    await self.finishing.wait()
                    line.hurry.set()
                    await self._come_to_rest()
                    self.rested.set()
                    await self.left.wait()
                    history.write(_shown(device))
                    listening.cancel()
                    acting.cancel()
                self.device = None

    def at_rest(self) -> bool:
        """In step, everything answered, every page there, and no reply open, as far as this device knows."""
        device = self.device
        if device is None or self._gave_up:
            return True
        if not device.is_in_step or self.counts["under way"] or device.outbox.unsettled():
            return False
        timeline = device.timeline
        open_replies = any(row.status == "pending" for row in timeline.messages.values())
        return not open_replies and None not in timeline.opened.values()

    async def _come_to_rest(self) -> None:
        """Until the learner's devices are at rest together, or this one is to leave."""
        while not self._learner.at_rest() and not self.left.is_set():
            await asyncio.sleep(LOOKS_EVERY)

    async def _listen(self, happenings: Happenings, history: History) -> None:
        try:
            async for _happening in happenings:
                self.counts["events"] += 1
        except NotComingBack as error:
            history.write(GaveUp(at=now(), code=error.code, reason=error.reason))
            self._gave_up = True

    def _acts(self, device: Device, line: Line, history: History) -> Acts:
        return Acts(
            device,
            line=line,
            history=history,
            notebook=self._learner.notebook,
            chance=self._chance,
            counts=self.counts,
            finishing=self.finishing,
            deletes=self._place.deletes,
        )

    async def _act_on(self, acts: Acts) -> None:
        """One act after the other; each is waited for by a task of its own, so that a slow one holds up nothing."""
        async with asyncio.TaskGroup() as group:
            while not self.finishing.is_set():
                if self.counts["under way"] < UNDER_WAY and self.device is not None and self.device.is_in_step:
                    group.create_task(self._do(acts.any()))
                await asyncio.sleep(self._chance.uniform(0, 2 * self._place.pause))

    async def _do(self, act: Act) -> None:
        """An act may be refused, as when another device was quicker: that is written down like everything."""
        self.counts["under way"] += 1
        try:
            with suppress(DeviceError):
                await act()
        finally:
            self.counts["under way"] -= 1


def _shown(device: Device) -> Shown:
    timeline = device.timeline
    return Shown(
        at=now(),
        in_step=device.is_in_step,
        epoch=timeline.epoch,
        seq=timeline.seq,
        sessions=timeline.shown_sessions(),
        opened={session: timeline.shown_messages(session) for session in timeline.opened},
    )
