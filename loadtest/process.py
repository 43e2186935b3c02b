"""A child process: started, signalled, paused and ended by its id, and by nothing else."""

import asyncio
import os
import pwd
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

ENDS_WITHIN = 35.0
"""Seconds until a process that was asked to end is killed."""


class WorldFailed(Exception):
    """What the proof itself needs cannot be had: it says nothing about the hub."""


class Process:
    """One program, which may be started again and again. What it says on standard error is appended to `log`.

    `as_nobody`: if we are root, it runs as the user nobody.
    """

    def __init__(self, command: list[str], log: Path, environ: Mapping[str, str], *, as_nobody: bool = False) -> None:
        self.log = log
        self._command = command
        self._environ = environ
        self._account = account() if as_nobody else None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def id(self) -> int:
        """Raises WorldFailed if it does not run."""
        if self._process is None or self._process.returncode is not None:
            raise WorldFailed(f"{self._command[0]} does not run: {self.last_words()}")
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def last_words(self) -> str:
        """The end of its log, in a line."""
        return " · ".join(self.log.read_text(errors="replace").splitlines()[-5:]) if self.log.exists() else ""

    async def start(self, environ: Mapping[str, str] = MappingProxyType({})) -> asyncio.StreamReader:
        """What it will say on standard output. `environ` is for this time only."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env={**self._environ, **environ},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal is for the proof, which then ends it in order
                **as_account(self._account),
            )
        assert self._process.stdout is not None
        return self._process.stdout

    def send(self, number: signal.Signals) -> None:
        """To it alone; nothing if it has ended."""
        if self.runs:
            os.kill(self.id, number)

    async def ended(self, within: float = ENDS_WITHIN) -> bool:
        """Whether it ended by itself; if not in time, it is killed."""
        if self._process is None:
            return True
        try:
            async with asyncio.timeout(within):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            self.send(signal.SIGCONT)
            await self._process.wait()
            return False
        return True

    async def kill(self) -> None:
        """As a crash: nothing of it is left to say goodbye."""
        self.send(signal.SIGKILL)
        await self.ended()

    @contextmanager
    def paused(self) -> Generator[None]:
        """SIGSTOP to it and its children while the block runs, then SIGCONT."""
        stopped = [(each, _birth(each)) for each in [self.id, *children(self.id)]]
        for each, _ in stopped:
            _signal(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each, birth in reversed(stopped):
                if _birth(each) == birth:  # not another process that has its id by now
                    _signal(each, signal.SIGCONT)


def children(process_id: int) -> list[int]:
    """The processes that it has started itself and that live."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(each) for each in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()]
    return []


def title(process_id: int) -> str:
    """What it calls itself; nothing if it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process_id}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def account() -> pwd.struct_passwd | None:
    """Who runs what refuses to be root; None if that is ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"} if account else {}


async def output_of(*command: str, as_nobody: bool = False, stdin: str = "") -> str:
    """Runs a program to its end; what it said. Raises WorldFailed with its last words if it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        **as_account(account() if as_nobody else None),
    )
    try:
        said, _ = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise WorldFailed(f"{command[0]} failed: {said.decode(errors='replace')[-500:]}")
    return said.decode()


def _birth(process_id: int) -> str:
    """When it was started, in the kernel's ticks: with its id it names a process for ever."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def _signal(process_id: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process_id, number)
