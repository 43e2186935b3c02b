"""A PostgreSQL of a test's own, which can be restarted, stopped, copied as a standby and promoted."""

import asyncio
import os
import pwd
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from server.store.embedded import embedded
from server.store.migrations import migrate
from server.store.programs import programs
from tests.conftest import fresh_folder


class Postgres:
    """`url` is how to connect to it as its superuser."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.folder = Path(str(conninfo_to_dict(url)["host"]))

    async def database(self) -> str:
        """A fresh database with our tables."""
        name = f"test_{uuid4().hex}"
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as conn:
            await conn.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        url = make_conninfo(self.url, dbname=name)
        await migrate(url)
        return url

    async def restart(self, mode: str) -> None:
        """`mode`: fast, or immediate, which is as a crash."""
        await self._control("restart", "-w", "-m", mode)

    async def stop(self, mode: str = "fast") -> None:
        await self._control("stop", "-w", "-m", mode)

    async def start(self) -> None:
        await self._control("start", "-w", "-o", self._options())

    async def promote(self) -> None:
        await self._control("promote", "-w")

    @asynccontextmanager
    async def standby(self) -> AsyncGenerator["Postgres"]:
        """A running copy that follows; it may lag behind."""
        folder = self.folder.with_name(f"standby-{uuid4().hex[:6]}")
        folder.mkdir(mode=0o700)
        if (account := _account()) is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        await asyncio.to_thread(
            _run, "pg_basebackup", "-R", "-c", "fast", "-D", str(folder), "-h", str(self.folder), "-U", "tutorhub"
        )
        (folder / ".s.PGSQL.5432.lock").unlink()  # the socket is in the folder of the data, and so was copied with it
        copy = Postgres(make_conninfo(self.url, host=str(folder)))
        await copy.start()
        try:
            yield copy
        finally:
            await copy.stop("immediate")

    async def lose(self, standby: "Postgres") -> None:
        """From now on the copy does not follow; what there is by now it has."""
        async with (
            await psycopg.AsyncConnection.connect(self.url, autocommit=True) as ours,
            await psycopg.AsyncConnection.connect(standby.url, autocommit=True) as theirs,
        ):
            row = await (await ours.execute("SELECT pg_current_wal_lsn()")).fetchone()
            assert row is not None
            while await (await theirs.execute("SELECT pg_last_wal_replay_lsn() >= %s", row)).fetchone() != (True,):
                await asyncio.sleep(0.02)
            await theirs.execute("ALTER SYSTEM SET primary_conninfo TO ''")
            await theirs.execute("SELECT pg_reload_conf()")
            while await (await theirs.execute("SELECT 1 FROM pg_stat_wal_receiver")).fetchone() is not None:
                await asyncio.sleep(0.02)

    def _options(self) -> str:
        return f"-c listen_addresses= -c max_connections=200 -c fsync=off -c unix_socket_directories={self.folder}"

    async def _control(self, what: str, *arguments: str) -> None:
        log = str(self.folder / "server.log")
        await asyncio.to_thread(_run, "pg_ctl", what, "-s", "-D", str(self.folder), "-l", log, *arguments)


@contextmanager
def postgres() -> Generator[Postgres]:
    """Running, unless the test stops it."""
    with fresh_folder() as folder, embedded(folder, durable=False) as url:
        yield Postgres(url)


def _run(program: str, *arguments: str) -> None:
    """As the account that owns the data. Nothing of what it starts holds a pipe of ours."""
    account = _account()
    subprocess.run(
        [programs() / program, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=account and account.pw_uid,
        group=account and account.pw_gid,
        extra_groups=[] if account else None,
    )


def _account() -> pwd.struct_passwd | None:
    """Whose the data is: PostgreSQL refuses to be root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None
