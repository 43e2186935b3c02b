"""The command line: serve, chat, token, migrate. What cannot start says so in one line and exits with 1."""

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec
from uuid import UUID

import click
import uvloop
from msgspec import structs

from client import terminal
from protocol.ids import SessionId
from server import environment, key_ring
from server.app import App
from server.edge import identity, serve
from server.errors import StartupError
from server.fanout import redis_wire
from server.fanout.embedded_redis import address, embedded_redis
from server.instance import Instance
from server.logs import log_to_stderr
from server.settings import Roles, Settings
from server.store import migrations, rotation
from server.store.embedded import embedded
from server.store.presence import present
from server.store.rotation import Rotated
from server.tasks import cancel_all

P = ParamSpec("P")

LONGEST_HOURS = 87_600.0
_BOTH: Roles = "hub,tutor"
LEFT_OVER_WITHIN = 0.5
"""Seconds; mostly nothing is left over."""
COLLECTED_AFTER = (50_000, 20, 100)
"""Objects more than before, collections of those, and so on: by decision 0010."""


def _one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    @wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            command(*arguments, **options)
        except StartupError as error:
            raise click.ClickException(str(error)) from error

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tutorhub")
def main() -> None:
    """The real-time backend for AI tutor conversations.

    Everything is set by TUTORHUB_… variables; see the README.
    """


@main.command("serve")
@click.option("--host", help="The address to listen on [TUTORHUB_HOST, 127.0.0.1].")
@click.option("--port", type=int, help="The port to listen on, 0 for any [TUTORHUB_PORT, 8000].")
@click.option("--tls-cert", help="A certificate with its chain, PEM: serve https and wss [TUTORHUB_TLS_CERT].")
@click.option("--tls-key", help="Its key, PEM [TUTORHUB_TLS_KEY].")
@_one_line_errors
def serve_command(**options: str | int | None) -> None:
    """Run the hub. Without TUTORHUB_DATABASE_URL it brings its own PostgreSQL and Redis.

    Instances of one data folder share these: start as many as you like, each with a port of its own.
    """
    settings = _settings(options)
    log_to_stderr(settings.log_level)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # until it can be answered
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until it serves: what was started is ended in order
    with ExitStack() as stack:
        listener = stack.enter_context(serve.bind(settings.host, settings.port))
        settings = structs.replace(settings, port=listener.getsockname()[1])
        conninfo = settings.database_url
        if conninfo is None:
            conninfo = stack.enter_context(embedded(settings.data_dir, watched=True))
            own = None if settings.redis_url else stack.enter_context(embedded_redis(settings.data_dir, watched=True))
            settings = structs.replace(settings, redis_url=settings.redis_url or own)
        _check_redis(settings)
        uvloop.run(_run(settings, conninfo, listener))


async def _run(settings: Settings, conninfo: str, listener: socket.socket) -> None:
    try:
        async with present(conninfo, alone=settings.redis_url is None, tell=_tell) as seen:
            await migrations.migrate(seen)
            app = App(settings, seen, _banner)
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, app.say_counts)
            _collect_garbage_rarely()
            await serve.Server(
                serve.config(app.asgi, certificate=settings.tls_cert, key=settings.tls_key), app.drain
            ).serve([listener])
    finally:
        await cancel_all(LEFT_OVER_WITHIN)


def _collect_garbage_rarely() -> None:
    """What is there by now stays. With a thousand sockets a full collection takes 0.4 s, in which nobody is served."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


@main.command("chat")
@click.option("--url", envvar="TUTORHUB_URL", default="http://127.0.0.1:8000", show_default=True, help="The hub.")
@click.option("--user", help="Who you are, by the development sign-in.")
@click.option("--token", "bearer", envvar="TUTORHUB_TOKEN", help="Who you are, by a token.")
@click.option("--session", type=click.UUID, help="The session to open; the latest if it is left out.")
def chat_command(url: str, user: str | None, bearer: str | None, session: UUID | None) -> None:
    """Talk with the tutor in this terminal."""
    sys.exit(asyncio.run(terminal.chat(url, user, bearer, None if session is None else SessionId(session))))


@main.group()
def token() -> None:
    """Tokens for development."""


@token.command()
@click.option("--user", required=True, help="Who the token is for.")
@click.option("--hours", default=12.0, show_default=True)
@_one_line_errors
def mint(user: str, hours: float) -> None:
    """Print a token that this instance's secret signs, and that lives for so many hours."""
    if not 0 < hours <= LONGEST_HOURS:
        raise StartupError("A token lives for more than nothing, and for ten years at most.")
    settings = _settings({})
    if settings.jwt_secret is None:
        raise StartupError("Tokens are made by the issuer of TUTORHUB_JWKS_URL: this hub takes no other.")
    click.echo(identity.mint(settings.jwt_secret, user, settings=settings, lifetime=hours * 3_600))


@main.group()
def keys() -> None:
    """The keys under which what is stored is sealed: TUTORHUB_ENCRYPTION_KEYS."""


@keys.command("new")
@click.option("--name", help="What it is called; the day, if it is left out.")
@_one_line_errors
def new_key(name: str | None) -> None:
    """Print a fresh key, as an entry of TUTORHUB_ENCRYPTION_KEYS."""
    entry = key_ring.new_entry(name or time.strftime("%Y-%m-%d"))
    try:
        key_ring.parsed(entry)
    except ValueError:
        raise StartupError("A name is up to 40 of A-Z, a-z, 0-9, dot, - and _.") from None
    click.echo(entry)


@keys.command("status")
@_one_line_errors
def key_status() -> None:
    """How many users there are under each key, and how many that are not sealed in full."""
    with _database() as conninfo:
        for use in asyncio.run(rotation.look(conninfo)):
            what = "" if use.sealed or use.key_name is None else ", partly"
            click.echo(f"{use.users:>9,}  {use.key_name or 'not sealed'}{what}")


@keys.command("rotate")
@_one_line_errors
def rotate() -> None:
    """Give all users the first key of the ring, and seal what is not sealed. It can be killed, and started again."""
    ring = environment.read().encryption_keys
    if ring is None:
        raise StartupError("TUTORHUB_ENCRYPTION_KEYS: is needed: its first key is the one that all are given.")
    with _database() as conninfo:
        done = asyncio.run(rotation.rotate_in(conninfo, key_ring.parsed(ring), _tell_how_far))
    click.echo(f"done: {done.users:,} users, {done.rows:,} rows sealed")
    if done.missing:
        raise StartupError(
            f"{done.missing:,} users have keys that TUTORHUB_ENCRYPTION_KEYS lacks; they are as they were."
        )


@main.group()
def migrate() -> None:
    """The schema of the database. `serve` brings it up by itself."""


@migrate.command()
@_one_line_errors
def up() -> None:
    """Apply what is missing."""
    with _database() as conninfo:
        for name in asyncio.run(migrations.migrate(conninfo)) or ["nothing to do"]:
            click.echo(name)


@migrate.command()
@click.confirmation_option(prompt="This drops tables and what is in them. Go on?")
@_one_line_errors
def down() -> None:
    """Take back the last migration."""
    with _database() as conninfo:
        click.echo(asyncio.run(migrations.revert(conninfo)) or "nothing to do")


@migrate.command()
@_one_line_errors
def status() -> None:
    """Which migrations the database has."""
    with _database() as conninfo:
        for name, applied in asyncio.run(migrations.status(conninfo)):
            click.echo(f"{'applied' if applied else 'missing'}  {name}")


def _settings(options: dict[str, str | int | None]) -> Settings:
    """What was chosen on the command line wins."""
    given = {f"TUTORHUB_{name.upper()}": str(value) for name, value in options.items() if value is not None}
    settings = environment.read(os.environ | given)
    signs = settings.dev_sign_in or not settings.jwks_url
    return structs.replace(settings, jwt_secret=environment.secret(settings)) if signs else settings


def _check_redis(settings: Settings) -> None:
    if settings.redis_url is not None:
        redis_wire.address(settings.redis_url)
    if settings.roles != _BOTH and settings.redis_url is None:
        raise StartupError(
            f"TUTORHUB_ROLES={settings.roles}: hub and tutor in separate processes hear each other through Redis:"
            " set TUTORHUB_REDIS_URL for both."
        )


def _tell_how_far(done: Rotated) -> None:
    _tell(f"{done.users:,} users, {done.rows:,} rows sealed")


def _tell(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def _database() -> Generator[str]:
    settings = environment.read()
    with ExitStack() as stack:
        yield settings.database_url or stack.enter_context(embedded(settings.data_dir))


def _banner(instance: Instance) -> None:
    settings, tutor = instance.settings, instance.tutor.name
    url = f"{'https' if settings.tls_cert else 'http'}://{settings.host}:{settings.port}"
    lines = [
        f"tutorhub listens on {url}",
        f"  tutor     {tutor.name}{': ' + tutor.note if tutor.note else ''}",
        f"  database  {'as set' if settings.database_url else f'its own, in {settings.data_dir}'}",
        f"  redis     {_redis_in_words(settings)}",
    ]
    if settings.roles != _BOTH:
        lines.append(f"  role      {settings.roles}")
    if settings.dev_sign_in:
        lines.append("  sign-in   anybody on this machine, for development")
        lines.append(f"  try       {sys.argv[0]} chat --url {url} --user ada")
    click.echo("\n".join(lines))


def _redis_in_words(settings: Settings) -> str:
    if settings.redis_url is None:
        return "none: a single instance"
    return f"its own, in {settings.data_dir}" if settings.redis_url == address(settings.data_dir) else "as set"
