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
from protocol.ids import SessionId, UserId
from server import environment, erasure, key_ring
from server.app import App
from server.edge import identity, serve
from server.errors import Refusal, StartupError
from server.fanout import redis_wire
from server.fanout.embedded_redis import address, embedded_redis
from server.instance import Instance
from server.logs import log_to_stderr
from server.settings import Roles, Settings
from server.store import migrations, revocations, rotation
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
        settings, conninfo = _servers(settings, stack)
        _check_redis(settings)
        uvloop.run(_run(settings, conninfo, listener))


def _servers(settings: Settings, stack: ExitStack) -> tuple[Settings, str]:
    """The settings, with a Redis, and the conninfo of the database: those of the data folder if none were set."""
    if settings.database_url is not None:
        return settings, settings.database_url
    conninfo = stack.enter_context(embedded(settings.data_dir, watched=True))
    own = None if settings.redis_url else stack.enter_context(embedded_redis(settings.data_dir, watched=True))
    return structs.replace(settings, redis_url=settings.redis_url or own), conninfo


async def _run(settings: Settings, conninfo: str, listener: socket.socket) -> None:
    try:
        async with present(conninfo, alone=settings.redis_url is None, tell=_tell) as seen:
            await migrations.migrate(seen)
            app = App(settings, seen, _banner)
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, app.say_counts)
            _collect_garbage_rarely()
            listening = serve.config(
                app.asgi, proxies=settings.trusted_proxies, certificate=settings.tls_cert, key=settings.tls_key
            )
            await serve.Server(listening, app.drain).serve([listener])
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


@token.command()
@click.argument("bearer", required=False, metavar="[TOKEN]")
@click.option("--user", help="Whose tokens, instead of one token.")
@click.option("--id", "token_id", help="Only the user's token with this id (jti).")
@_one_line_errors
def revoke(bearer: str | None, user: str | None, token_id: str | None) -> None:
    """Let nobody in any more by this TOKEN, or by any token of a user that was issued until now.

    The sockets that it let in are closed within two seconds, on every instance.
    """
    if (bearer is None) == (user is None) or (token_id is not None and user is None):
        raise StartupError("Which tokens? Name one TOKEN, or a --user, or a --user and the --id of a token.")
    settings = _settings({})
    with _database() as conninfo:
        click.echo(asyncio.run(_revoke(settings, conninfo, bearer, user=user, token_id=token_id)))


async def _revoke(
    settings: Settings, conninfo: str, bearer: str | None, *, user: str | None, token_id: str | None
) -> str:
    expires_at = None
    if bearer is not None:
        try:
            known = await identity.verifier(settings).verify(bearer)
        except Refusal as refusal:
            raise StartupError("This token lets nobody in: it has expired, or is not valid here.") from refusal
        user, token_id, expires_at = known.user, known.token_id, known.expires_at
        if token_id is None:
            raise StartupError(f"This token has no id (jti). To revoke all of its user: --user {user}")
    assert user is not None, "one of the two was given"
    async with migrations.in_use(conninfo) as conn:
        await revocations.revoke(conn, UserId(user), token_id or revocations.EVERY_TOKEN, expires_at)
    return f"revoked: {f'token {token_id}' if token_id else 'every token'} of {user}"


@main.group("user")
def users() -> None:
    """What operators do about a user."""


@users.command("erase")
@click.argument("user")
@click.confirmation_option(prompt="Everything of this user is deleted, and there is no way back. Go on?")
@_one_line_errors
def erase_command(user: str) -> None:
    """Delete everything of a USER, wherever it lies. Devices are closed at once."""
    settings = structs.replace(_settings({}), roles="hub", openai_base_url=None, local_model=None)
    log_to_stderr(settings.log_level)
    with ExitStack() as stack:
        settings, conninfo = _servers(settings, stack)
        click.echo(f"Erasing {user}; this takes some seconds …", err=True)
        asyncio.run(_erase(settings, conninfo, UserId(user)))
    click.echo(f"erased: {user}")


async def _erase(settings: Settings, conninfo: str, user: UserId) -> None:
    try:
        async with App(settings, conninfo, lambda _: None).begun() as instance:
            await erasure.wait_for(instance, user)
    except Refusal as refusal:
        raise StartupError(f"Not everything could be deleted: {refusal.detail} Say it again.") from refusal
    finally:
        await cancel_all(LEFT_OVER_WITHIN)


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
