"""The owner of tasks that live as long as the instance. A failure of one is logged and ends nobody else."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import structlog

from server.errors import Unavailable

log = structlog.get_logger()

T = TypeVar("T")

LEFT_OVER_WITHIN = 0.5
"""Seconds for what is left at the end of a process; mostly that is nothing."""
ANSWERED_WITHIN = 2.0
"""Seconds in which the database answers, or is as good as away."""
CANCEL_AGAIN = 0.05
"""Seconds."""


class Tasks:
    """A task group for `async with`, whose children fail alone. Leaving it cancels those that still run."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._beginning: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            while self._beginning:  # noqa: ASYNC110  # what is cancelled before it began has work that nobody awaits
                await asyncio.sleep(0)
        finally:
            for task in self._running:
                task.cancel()
            await self._group.__aexit__(kind, error, trace)

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run it until it ends, or until the group is left."""
        task = self._group.create_task(self._contained(work, name), name=name)
        self._running.add(task)
        self._beginning.add(task)
        task.add_done_callback(self._ended)

    async def within(self, seconds: float, work: Coroutine[Any, Any, T], name: str) -> T:
        """The result of work that goes on to its end, whoever stops waiting for it. Raises TimeoutError past the limit.

        This is how anything is limited that talks to the database: to cancel a query there takes ten seconds more.
        """
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.start(_resolved(work, result), name)
        try:
            done, _ = await asyncio.wait([result], timeout=seconds)
        except asyncio.CancelledError:
            result.add_done_callback(_forgotten)
            raise
        if not done:
            result.add_done_callback(_forgotten)
            raise TimeoutError
        return result.result()

    async def soon(self, work: Coroutine[Any, Any, T], name: str, *, within: float = ANSWERED_WITHIN) -> T:
        """As `within`, for what the database is asked: past the limit it is as good as away. Raises Unavailable."""
        try:
            return await self.within(within, work, name)
        except TimeoutError:
            raise Unavailable(retry_after_ms=1_000) from None

    async def _contained(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._beginning.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            await work
        except Exception:  # whatever it is, it must not end its siblings
            log.exception("task_failed", task=name)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._beginning.discard(task)


def _any(_task: "asyncio.Task[Any]") -> bool:
    return True


async def cancel_all(which: Callable[["asyncio.Task[Any]"], bool] = _any) -> None:
    """End the other tasks of this loop, for half a second at most: every one of them at the end of a process.

    Each is cancelled again until it ends: a library may lose a cancellation, and then the loop's own end, which cancels
    once, would wait for ever. The workers of psycopg's pool do, while their database is silent.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + LEFT_OVER_WITHIN
    while (others := {task for task in asyncio.all_tasks() if which(task)} - {asyncio.current_task()}) and (
        loop.time() < give_up_at
    ):
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=CANCEL_AGAIN)


async def _resolved(work: Coroutine[Any, Any, T], result: "asyncio.Future[T]") -> None:
    try:
        outcome = await work
    except asyncio.CancelledError:
        result.cancel()
        raise
    except Exception as error:  # it is the waiting one's
        result.set_exception(error)
    else:
        result.set_result(outcome)


def _forgotten(result: "asyncio.Future[Any]") -> None:
    """Nobody waits for it any more: what it came to is noted, so that it is no failure that nobody saw."""
    if not result.cancelled() and (error := result.exception()) is not None:
        log.info("late_failure", error=type(error).__name__)
