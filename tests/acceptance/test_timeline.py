"""P3: whatever is done, through whatever drops: at the head, a device shows what a fresh fetch shows.

Long because the steps, what they say and how it comes to rest are one game.
"""

import asyncio
import threading
from collections.abc import Generator
from contextlib import suppress
from typing import Any, get_args
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from protocol import commands as say
from protocol.answers import MessagePage, SessionPage
from protocol.events import Durable
from protocol.ids import MessageId, SessionId
from protocol.model import Message, Session
from protocol.timeline import Timeline
from tests.device import Device
from tests.hub import Hub, running
from tests.provider import provider

SPACE = UUID("6f1d0b52-5f7f-4b1c-9f0e-6d9f0c1f2a3b")
DEVICES, SESSIONS, MESSAGES, LENGTH = 2, 3, 4, 30

Step = tuple[Any, ...]
which_device = st.integers(0, DEVICES - 1)
which_session = st.integers(0, SESSIONS - 1)
which_message = st.integers(0, MESSAGES - 1)
text = st.sampled_from(["alpha", "beta gamma", "δέλτα", "数学", "x" * 300])


def step(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(name), which_device, *arguments)


changes = st.one_of(
    step("create", which_session, st.sampled_from([None, "Algebra"])),
    step("send", which_session, which_message, text),
    step("edit", which_message, text),
    step("delete_message", which_message),
    step("delete_reply", which_message),
    step("stop", which_message),
    step("retry", which_message),
    step("rename", which_session, text),
    step("mode", which_session, st.sampled_from(["fun", "learn"])),
    step("delete", which_session),
    step("restore", which_session),
    step("read", which_session),
)
steps = st.lists(
    st.one_of(
        changes,
        step("open", which_session),
        step("close", which_session),
        step("type", which_session),
        step("older_messages", which_session),
        step("drop"),
        step("resume"),
        step("pause"),
        step("away", st.lists(changes, min_size=1, max_size=3)),
    ),
    max_size=LENGTH,
)


class Play:
    """One learner's devices, doing what the steps say without waiting for answers."""

    def __init__(self, hub: Hub, devices: list[Device], example: UUID) -> None:
        self.hub = hub
        self.devices = devices
        self.example = example
        self.replies: dict[MessageId, MessageId] = {}

    def session(self, number: int) -> SessionId:
        return SessionId(uuid5(self.example, f"session {number}"))

    def message(self, number: int) -> MessageId:
        return MessageId(uuid5(self.example, f"message {number}"))

    def reply(self, number: int) -> MessageId:
        """A reply to a message, if a device has heard of one; else nobody's."""
        for device in self.devices:
            for row in device.timeline.messages.values():
                if row.reply_to == self.message(number) and row.deleted_at is None:
                    return row.id
        return MessageId(uuid4())

    async def do(self, name: str, device: Device, *arguments: Any) -> None:
        if name == "drop":
            await device.drop()
        elif name == "away":
            await self._be_away(device, arguments[0])
        elif device.closed is not None or device.welcome is None:
            if name == "resume":
                await device.connect()
        else:
            with suppress(ConnectionClosed):
                await self._say(name, device, *arguments)

    async def _be_away(self, device: Device, meanwhile: list[Step]) -> None:
        """The device hears nothing of what another does, and then resumes."""
        await device.drop()
        other = self.devices[1 - self.devices.index(device)]
        for name, _, *arguments in meanwhile:
            await self.do(name, other, *arguments)
        if other.closed is None:
            await other.ask(say.SessionList, SessionPage)  # everything said before it is done
        await device.connect()

    async def _say(self, name: str, device: Device, *arguments: Any) -> None:
        ref = device._next()
        match (name, *arguments):
            case ("create", number, title):
                await device.say(say.SessionCreate(ref=ref, session=self.session(number), title=title))
            case ("open", number):
                await device.say(say.SessionOpen(ref=ref, session=self.session(number), limit=2))
            case ("close", number):
                device.timeline.close(self.session(number))
                await device.say(say.SessionClose(ref=ref, session=self.session(number)))
            case ("send", number, message, content):
                await device.say(
                    say.MessageSend(
                        ref=ref, session=self.session(number), message=self.message(message), content=content
                    )
                )
            case ("edit", message, content):
                await device.say(say.MessageEdit(ref=ref, message=self.message(message), content=content))
            case ("delete_message", message):
                await device.say(say.MessageDelete(ref=ref, message=self.message(message)))
            case ("delete_reply", message):
                await device.say(say.MessageDelete(ref=ref, message=self.reply(message)))
            case ("stop", message):
                await device.say(say.ReplyStop(ref=ref, message=self.reply(message)))
            case ("retry", message):
                await device.say(say.ReplyRetry(ref=ref, message=self.reply(message)))
            case _:
                await self._say_about_session(name, device, *arguments)

    async def _say_about_session(self, name: str, device: Device, *arguments: Any) -> None:
        ref = device._next()
        match (name, *arguments):
            case ("rename", number, title):
                await device.say(say.SessionUpdate(ref=ref, session=self.session(number), title=title))
            case ("mode", number, mode):
                await device.say(say.SessionUpdate(ref=ref, session=self.session(number), mode=mode))
            case ("delete", number):
                await device.say(say.SessionDelete(ref=ref, session=self.session(number)))
            case ("restore", number):
                await device.say(say.SessionRestore(ref=ref, session=self.session(number)))
            case ("read", number):
                await device.say(say.ReadMark(ref=ref, session=self.session(number), seq=device.timeline.seq))
            case ("type", number):
                await device.say(say.TypingSet(ref=ref, session=self.session(number), active=True))
            case ("older_messages", number):
                await self._older_messages(device, self.session(number))
            case _:  # pause, or resume of what is connected
                await asyncio.sleep(0.002)

    async def _older_messages(self, device: Device, session: SessionId) -> None:
        """The page before the oldest held, as a reader who scrolls up would ask for it."""
        begins = device.timeline.opened.get(session)
        if begins is not None and begins > 1:
            page = await device.open(session, limit=1)
            if page.before is not None and page.messages[0].position >= begins:
                await device.open(session, limit=1, before=page.before)

    async def come_to_rest(self) -> None:
        """Everybody connected, nothing pending, everybody at the head."""
        for device in self.devices:
            if device.closed is not None:
                await device.connect()
        for device in self.devices:
            await device.ask(say.SessionList, SessionPage)  # everything said before it is done
        assert self.hub.door is not None
        while self.hub.door.inside > len(self.devices):
            await asyncio.sleep(0.005)  # what was said on a socket that broke is still carried out
        async with Device(self.hub, self.devices[0].user, "observer") as observer:
            await observer.connect()
            for number in range(SESSIONS):
                if (session := self.session(number)) in observer.timeline.sessions:
                    await observer.open(session, limit=100)
            await observer.until(lambda: all(row.status != "pending" for row in observer.timeline.messages.values()))
            await observer.ask(say.SessionList, SessionPage)
            head = max(*(device.timeline.seq for device in self.devices), observer.timeline.seq)
            for device in self.devices:
                await device.until(lambda device=device: device.timeline.seq >= head)
            if any(row.status == "pending" for row in observer.timeline.messages.values()):
                return await self.come_to_rest()
        return None

    async def fetched(self, timeline: Timeline) -> Timeline:
        """A fresh fetch of the same windows."""
        async with Device(self.hub, self.devices[0].user, "fresh") as fresh:
            await fresh.connect()
            for session, begins in timeline.opened.items():
                page = await fresh.open(session, limit=1)
                while page.before is not None and (begins is None or page.messages[0].position > begins):
                    page = await fresh.ask(say.SessionOpen, MessagePage, session=session, before=page.before, limit=1)
            fresh.timeline.opened = dict(timeline.opened)  # a page may reach below, where a row at the edge was deleted
            return fresh.timeline


BEGINNING: list[Step] = [
    ("create", 0, 0, None),
    *[("pause", 0)] * 5,
    ("open", 0, 0),
    ("open", 1, 0),
    ("send", 0, 0, 0, "alpha"),
    ("send", 1, 0, 1, "beta gamma"),
    ("pause", 0),
]


def shown(timeline: Timeline) -> tuple[list[Session], dict[SessionId, list[Message]]]:
    return timeline.shown_sessions(), {session: timeline.shown_messages(session) for session in timeline.opened}


async def play(hub: Hub, script: list[Step]) -> set[str]:
    """Do the steps, come to rest, compare. Returns the types of the durable events that were told."""
    user = f"user-{uuid4().hex}"
    async with Device(hub, user, "phone") as phone, Device(hub, user, "laptop") as laptop:
        devices = [phone, laptop]
        for device in devices:
            await device.connect()
        playing = Play(hub, devices, uuid4())
        for name, number, *arguments in script:
            await playing.do(name, devices[number], *arguments)  # pyright: ignore[reportUnknownArgumentType]  # a step is what hypothesis made
        await playing.come_to_rest()
        for device in devices:
            await device.until(lambda device=device: None not in _known(device))
            device.timeline.opened = {
                session: begins for session, begins in device.timeline.opened.items() if begins is not None
            }
            fresh = await playing.fetched(device.timeline)
            assert device.timeline.seq == fresh.seq
            assert shown(device.timeline) == shown(fresh), script
            assert device.gaps == 0, "the hub tells a device of every number in order"
        _numbers_have_no_gap(devices)
        return {type(event).__name__ for device in devices for event in device.events if isinstance(event, Durable)}


def _known(device: Device) -> list[int | None]:
    return [begins for session, begins in device.timeline.opened.items() if session in device.timeline.sessions]


def _numbers_have_no_gap(devices: list[Device]) -> None:
    told = {event.seq: event for device in devices for event in device.events if isinstance(event, Durable)}
    for number, event in told.items():
        rows = [*event.sessions, *event.messages]
        assert rows, f"number {number} has changed nothing"
        assert all(row.seq == number for row in rows), f"each row of {number} carries it"


@pytest.fixture(scope="module")
def hub_of_module(cluster: str, migrated: str) -> Generator[Hub]:
    """A hub in a thread of its own, for many examples; each has its own user."""
    from tests.conftest import _database

    with _database(cluster, template=migrated) as url:
        started: list[Hub] = []
        ready, done = threading.Event(), threading.Event()

        async def serve() -> None:
            async with (
                provider(lambda _: ["One ", "two ", "three."]) as tutor,
                running(url, tutor.base_url, turns={"merge": 0.0}, lasts=3_600) as hub,
            ):
                started.append(hub)
                ready.set()
                await asyncio.to_thread(done.wait)

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        assert ready.wait(20)
        yield started[0]
        done.set()
        thread.join(20)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(script=steps)
def test_a_device_at_the_head_shows_what_a_fresh_fetch_shows(hub_of_module: Hub, script: list[Step]) -> None:
    asyncio.run(play(hub_of_module, BEGINNING + script))


def test_every_kind_of_durable_event_is_among_what_is_played(hub_of_module: Hub) -> None:
    everything: list[Step] = [
        *BEGINNING,
        ("rename", 1, 0, "Algebra"),
        ("drop", 0),
        ("delete_message", 1, 0),
        ("resume", 0),
        ("edit", 0, 1, "gamma"),
        ("read", 0, 0),
        ("delete", 1, 0),
        ("restore", 0, 0),
    ]
    paced = [each for one in everything for each in (one, *[("pause", 0)] * 40)]
    told = asyncio.run(play(hub_of_module, paced))
    assert told == {kind.__name__ for kind in get_args(Durable)}
