"""The command line: serve and chat, and those of operating.py. What cannot start says so in a line and exits with 1."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from uuid import UUID

import click
import uvloop
from msgspec import structs

from client import terminal
from protocol.ids import SessionId
from server.app import App
from server.edge import serve
from server.errors import StartupError
from server.fanout import redis_wire
from server.fanout.embedded_redis import address
from server.instance import Instance
from server.logs import log_to_stderr
from server.operating import keys, migrate, token, users
from server.settings import Roles, Settings
from server.starting import chosen, one_line_errors, servers, tell
from server.store import migrations
from server.store.presence import present
from server.tasks import cancel_all
from server.tutor.tutor import Tutor

_BOTH: Roles = "hub,tutor"
COLLECTED_AFTER = (50_000, 20, 100)
"""Objects more than before, collections of those, and so on: by decision 0010."""


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
@one_line_errors
def serve_command(**options: str | int | None) -> None:
    """Run the hub. Without TUTORHUB_DATABASE_URL it brings its own PostgreSQL and Redis.

    Instances of one data folder share these: start as many as you like, each with a port of its own.
    """
    settings = chosen(options)
    log_to_stderr(settings.log_level)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # until it can be answered
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until it serves: what was started is ended in order
    with ExitStack() as stack:
        listener = stack.enter_context(serve.bind(settings.host, settings.port))
        settings = structs.replace(settings, port=listener.getsockname()[1])
        settings, conninfo = servers(settings, stack)
        _check_redis(settings)
        uvloop.run(run(settings, conninfo, listener, _banner))


async def run(
    settings: Settings,
    conninfo: str,
    listener: socket.socket,
    announce: Callable[[Instance], None],
    tutor: Tutor | None = None,
) -> None:
    """An instance, until it is told to leave. `tutor`: who answers, instead of the one that is set."""
    try:
        async with present(conninfo, alone=settings.redis_url is None, tell=tell) as seen:
            await migrations.migrate(seen)
            app = App(settings, seen, announce, tutor)
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, app.say_counts)
            _collect_garbage_rarely()
            listening = serve.config(
                app.asgi, proxies=settings.trusted_proxies, certificate=settings.tls_cert, key=settings.tls_key
            )
            await serve.Server(listening, app.drain).serve([listener])
    finally:
        await cancel_all()


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


for group in (token, users, keys, migrate):
    main.add_command(group)


def _check_redis(settings: Settings) -> None:
    if settings.redis_url is not None:
        redis_wire.address(settings.redis_url)
    if settings.roles != _BOTH and settings.redis_url is None:
        raise StartupError(
            f"TUTORHUB_ROLES={settings.roles}: hub and tutor in separate processes hear each other through Redis:"
            " set TUTORHUB_REDIS_URL for both."
        )


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
    lines += _web_in_words(settings, url)
    click.echo("\n".join(lines))


def _web_in_words(settings: Settings, url: str) -> list[str]:
    if "hub" not in settings.roles:
        return []
    if settings.web_dir is None:
        return ["  page      not built: `make start` builds it where Node 20.19 or newer is"]
    return [f"  open      {url}/{'#as=ada' if settings.dev_sign_in else ''}"]


def _redis_in_words(settings: Settings) -> str:
    if settings.redis_url is None:
        return "none: a single instance"
    return f"its own, in {settings.data_dir}" if settings.redis_url == address(settings.data_dir) else "as set"
