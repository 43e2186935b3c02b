"""A real hub for tests: in the test's own loop, or as a child process that can be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from server.app import App
from server.edge.door import Door
from server.edge.identity import mint
from server.edge.serve import Server, bind, config
from server.instance import Instance
from server.settings import LimitSettings, Settings, TurnSettings

SECRET = "a secret that only tests know, and long enough"
STARTS_WITHIN = 20.0
KEYS = os.environ.get("TEST_ENCRYPTION_KEYS")
"""With a key ring, every test that does not choose one runs on sealed data."""
SERVE = ("-m", "server", "serve")


UNLIMITED = {
    "commands": "none",
    "sends": "none",
    "tokens": "none",
    "misses": "none",
    "uploads": "none",
    "sign_ins": "none",
    "running": 1_000,
    "connections": 10_000,
    "connections_per_address": 10_000,
    "unauthenticated_per_address": 10_000,
}
"""What one test does in seconds, a whole school does in minutes. tests/acceptance/test_limits.py has the limits."""


class Hub(Struct):
    """Where it listens, and what its tokens are signed with."""

    port: int
    instance: Instance | None = None
    server: Server | None = None
    door: Door | None = None
    trust: None = None
    """It is not over TLS."""

    def leave(self) -> None:
        """As told by an operator."""
        assert self.server is not None
        self.server.handle_exit(signal.SIGTERM, None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def token(self, user: str, **claims: Any) -> str:
        return mint(SECRET, user, **claims)

    def headers(self, user: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(user)}"}


def hub_settings(database_url: str, base_url: str | None, **changes: Any) -> Settings:
    """As in production, but unlimited, and for what a test changes: `turns` and `limits` are dicts of their fields."""
    turns = TurnSettings(**({"due_every": 0.2} | changes.pop("turns", {})))
    limits = LimitSettings(**(UNLIMITED | changes.pop("limits", {})))
    usual = Settings(
        data_dir=Path("/nonexistent"),
        port=0,
        database_url=database_url,
        encryption_keys=KEYS,
        jwt_secret=SECRET,
        openai_base_url=base_url,
        openai_model="test-model",
        drain=0.2,
        turns=turns,
        limits=limits,
    )
    return structs.replace(usual, **changes)


@asynccontextmanager
async def running(
    database_url: str, base_url: str | None = None, *, lasts: float = 60.0, **changes: Any
) -> AsyncGenerator[Hub]:
    """A hub in this loop, with a tutor at `base_url`. Ends as by SIGTERM, after `lasts` seconds at the latest."""
    settings = hub_settings(database_url, base_url, **changes)
    with bind("127.0.0.1", settings.port) as listener:
        hub = Hub(listener.getsockname()[1])

        def announce(instance: Instance) -> None:
            hub.instance = instance
            hub.door = app._door

        app = App(settings, database_url, announce)
        listening = config(
            app.asgi, proxies=settings.trusted_proxies, certificate=settings.tls_cert, key=settings.tls_key
        )
        hub.server = server = Server(listening, app.drain)
        async with asyncio.timeout(lasts), asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve([listener]))
            await server.ready.wait()
            try:
                yield hub
            finally:
                if not server.leaving:
                    hub.leave()
                await asyncio.wait([serving])  # also when the test has failed: it ends in order


class Child(Struct):
    """A hub as a process of its own."""

    hub: Hub
    process: asyncio.subprocess.Process

    async def kill(self) -> None:
        """As a crash: nothing of it is left to say goodbye."""
        self.process.kill()
        await self.process.wait()

    async def end(self) -> int:
        """As by an operator; returns the exit code."""
        self.process.terminate()
        return await self.process.wait()


@asynccontextmanager
async def child(
    database_url: str,
    base_url: str | None = None,
    errors: int | None = None,
    command: tuple[str, ...] = SERVE,
    /,
    **environ: str,
) -> AsyncGenerator[Child]:
    """`tutorhub serve`, or another command of Python's, on a free port; `errors` is where its standard error goes.

    Ended, if it still runs, by its process id.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=os.environ
        | {
            "TUTORHUB_PORT": "0",
            "TUTORHUB_DATABASE_URL": database_url,
            "TUTORHUB_ENCRYPTION_KEYS": KEYS or "",
            "TUTORHUB_JWT_SECRET": SECRET,
            "TUTORHUB_OPENAI_BASE_URL": base_url or "",
            "TUTORHUB_OPENAI_MODEL": "test-model",
            "TUTORHUB_DRAIN": "0.2",
        }
        | {f"TUTORHUB_LIMIT_{name.upper()}": str(value) for name, value in UNLIMITED.items()}
        | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(STARTS_WITHIN):
            first = (await process.stdout.readline()).decode()
        assert "listens on" in first, first
        yield Child(Hub(int(first.rsplit(":", 1)[1])), process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await _tell_the_rest(process)


async def _tell_the_rest(process: asyncio.subprocess.Process) -> None:
    """What nobody has read of a child is the test's own output, which is searched for canaries."""
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            sys.stderr.write((await pipe.read()).decode())
