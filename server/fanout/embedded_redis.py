"""The Redis that comes with tutorhub, so that several instances of one data folder hear each other.

Nothing of it is saved: it is a doorbell. It is on a private socket in the data folder, never on a port. Without a
program of Redis or Valkey there is none, and one instance runs alone.
"""

import os
import signal
import socket
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import structlog

from server.errors import StartupError
from server.store.programs import check_that_they_can_pass, make, make_private, redis_program, run
from server.store.shared import listens, shared

_SOCKET = "redis.sock"
_PID_FILE = "redis.pid"
_LOG = "redis.log"
_SOCKET_PATH_LIMIT = 100  # a socket's address has room for 107 bytes on Linux, 103 on macOS
_STARTS_WITHIN = 10.0
_STOPS_WITHIN = 3.0
_MEMORY = "128mb"  # drafts of open replies, of which the oldest go first; they are in the database as well

log = structlog.get_logger()


@contextmanager
def embedded_redis(data_dir: Path, *, watched: bool = False) -> Generator[str | None]:
    """Share a Redis with the other hubs of a folder; yields its URL, or None if there is none here.

    One that is here and does not run is None as well, and a line of the log. `watched`: it is started again if killed.
    """
    server = _Server(data_dir.absolute() / "redis", redis_program())
    url = None
    with ExitStack() as stack:
        if server.program or server.runs():
            try:
                make(data_dir)
                url = stack.enter_context(shared(server, watched=watched))
            except (StartupError, OSError) as error:
                log.warning("embedded_redis_failed", reason=str(error))
        yield url


def address(data_dir: Path) -> str:
    """The URL of the Redis of this folder, whether or not it runs."""
    return f"unix://{quote(str(data_dir.absolute() / 'redis' / _SOCKET))}"


class _Server:
    def __init__(self, folder: Path, program: Path | None) -> None:
        self.folder = folder
        self.program = program
        self.socket = folder / _SOCKET

    def runs(self) -> bool:
        return listens(self.socket)

    def start(self) -> str:
        if len(bytes(self.socket)) > _SOCKET_PATH_LIMIT:
            raise StartupError(f"{self.socket} is too long for the name of a socket")
        if not self.runs():
            self._launch()
        return address(self.folder.parent)

    def stop(self) -> None:
        if self.runs():
            self._ask_to_shut_down()
        if self.runs():  # it is frozen
            with suppress(ProcessLookupError):
                os.kill(int((self.folder / _PID_FILE).read_text()), signal.SIGKILL)
        self.socket.unlink(missing_ok=True)

    def _launch(self) -> None:
        if self.program is None:
            raise StartupError("there is no redis-server or valkey-server here")
        check_that_they_can_pass(self.folder)
        make_private(self.folder)
        with suppress(FileNotFoundError):
            (self.folder / _LOG).rename(self.folder / f"{_LOG}.1")
        done = run(self.program, *_options(), cwd=self.folder)
        end = time.monotonic() + _STARTS_WITHIN
        while not self.runs():
            if done.returncode or time.monotonic() > end:
                raise StartupError(f"{self.program} cannot run: {self._last_words(done.stdout)}")
            time.sleep(0.01)

    def _ask_to_shut_down(self) -> None:
        with socket.socket(socket.AF_UNIX) as asking, suppress(OSError):
            asking.settimeout(_STOPS_WITHIN)
            asking.connect(str(self.socket))
            asking.sendall(b"SHUTDOWN NOSAVE\r\n")
            while asking.recv(1_024):  # it hangs up when it ends
                pass

    def _last_words(self, output: str) -> str:
        file = self.folder / _LOG
        written = file.read_text(errors="replace") if file.exists() else ""
        return " · ".join([*output.split("\n")[-3:], *written.split("\n")[-3:]]).strip(" ·")


def _options() -> list[str]:
    """Names are relative to the folder it runs in, which may have spaces and quotes in its own."""
    options = {
        "port": "0",
        "unixsocket": _SOCKET,
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory": _MEMORY,
        "maxmemory-policy": "volatile-ttl",
        "daemonize": "yes",
        "pidfile": _PID_FILE,
        "logfile": _LOG,
    }
    return [part for key, value in options.items() for part in (f"--{key}", value)]
