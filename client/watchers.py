"""Those who wait for something of a device: for whatever comes, or for a state. No I/O."""

import asyncio
from collections.abc import Callable
from typing import Self
from weakref import WeakSet

from msgspec import Struct

from client.errors import DeviceError
from protocol.events import Event
from protocol.timeline import Timeline


class InStep(Struct, frozen=True):
    """Connected, and what is shown is what the hub has."""


class Away(Struct, frozen=True):
    """The connection is lost; the next attempt is in so many seconds."""

    back_in: float
    code: int
    reason: str


Happening = Event | InStep | Away
Condition = Callable[[Timeline], bool]


class Happenings:
    """Iterate over it. Ends by raising why the device ended. Who keeps one should read it: it has no limit."""

    def __init__(self, end: DeviceError | None) -> None:
        self._waiting: asyncio.Queue[Happening | DeviceError] = asyncio.Queue()
        if end is not None:
            self.finish(end)

    def add(self, happening: Happening) -> None:
        self._waiting.put_nowait(happening)

    def finish(self, end: DeviceError) -> None:
        self._waiting.put_nowait(end)

    def heard(self) -> list[Happening]:
        """What has come already and was not read, without waiting."""
        heard = [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
        for end in [each for each in heard if isinstance(each, DeviceError)]:
            self.finish(end)
        return [each for each in heard if not isinstance(each, DeviceError)]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Happening:
        happening = await self._waiting.get()
        if isinstance(happening, DeviceError):
            self._waiting.put_nowait(happening)
            raise happening
        return happening


class Watchers:
    """All who wait, of one device."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._listeners: WeakSet[Happenings] = WeakSet()
        self._waiting: list[tuple[Condition, asyncio.Future[None]]] = []
        self._end: DeviceError | None = None

    def events(self) -> Happenings:
        listener = Happenings(self._end)
        self._listeners.add(listener)
        return listener

    async def until(self, condition: Condition) -> None:
        """Returns once the condition holds; it is looked at now and after each event."""
        self.raise_if_ended()
        if condition(self._timeline):
            return
        waiting = (condition, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting[1]
        finally:
            self._waiting.remove(waiting)

    def tell(self, happening: Happening) -> None:
        for listener in self._listeners:
            listener.add(happening)
        for condition, waiting in self._waiting:
            if not waiting.done():
                _look(condition, self._timeline, waiting)

    def finish(self, end: DeviceError) -> None:
        """From now on everything raises this; the first end counts."""
        if self._end is not None:
            return
        self._end = end
        for listener in self._listeners:
            listener.finish(end)
        for _, waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(end)

    def raise_if_ended(self) -> None:
        if self._end is not None:
            raise self._end


def _look(condition: Condition, timeline: Timeline, waiting: asyncio.Future[None]) -> None:
    try:
        if condition(timeline):
            waiting.set_result(None)
    except Exception as error:  # it is the caller's: they are told
        waiting.set_exception(error)
