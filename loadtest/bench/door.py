"""The hub as a benchmark starts it: `python -m loadtest.bench '{"scenario": "S1", "port": 8001, "sessions": 500}'`.

All of it: tokens, sessions in a durable PostgreSQL, devices that join and open them, turns of a tutor who is only a
clock. It prints `{"told": FILE}` once it listens, where FILE is the contract for a load client, and then obeys what it
reads: `start RATE`, `stop`. Of several instances with one Redis, the one with the lowest port writes the replies.
"""

import asyncio
import json
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import uvloop

from loadtest.bench.clock import every, stamp, ticks
from loadtest.bench.contract import LONG, Order, contract, message
from loadtest.bench.meeting import database, meet
from loadtest.bench.voices import Echo, Voices
from protocol.ids import SessionId, UserId
from server import messages, sessions
from server.cli import run
from server.edge.serve import bind
from server.errors import Unavailable
from server.instance import Instance
from server.logs import log_to_stderr
from server.settings import LimitSettings, Settings, TurnSettings
from server.store.sends import Draft

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

SECRET = "for-benchmarks-on-this-machine-only"  # noqa: S105  # it lets nobody in anywhere else
INSTANCES = 2
"""Where there is a Redis."""
TALKING = {"S1", "S2", "S4"}
AT_ONCE = 8
SAID_AGAIN = 0.5
EVER = 86_400.0
MANY = 1_000_000
REPLY_BYTES = 131_072

UNLIMITED = LimitSettings(
    commands="none",
    sends="none",
    tokens="none",
    misses="none",
    uploads="none",
    sign_ins="none",
    running=1_000,
    connections=MANY,
    connections_per_address=MANY,
    unauthenticated_per_address=MANY,
)


def serve(order: Order, merge: float) -> None:
    """Until we are told to leave. `merge`: seconds over which tokens are gathered."""
    log_to_stderr("error")  # it furnishes more at once than its database takes, and is told so
    with ExitStack() as stack:
        uvloop.run(_Door(order, merge).open(stack))


class _Orders(asyncio.StreamReaderProtocol):
    """What whoever measures says. When they are gone, so are we."""

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        signal.raise_signal(signal.SIGTERM)


class _Door:
    def __init__(self, order: Order, merge: float) -> None:
        self._order = order
        self._merge = merge
        self._voices = Voices()
        self._speaks = False
        self._asked = 0

    async def open(self, stack: ExitStack) -> None:
        order = self._order
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        if order.redis is None:
            conninfo, writes = database(stack), True
        else:
            conninfo, writes = await meet(stack, order.redis, order.port, INSTANCES)
        tutor = Echo(order.pad) if order.scenario == LONG else self._voices
        begun = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            obeying = group.create_task(self._obey(begun, folder / "told.json", writes=writes))
            with bind("127.0.0.1", order.port) as listener:
                await run(self._settings(folder), conninfo, listener, begun.set_result, tutor)
            obeying.cancel()

    def _settings(self, folder: Path) -> Settings:
        redis = self._order.redis
        turns = TurnSettings(
            first_token=EVER,
            silence=EVER,
            whole=EVER,
            reply_bytes=REPLY_BYTES,
            due_every=EVER,
            merge=self._merge,
            running=MANY,
        )
        return Settings(
            data_dir=folder,
            port=self._order.port,
            redis_url=None if redis is None else f"redis://127.0.0.1:{redis}/0",
            drain=0.0,
            jwt_secret=SECRET,
            turns=turns,
            limits=UNLIMITED,
        )

    async def _obey(self, begun: "asyncio.Future[Instance]", told: Path, *, writes: bool) -> None:
        orders = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: _Orders(orders), sys.stdin)
        instance = await begun
        if writes:
            await self._furnish(instance)
        await asyncio.to_thread(told.write_text, json.dumps(contract(self._order, SECRET)))
        _say(told=str(told))
        async with asyncio.TaskGroup() as group:
            speaking: asyncio.Task[int] | None = None
            while words := (await orders.readline()).split():
                self._speaks = words[0] == b"start"
                if self._speaks:
                    speaking = group.create_task(self._speak(instance, float(words[1])))
                elif speaking is not None:
                    _say(emitted=await speaking)

    # What is there before anybody comes.

    async def _furnish(self, instance: Instance) -> None:
        at_once = asyncio.Semaphore(AT_ONCE)

        async def begin(user: UserId, session: SessionId) -> None:
            """Said again until it is done, as any client would: the machine may be busy."""
            while True:
                async with at_once:
                    try:
                        return await self._begin(instance, user, session)
                    except Unavailable:
                        await asyncio.sleep(SAID_AGAIN)

        async with asyncio.TaskGroup() as group:
            for user, session in self._order.places:
                group.create_task(begin(user, session))
        while self._order.scenario in TALKING and self._voices.count < len(self._order.places):
            await asyncio.sleep(0.01)

    async def _begin(self, instance: Instance, user: UserId, session: SessionId) -> None:
        await sessions.create(instance, user, session, title="Bench", mode="learn", language="en")
        if self._order.scenario in TALKING:
            await messages.send(instance, user, Draft(session, message(session, 0), "Go on for ever.", None))

    # What is said while it is measured.

    async def _speak(self, instance: Instance, rate: float) -> int:
        if self._order.scenario == LONG:
            return await self._ask(instance, rate)
        return await self._voices.speak(rate, lambda: self._speaks)

    async def _ask(self, instance: Instance, rate: float) -> int:
        """A learner asks, in one session after the other, and is answered by one long token each time."""
        places, asked = self._order.places, 0
        async with asyncio.TaskGroup() as group:
            async for tick, due in ticks(lambda: self._speaks):
                if tick % every(rate) == 0:
                    user, session = places[asked % len(places)]
                    said = Draft(session, message(session, asked), stamp(due), None)
                    group.create_task(messages.send(instance, user, said))
                    asked += 1
        return asked


def _say(**values: object) -> None:
    print(json.dumps(values), flush=True)
