"""The local model: llama.cpp's OpenAI-compatible server in a child process, used through the same adapter as any other.

As a program (`python -m server.tutor.local --model PATH`) it is that child: it prints where it listens as one line of
JSON, and ends when its standard input does, so it never outlives the hub, however the hub ends. A crash of the model's
native code ends the child and not the hub; the child is then started again.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog

from protocol.model import TutorName
from server.lesson import Lesson
from server.tutor.openai import OpenAITutor
from server.tutor.tutor import Piece, Tutor

MODEL_NAME = "SmolLM2-135M"
NOTE = "A tiny model on this machine: it is often wrong."
READY_SECONDS = 30.0
LONGEST_PAUSE = 30.0
HEALTHY_SECONDS = 60.0
"""Who ran this long is started again at once, without a pause that grows."""

SLOTS = 2
"""How many replies are written at once; others wait their turn."""
SLOT_TOKENS = 4_096
REPLY_TOKENS = 512
"""Tiny models like to go round in circles; there the reply ends. (A penalty on repetition spoils its sums.)"""
HISTORY_TOKENS = 600
"""On two cores a prompt is read at about 250 tokens a second: more history would be a long wait for the first word."""
LAST_WORDS = 2_000

log = structlog.get_logger()


class LocalModelFailed(Exception):
    """The local model does not run; the message says why, with the end of what it printed."""


class LocalTutor:
    """A Tutor that asks the child that runs now. While it is started again a reply waits, if its turn does."""

    def __init__(self, name: TutorName) -> None:
        self.name = name
        self.continues = True
        self.pid: int | None = None
        self._running: asyncio.Future[Tutor] = asyncio.get_running_loop().create_future()

    async def reply(self, lesson: Lesson) -> AsyncGenerator[Piece]:
        running = await asyncio.shield(self._running)
        async with aclosing(running.reply(lesson)) as pieces:
            async for piece in pieces:
                yield piece

    def up(self, running: Tutor, pid: int) -> None:
        self._running.set_result(running)
        self.pid = pid

    def down(self) -> None:
        self._running = asyncio.get_running_loop().create_future()
        self.pid = None


@asynccontextmanager
async def local_tutor(model: Path, *, history_tokens: int = HISTORY_TOKENS) -> AsyncGenerator[LocalTutor]:
    """The tutor of this model file, ready to answer. Raises LocalModelFailed if it does not come up."""
    tutor = LocalTutor(TutorName(name=MODEL_NAME, local=True, note=NOTE))
    ready = asyncio.get_running_loop().create_future()
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(keep(tutor, model, min(history_tokens, HISTORY_TOKENS), ready))
        try:
            await ready
            yield tutor
        except Exception as error:
            failure = error  # raised below, because the group would wrap it
        finally:
            keeper.cancel()
    if failure is not None:
        raise failure


async def keep(tutor: LocalTutor, model: Path, history_tokens: int, ready: "asyncio.Future[None]") -> None:
    """Keeps a child running until cancelled. Only the first start may fail for good; that is told through `ready`."""
    pause = 0.5
    while True:
        started = time.monotonic()
        try:
            await run(tutor, model, history_tokens, ready)
        except (LocalModelFailed, OSError) as error:
            if not ready.done():
                ready.set_exception(error if isinstance(error, LocalModelFailed) else LocalModelFailed(str(error)))
                return
            log.warning("local_model_restarted", pause=pause, reason=str(error))
        pause = 0.5 if time.monotonic() - started > HEALTHY_SECONDS else pause
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


async def run(tutor: LocalTutor, model: Path, history_tokens: int, ready: "asyncio.Future[None]") -> None:
    """One child's life. Ends by raising LocalModelFailed."""
    async with child(model) as process:
        address = await address_of(process)
        endpoint = OpenAITutor(
            f"{address}/v1", model=MODEL_NAME, history_tokens=history_tokens, name=tutor.name, continues=True
        )
        async with endpoint as running:
            tutor.up(running, process.pid)
            if not ready.done():
                ready.set_result(None)
            try:
                raise LocalModelFailed(f"The local model ended. {await last_words(process)}")
            finally:
                tutor.down()


@asynccontextmanager
async def child(model: Path) -> AsyncGenerator[Process]:
    """In a session of its own, so that Ctrl-C in a terminal reaches the hub alone, which ends its replies first."""
    command = [sys.executable, "-m", "server.tutor.local", "--model", str(model)]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()  # it keeps nothing that a gentler end would save
        await process.wait()


async def address_of(process: Process) -> str:
    """Where the child listens, once it is ready."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            line = await piped(process.stdout).readline()
    except TimeoutError:
        process.kill()
        why = f"The local model was not ready within {READY_SECONDS:.0f} s. {await last_words(process)}"
        raise LocalModelFailed(why) from None
    if not line:
        raise LocalModelFailed(f"The local model did not start. {await last_words(process)}")
    return json.loads(line)["address"]


async def last_words(process: Process) -> str:
    """Reads what the child prints until it ends, and gives the end of it."""
    tail = b""
    while part := await piped(process.stderr).read(4_096):
        tail = (tail + part)[-LAST_WORDS:]
    return " | ".join(line for line in tail.decode(errors="replace").splitlines() if line.strip())


def piped(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise LocalModelFailed("The local model was started without pipes.")
    return stream


def serve(model: Path) -> None:
    """The child. What native code may print goes to standard error: standard output holds the address alone."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server = llama_server(model)
    print(json.dumps({"address": server.listening_address}), file=answers, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # at once, whatever the native threads are doing


def llama_server(model: Path) -> Any:
    """Native code that may be missing, and that only the child may load."""
    try:
        xllamacpp: Any = import_module("xllamacpp")
    except ImportError:
        sys.exit("The local model needs xllamacpp: pip install tutorhub[local]")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.ui = parameters.endpoint_slots = False
    parameters.verbosity = 2
    parameters.n_parallel, parameters.n_ctx, parameters.n_predict = SLOTS, SLOTS * SLOT_TOKENS, REPLY_TOKENS
    parameters.cpuparams.n_threads = os.cpu_count() or 1
    parameters.sampling.temp, parameters.sampling.top_p = 0.2, 0.9  # as the model's card recommends
    return xllamacpp.Server(parameters)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parser = argparse.ArgumentParser(
        description="Serves a model on a free port of 127.0.0.1 until standard input ends."
    )
    parser.add_argument("--model", type=Path, required=True)
    serve(parser.parse_args().model)


if __name__ == "__main__":
    main()
