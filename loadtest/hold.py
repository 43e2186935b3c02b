"""To hold a proof or a scenario: in a folder, until it is over or interrupted, with an exit code."""

import asyncio
import signal
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import click
import msgspec

from loadtest.measured import Measured
from loadtest.process import WorldFailed
from loadtest.result import Result
from loadtest.screen import Screen

FAILED = 1
NOT_HELD = 2
"""It could not be held: that says nothing about the hub."""

T = TypeVar("T")
Work = Callable[[Path], Coroutine[Any, Any, T]]
"""What is done in a folder, which holds the logs."""


def held(
    work: Work[Result | Measured], screen: Screen, *, keep: Path | None, json_file: Path | None, failed: int = FAILED
) -> int:
    """The exit code, `failed` if something was not borne. What came of it is shown, and written to the file."""
    with screen.status:
        result = result_of(work, screen.say, keep=keep)
    if result is None:
        return NOT_HELD
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    screen.result(result) if isinstance(result, Result) else screen.measured(result)
    return 0 if result.passed else failed


def result_of(work: Work[T], say: Callable[[str], None], *, keep: Path | None) -> T | None:
    """What came of it; None: it could not be held, and that was said."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prove-")))
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise click.BadParameter(f"{folder} is not empty", param_hint="--keep")
        result, problem = None, ""
        try:
            result = asyncio.run(_until_interrupted(work, folder))
        except* (WorldFailed, OSError, EOFError) as errors:
            reasons = dict.fromkeys(str(each) or repr(each) for each in _each(errors))  # many may fail for the same one
            problem = f"It could not be held: {'; '.join(reasons)}"
        except* asyncio.CancelledError:
            problem = "Interrupted: everything that was started has been ended."
        if result is None:
            say(problem)
        return result


def _each(error: BaseException) -> Iterator[BaseException]:
    """Out of the groups that they went through."""
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _each(inner)
    else:
        yield error


async def _until_interrupted(work: Work[T], folder: Path) -> T:
    """A first Ctrl-C ends everything in order; a further one does not disturb that."""
    working = asyncio.current_task()
    assert working is not None

    def interrupt() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            with suppress(ValueError):
                signal.signal(number, signal.SIG_IGN)
        working.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    return await work(folder)
