"""The commands of operators: tokens, users, keys, and the schema."""

import asyncio
import time
from contextlib import ExitStack

import click
from msgspec import structs

from protocol.ids import UserId
from server import environment, erasure, key_ring, media
from server.app import App
from server.edge import identity
from server.errors import Refusal, StartupError
from server.instance import Instance
from server.logs import log_to_stderr
from server.settings import Settings
from server.starting import chosen, database, one_line_errors, servers, tell
from server.store import erasure as erasures
from server.store import migrations, revocations, rotation
from server.store import users as users_of
from server.store.pool import Connection
from server.store.presence import somebody_runs
from server.store.rotation import Rotated
from server.tasks import cancel_all

LONGEST_HOURS = 87_600.0
BY_A_HUB_WITHIN = 60
"""Seconds: it is noticed after some, and done some later."""


@click.group()
def token() -> None:
    """Tokens: make one for development, revoke any."""


@token.command()
@click.option("--user", required=True, help="Who the token is for.")
@click.option("--hours", default=12.0, show_default=True)
@one_line_errors
def mint(user: str, hours: float) -> None:
    """Print a token that this instance's secret signs, and that lives for so many hours."""
    if not 0 < hours <= LONGEST_HOURS:
        raise StartupError("A token lives for more than nothing, and for ten years at most.")
    settings = chosen({})
    if settings.jwt_secret is None:
        raise StartupError("Tokens are made by the issuer of TUTORHUB_JWKS_URL: this hub takes no other.")
    click.echo(identity.mint(settings.jwt_secret, user, settings=settings, lifetime=hours * 3_600))


@token.command()
@click.argument("bearer", required=False, metavar="[TOKEN]")
@click.option("--user", help="Whose tokens, instead of one token.")
@click.option("--id", "token_id", help="Only the user's token with this id (jti).")
@one_line_errors
def revoke(bearer: str | None, user: str | None, token_id: str | None) -> None:
    """Let nobody in any more by this TOKEN, or by any token of a user that was issued until now.

    The sockets that it let in are closed within two seconds, on every instance.
    """
    if (bearer is None) == (not user) or (token_id is not None and not (user and token_id)):
        raise StartupError("Which tokens? Name one TOKEN, or a --user, or a --user and the --id of a token.")
    if token_id is not None and not identity.printable(token_id):
        raise StartupError("The id of a token has no control character.")
    settings = chosen({})
    with database() as conninfo:
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
        await revocations.revoke(conn, identity.named(user), token_id or revocations.EVERY_TOKEN, expires_at)
    return f"revoked: {f'token {token_id}' if token_id else 'every token'} of {user}"


@click.group("user")
def users() -> None:
    """What operators do about a user."""


@users.command("erase")
@click.argument("user")
@click.confirmation_option(prompt="Everything of this user is deleted, and there is no way back. Go on?")
@one_line_errors
def erase_command(user: str) -> None:
    """Delete everything of a USER, wherever it lies. Devices are closed at once."""
    settings = structs.replace(chosen({}), roles="hub", openai_base_url=None, local_model=None)
    log_to_stderr(settings.log_level)
    name = identity.named(user)
    with ExitStack() as stack:
        settings, conninfo = servers(settings, stack)
        asyncio.run(_erase(settings, conninfo, name))
    click.echo(f"erased: {user}")


async def _erase(settings: Settings, conninfo: str, user: UserId) -> None:
    """A hub that runs does it, as it knows where everything lies; without one it is done here."""
    async with migrations.in_use(conninfo) as conn:
        if not (await users_of.is_there(conn, user) or await erasures.is_marked(conn, user)):
            raise StartupError(f"Nothing is kept of a user {user}.")
        if await somebody_runs(conn):
            tell(f"Erasing {user}: a hub that runs does it, within half a minute …")
            return await _wait_for_a_hub(conn, user)
    tell(f"Erasing {user}; this takes some seconds …")
    try:
        async with App(settings, conninfo, lambda _: None).begun() as instance:
            await _check_that_files_are_here(instance, user)
            await erasure.wait_for(instance, user)
    except Refusal as refusal:
        raise StartupError(f"Not everything could be deleted: {refusal.detail} Say it again.") from refusal
    finally:
        await cancel_all()


async def _wait_for_a_hub(conn: Connection, user: UserId) -> None:
    await erasures.mark(conn, user)
    for _ in range(BY_A_HUB_WITHIN):
        if not await erasures.is_marked(conn, user):
            return
        await asyncio.sleep(1.0)
    raise StartupError(f"{user} is marked, and nobody gets in; a hub goes on with it. Look again later.")


async def _check_that_files_are_here(instance: Instance, user: UserId) -> None:
    """Or they would stay, with nobody knowing whose they are."""
    if not await media.lie_here(instance, user):
        raise StartupError(
            "The files of this user do not lie where this command looks. Give it the TUTORHUB_DATA_DIR or"
            " TUTORHUB_MEDIA_… and the TUTORHUB_ENCRYPTION_KEYS of the hub."
        )


@click.group()
def keys() -> None:
    """The keys under which what is stored is sealed: TUTORHUB_ENCRYPTION_KEYS."""


@keys.command("new")
@click.option("--name", help="What it is called; the day, if it is left out.")
@one_line_errors
def new_key(name: str | None) -> None:
    """Print a fresh key, as an entry of TUTORHUB_ENCRYPTION_KEYS."""
    entry = key_ring.new_entry(name or time.strftime("%Y-%m-%d"))
    try:
        key_ring.parsed(entry)
    except ValueError:
        raise StartupError("A name is up to 40 of A-Z, a-z, 0-9, dot, - and _.") from None
    click.echo(entry)


@keys.command("status")
@one_line_errors
def key_status() -> None:
    """How many users there are under each key, and how many that are not sealed in full."""
    with database() as conninfo:
        uses = asyncio.run(rotation.look(conninfo))
        if not uses:
            click.echo("Nobody was here yet.")
        for use in uses:
            what = "" if use.sealed or use.key_name is None else ", partly"
            click.echo(f"{use.users:>9,}  {use.key_name or 'not sealed'}{what}")


@keys.command("rotate")
@one_line_errors
def rotate() -> None:
    """Give all users the first key of the ring, and seal what is not sealed. It can be killed, and started again."""
    ring = environment.read().encryption_keys
    if ring is None:
        raise StartupError("TUTORHUB_ENCRYPTION_KEYS: is needed: its first key is the one that all are given.")
    with database() as conninfo:
        done = asyncio.run(rotation.rotate_in(conninfo, key_ring.parsed(ring), _tell_how_far))
    click.echo(f"done: {done.users:,} users, {done.rows:,} rows sealed")
    if done.missing:
        raise StartupError(
            f"{done.missing:,} users have keys that TUTORHUB_ENCRYPTION_KEYS lacks; they are as they were."
        )


@click.group()
def migrate() -> None:
    """The schema of the database. `serve` brings it up by itself."""


@migrate.command()
@one_line_errors
def up() -> None:
    """Apply what is missing."""
    with database() as conninfo:
        for name in asyncio.run(migrations.migrate(conninfo)) or ["nothing to do"]:
            click.echo(name)


@migrate.command()
@click.confirmation_option(prompt="This drops tables and what is in them. Go on?")
@one_line_errors
def down() -> None:
    """Take back the last migration."""
    with database() as conninfo:
        click.echo(asyncio.run(migrations.revert(conninfo)) or "nothing to do")


@migrate.command()
@one_line_errors
def status() -> None:
    """Which migrations the database has."""
    with database() as conninfo:
        for name, applied in asyncio.run(migrations.status(conninfo)):
            click.echo(f"{'applied' if applied else 'missing'}  {name}")


def _tell_how_far(done: Rotated) -> None:
    tell(f"{done.users:,} users, {done.rows:,} rows sealed")
