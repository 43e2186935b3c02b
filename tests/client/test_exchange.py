"""What a device says again by itself, when it was told to come later."""

import asyncio
import itertools
from types import SimpleNamespace

import pytest

from client import exchange
from client.exchange import Exchange
from client.outbox import Outbox
from protocol.commands import Command, Device, SessionOpen
from protocol.errors import Reason
from protocol.events import Refused, Snapshot
from protocol.ids import fresh_session_id
from protocol.timeline import Timeline


def busy(ref: int) -> Refused:
    return Refused(
        ref=ref,
        problem="about:blank",
        title="Busy",
        status=503,
        detail="busy",
        code=Reason.UNAVAILABLE,
        retryable=True,
        retry_after_ms=40,
    )


async def test_what_falls_due_while_the_device_looks_for_it_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(1_000, 0.03)  # seconds that pass between two looks at it: another task holds it up
    monkeypatch.setattr(exchange, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    said: asyncio.Queue[Command] = asyncio.Queue()
    device = Exchange(Device(id="d", name="phone"), Timeline(), Outbox())
    device.speak = said.put_nowait
    device.hear(Snapshot(epoch="e", seq=0, sessions=[], cursor=None))
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        opening = SessionOpen(ref=device.outbox.fresh_ref(), session=fresh_session_id())
        asked = tasks.create_task(device.ask(opening))
        device.hear(busy((await said.get()).ref))
        assert isinstance(await said.get(), SessionOpen)
        asked.cancel()
