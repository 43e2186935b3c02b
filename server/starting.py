"""What all commands of the command line begin with: the settings, the database, and errors of one line."""

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec

import click
from msgspec import structs

from server import environment
from server.errors import StartupError
from server.fanout.embedded_redis import embedded_redis
from server.settings import Settings
from server.store.embedded import embedded

P = ParamSpec("P")


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    @wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            command(*arguments, **options)
        except StartupError as error:
            raise click.ClickException(str(error)) from error

    return run


def servers(settings: Settings, stack: ExitStack) -> tuple[Settings, str]:
    """The settings, with a Redis, and the conninfo of the database: those of the data folder if none were set."""
    if settings.database_url is not None:
        return settings, settings.database_url
    conninfo = stack.enter_context(embedded(settings.data_dir, watched=True))
    own = None if settings.redis_url else stack.enter_context(embedded_redis(settings.data_dir, watched=True))
    return structs.replace(settings, redis_url=settings.redis_url or own), conninfo


def chosen(options: dict[str, str | int | None]) -> Settings:
    """What was chosen on the command line wins."""
    given = {f"TUTORHUB_{name.upper()}": str(value) for name, value in options.items() if value is not None}
    settings = environment.read(os.environ | given)
    signs = settings.dev_sign_in or not settings.jwks_url
    return structs.replace(settings, jwt_secret=environment.secret(settings)) if signs else settings


def tell(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def database() -> Generator[str]:
    settings = environment.read()
    with ExitStack() as stack:
        yield settings.database_url or stack.enter_context(embedded(settings.data_dir))
