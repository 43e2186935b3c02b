"""A server that the hubs of one data folder share: who comes first starts it, who leaves last stops it.

Two locks, which the system takes back from whoever is killed. `….lock` is held by one while it starts or stops the
server, so that a start and a stop never cross. `….used` is held by all while they use it: who can have it for itself
alone is the last.
"""

import fcntl
import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Protocol

import structlog

from server.errors import StartupError

LOOKS_EVERY = 2.0
"""Seconds until a hub starts a server again that was killed."""

log = structlog.get_logger()


class Server(Protocol):
    """What can be shared. Only one hub at a time calls `start` or `stop`."""

    @property
    def folder(self) -> Path:
        """Beside which the locks are; the folder above it exists."""
        ...

    def runs(self) -> bool:
        """Whether it takes connections."""
        ...

    def start(self) -> str:
        """How to connect, once it takes connections; if it does already it is left as it is. Raises StartupError."""
        ...

    def stop(self) -> None:
        """Returns when nothing of it is left; that is no error if nothing was."""
        ...


@contextmanager
def shared(server: Server, *, watched: bool = False) -> Generator[str]:
    """Use a server together with others; yields how to connect. `watched`: it is started again if it is killed.

    Raises StartupError, and OSError if there can be no locks.
    """
    turn = server.folder.with_name(f"{server.folder.name}.lock")
    with ExitStack() as stack:
        used = stack.enter_context(server.folder.with_name(f"{server.folder.name}.used").open("a"))
        stack.callback(_leave, server, turn, used)
        with _one_at_a_time(turn):
            fcntl.flock(used, fcntl.LOCK_SH)
            address = server.start()
        if watched:
            stack.enter_context(_watched(server, turn))
        yield address


@contextmanager
def _one_at_a_time(turn: Path) -> Generator[None]:
    with turn.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _leave(server: Server, turn: Path, used: IO[str]) -> None:
    with _one_at_a_time(turn):
        try:
            fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            used.close()  # others are here
        else:
            server.stop()


@contextmanager
def _watched(server: Server, turn: Path) -> Generator[None]:
    """In a thread: to start a server takes long, and the hub goes on meanwhile."""
    left = threading.Event()

    def watch() -> None:
        while not left.wait(LOOKS_EVERY):
            if not server.runs():
                _start_again(server, turn)

    thread = threading.Thread(target=watch, name=f"watch on {server.folder.name}")
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()


def _start_again(server: Server, turn: Path) -> None:
    try:
        with _one_at_a_time(turn):
            server.start()
    except (StartupError, OSError) as error:
        log.warning("embedded_server_down", server=server.folder.name, reason=str(error))
    else:
        log.warning("embedded_server_started_again", server=server.folder.name)


def listens(path: Path) -> bool:
    """Whether somebody takes connections at this socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True
