"""A real PostgreSQL of the proof's own, on a unix socket: stopped in every way, paused, copied to a standby."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from loadtest import programs
from loadtest.process import Process, WorldFailed, account, children, output_of, title

NAME = "tutorhub"
STARTS_WITHIN = 60.0
OPTIONS = {
    "listen_addresses": "",
    "port": "5432",
    "max_connections": "120",
    "shared_buffers": "32MB",
    "timezone": "UTC",
}
FAST = {"fsync": "off", "full_page_writes": "off"}
"""What is committed still outlives the server, not the machine."""


class Postgres:
    """One server on one folder. Made by `primary` or `copy_to`."""

    def __init__(self, tools: Path, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self.socket = folder / ".s.PGSQL.5432"
        self._tools = tools
        settings = OPTIONS | ({} if durable else FAST) | {"unix_socket_directories": str(folder)}
        command = [str(tools / "postgres"), "-D", str(folder)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = Process(command, folder.with_suffix(".log"), _environ(), as_nobody=True)

    @property
    def url(self) -> str:
        """For those who may go around the proxies."""
        return f"postgresql:///{NAME}?host={self.folder}&user={NAME}"

    @property
    def where(self) -> tuple[str, ...]:
        """As its own programs are told."""
        return ("-h", str(self.folder), "-U", NAME, "-d", NAME)

    async def start(self) -> None:
        """Returns once it takes connections."""
        await self.process.start()
        async with asyncio.timeout(STARTS_WITHIN):
            while not await self.answers():
                if not self.process.runs:
                    raise WorldFailed(f"PostgreSQL does not start: {self.process.last_words()}")
                await asyncio.sleep(0.05)

    async def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast. SIGQUIT: immediate. SIGKILL: as a crash."""
        backends = children(self.process.id) if self.process.runs else []
        self.process.send(how)
        await self.process.ended()
        async with asyncio.timeout(STARTS_WITHIN):
            while any(title(each) for each in backends):  # each holds the shared memory that a new server wants
                await asyncio.sleep(0.02)
        if how is signal.SIGKILL:
            self.socket.unlink(missing_ok=True)

    async def answers(self) -> bool:
        try:
            await self.run("pg_isready", "-q", "-h", str(self.folder))
        except WorldFailed:
            return False
        return True

    async def ask(self, statement: str) -> str:
        """What `psql` answers, unadorned. Raises WorldFailed."""
        command = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *self.where)
        return (await self.run("psql", *command, stdin=statement)).strip()

    @asynccontextmanager
    async def holding(self, statement: str) -> AsyncGenerator[None]:
        """A transaction that has said this, and stays open while the block runs: it holds its locks."""
        psql = await asyncio.create_subprocess_exec(
            str(self._tools / "psql"),
            *("-X", "-q", "-A", "-t", *self.where),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=_environ(),
            start_new_session=True,
        )
        assert psql.stdin is not None
        assert psql.stdout is not None
        try:
            psql.stdin.write(f"BEGIN; {statement};\n\\echo held\n".encode())
            async with asyncio.timeout(STARTS_WITHIN):
                await psql.stdout.readuntil(b"held\n")
            yield
        finally:
            psql.kill()  # the server rolls it back
            await psql.communicate()

    def backends(self, kind: str) -> list[int]:
        """The ids of its processes whose title holds this."""
        return [each for each in children(self.process.id) if kind in title(each)]

    async def promote(self) -> None:
        """Returns once it takes writes."""
        await self.run("pg_ctl", "promote", "-w", "-D", str(self.folder))

    async def run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """What one of its programs says. Raises WorldFailed."""
        return await output_of(str(self._tools / program), *arguments, as_nobody=True, stdin=stdin)

    async def copy_to(self, folder: Path) -> "Postgres":
        """A standby that follows, not yet started."""
        _make_private(folder)
        source = ("-h", str(self.folder), "-U", NAME, "-D", str(folder))
        await self.run("pg_basebackup", *source, "-R", "-X", "stream", "-c", "fast")
        (folder / f"{self.socket.name}.lock").unlink()  # it was copied with the rest
        return Postgres(self._tools, folder)

    async def is_caught_up(self) -> bool:
        """Whether a standby has everything that this server has written."""
        return await self.ask("SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()") == "1"


async def primary(folder: Path, *, durable: bool = False) -> Postgres:
    """A new and empty database in a folder that does not exist yet, not yet started. `durable`: what is committed
    outlives the machine.
    """
    tools = await programs.postgres()
    _make_private(folder)
    made = ("-D", str(folder), f"--username={NAME}", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
    await output_of(str(tools / "initdb"), *made, as_nobody=True)
    single = ("--single", "-D", str(folder), "-c", "exit_on_error=on", "postgres")
    await output_of(str(tools / "postgres"), *single, as_nobody=True, stdin=f"CREATE DATABASE {NAME}")
    return Postgres(tools, folder, durable=durable)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    if owner := account():
        os.chown(folder, owner.pw_uid, owner.pw_gid)


def _environ() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
