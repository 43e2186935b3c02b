"""Instances as far as a broker knows them: ears that keep what they hear, and can be waited for."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from protocol.events import SessionChanged, TokenAdded
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Session
from server.fanout.broker_redis import RedisBroker
from server.fanout.frames import Frame, frame
from server.fanout.redis_seal import RedisSeal
from server.store.deployments import Deployment
from tests.rows import session_row

ADA, BOB = UserId("ada"), UserId("bob")
ORIGIN = "7:00000001"
DEPLOYMENT = Deployment(UUID(int=3), b"secret" * 6)
SEAL = RedisSeal(DEPLOYMENT)
"""Of another instance of the deployment."""
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SESSION = SessionId(UUID(int=1))
REPLY = MessageId(UUID(int=2))


class Heard:
    """Ears. `calls` is everything in order: frames as `(user, origin or session, bytes)`, the rest as `(what, …)`."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._news = asyncio.Event()

    @property
    def frames(self) -> list[tuple[object, ...]]:
        return [call for call in self.calls if call[0] not in ("stop", "wake", "well", "unwell")]

    @property
    def health(self) -> list[object]:
        return [call[0] for call in self.calls if call[0] in ("well", "unwell")]

    def hear(self, user: UserId, origin: str, told: Frame) -> None:
        self._add(user, origin, told.data)

    def hear_live(self, user: UserId, session: SessionId, told: Frame) -> None:
        self._add(user, session, told.data)

    def hear_stop(self, user: UserId, message: MessageId) -> None:
        self._add("stop", user, message)

    def hear_wake(self, user: UserId, session: SessionId) -> None:
        self._add("wake", user, session)

    def hearing(self, *, well: bool) -> None:
        self._add("well" if well else "unwell")

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait for what shows in the ears."""
        while not happened():
            self._news.clear()
            await self._news.wait()

    async def until_heard(self, *call: object) -> None:
        await self.until(lambda: call in self.calls)

    def _add(self, *call: object) -> None:
        self.calls.append(call)
        self._news.set()


class Instance:
    """A broker that runs, and its ears."""

    def __init__(self, url: str, owner: str) -> None:
        self.broker = RedisBroker(url, owner, DEPLOYMENT)
        self.ears = Heard()

    async def until_well(self, times: int = 1) -> None:
        """Until it was said so many times."""
        await self.ears.until(lambda: self.ears.health.count("well") >= times)


@asynccontextmanager
async def instance(url: str, owner: str = "a", *, well: bool = True) -> AsyncGenerator[Instance]:
    """Runs while the block does; `well`: begins once it is connected."""
    made = Instance(url, owner)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(made.broker.run(made.ears))
        try:
            if well:
                await made.until_well()
            yield made
        finally:
            running.cancel()


@asynccontextmanager
async def pair(url: str, other_url: str | None = None) -> AsyncGenerator[tuple[Instance, Instance]]:
    """Two instances; the second listens to Ada."""
    async with instance(url, "a") as teller, instance(other_url or url, "b") as listener:
        await listener.broker.listen(ADA)
        yield teller, listener


def changed(seq: int = 1, user: UserId = ADA) -> Frame:
    return frame(SessionChanged(seq=seq, sessions=[session_of(user, seq)]))


def session_of(user: UserId, seq: int = 1) -> Session:
    return session_row(SESSION, user, seq, mode="learn")


def token(chunk: int, text: str, attempt: int = 1) -> Frame:
    return frame(TokenAdded(message=REPLY, attempt=attempt, chunk=chunk, next=chunk + 1, text=text))
