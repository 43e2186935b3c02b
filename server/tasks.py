"""The owner of tasks that live as long as the instance. A failure of one is logged and ends nobody else."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

log = structlog.get_logger()


class Tasks:
    """A task group for `async with`, whose children fail alone. Leaving it cancels those that still run."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run it until it ends, or until the group is left."""
        task = self._group.create_task(_contained(work, name), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _contained(work: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await work
    except Exception:  # whatever it is, it must not end its siblings
        log.exception("task_failed", task=name)
