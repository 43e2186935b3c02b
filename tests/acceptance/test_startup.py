"""How `python -m server serve` begins and ends: one clear line when it cannot, and never later than promised.

Long because the table of what it is started with is read as one list.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.device import Device, device
from tests.hostile import http
from tests.hub import SECRET, Child, child
from tests.provider import HOLD, provider

GIVES_UP_WITHIN = 20.0
NOWHERE = "postgresql://nobody@127.0.0.1:{}/nothing"


class Ended(Struct):
    code: int | None
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()


async def serve(*arguments: str, **environ: str) -> Ended:
    """Start it, or Python with these arguments, and wait until it gives up."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("TUTORHUB_", "OPENAI_", "DATABASE_"))
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(arguments or ("-m", "server", "serve")),
        env=clean | {"TUTORHUB_PORT": "0", "TUTORHUB_JWT_SECRET": SECRET, "PYTHONWARNINGS": "error"} | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(GIVES_UP_WITHIN):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    sys.stderr.write(out.decode() + err.decode())  # the test's own output, which is searched for canaries
    return Ended(process.returncode, out.decode(), err.decode())


def says_in_one_line(ended: Ended, *words: str) -> None:
    assert ended.code == 1, ended
    assert len(ended.lines) == 1, ended.err
    assert ended.lines[0].startswith("Error: ")
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err
    assert "listens on" not in ended.out


def a_free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_a_database_that_nobody_serves_is_one_line() -> None:
    url = NOWHERE.format(a_free_port())
    says_in_one_line(await serve(TUTORHUB_DATABASE_URL=url), "database", "refused")


async def test_a_database_that_never_answers_is_one_line() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        says_in_one_line(await serve(TUTORHUB_DATABASE_URL=NOWHERE.format(mute.getsockname()[1])), "database")


async def test_a_database_that_is_not_there_or_refuses_us_is_one_line_without_the_password(database_url: str) -> None:
    for wrong in ({"dbname": "no_such_database"}, {"user": "no_such_user", "password": "canary-password"}):
        url = make_conninfo(database_url, **wrong)
        ended = await serve(TUTORHUB_DATABASE_URL=url)
        says_in_one_line(ended, "database")
        assert "canary" not in ended.err


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://127.0.0.1/",
        "postgresql://[::1",
        "host=/nonexistent",
        "postgresql://x:canary@:port/",
        "postgresql://x:canary%zz@127.0.0.1/x",
        "mysql://x:canary@127.0.0.1/x",
        "postgresql://x:canary@[::1/x",
    ],
)
async def test_a_database_url_that_is_none_is_one_line_without_the_password(url: str) -> None:
    ended = await serve(TUTORHUB_DATABASE_URL=url)
    says_in_one_line(ended, "")
    assert "database" in ended.err.lower()
    assert "canary" not in ended.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_BASE_URL", "http://"),
        ("OPENAI_API_KEY", "schlüssel"),
        ("TUTORHUB_JWKS_URL", "http://[x"),
        ("TUTORHUB_JWKS_URL", "https://"),
    ],
)
async def test_an_address_or_a_key_that_cannot_be_meant_is_one_line(database_url: str, name: str, value: str) -> None:
    environ = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", name: value}
    says_in_one_line(await serve(TUTORHUB_DATABASE_URL=database_url, **environ), name)


async def test_a_database_that_may_not_be_changed_is_one_line(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        name = sql.Identifier(conn.info.dbname)
        conn.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    says_in_one_line(await serve(TUTORHUB_DATABASE_URL=database_url), "read-only")


async def test_a_port_in_use_is_one_line(database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        says_in_one_line(await serve(TUTORHUB_DATABASE_URL=database_url, TUTORHUB_PORT=port), port, "in use")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "::x"])
async def test_an_address_that_is_not_ours_is_one_line(database_url: str, host: str) -> None:
    says_in_one_line(await serve(TUTORHUB_DATABASE_URL=database_url, TUTORHUB_HOST=host), host)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TUTORHUB_PORT", "70000"),
        ("TUTORHUB_PORT", "-1"),
        ("TUTORHUB_PORT", "http"),
        ("TUTORHUB_POOL_SIZE", "0"),
        ("TUTORHUB_POOL_SIZE", "1e999"),
        ("TUTORHUB_LOG_LEVEL", "loud"),
        ("TUTORHUB_JWT_SECRET", "short"),
        ("TUTORHUB_JWKS_URL", "ftp://x"),
        ("TUTORHUB_OPENAI_BASE_URL", "nonsense"),
        ("TUTORHUB_TURN_SILENCE", "0"),
        ("TUTORHUB_TURN_SILENCE", "nan"),
        ("TUTORHUB_TURN_SILENCE", "inf"),
        ("TUTORHUB_TURN_PENDING", "1.5"),
        ("TUTORHUB_DEV_SIGN_IN", "perhaps"),
        ("TUTORHUB_DATABASE_URL_FILE", "/nonexistent"),
    ],
)
async def test_a_bad_setting_is_one_line_that_names_it(name: str, value: str) -> None:
    given = {"TUTORHUB_DATABASE_URL": NOWHERE.format(1)} if "DATABASE" not in name else {}
    ended = await serve(**(given | {name: value}))
    says_in_one_line(ended, name)
    if "SECRET" in name:
        assert value not in ended.err.replace(name, "")


async def test_several_bad_settings_are_said_at_once() -> None:
    ended = await serve(TUTORHUB_PORT="x", TUTORHUB_POOL_SIZE="x")
    assert ended.code == 1
    assert "TUTORHUB_PORT" in ended.err
    assert "TUTORHUB_POOL_SIZE" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
async def test_signing_in_as_anybody_is_refused_on_an_address_that_others_reach(host: str) -> None:
    ended = await serve(TUTORHUB_DEV_SIGN_IN="1", TUTORHUB_HOST=host, TUTORHUB_DATABASE_URL=NOWHERE.format(1))
    says_in_one_line(ended, "TUTORHUB_DEV_SIGN_IN", host)


async def test_a_schema_whose_migration_was_changed_is_one_line(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE schema_migrations SET checksum = 'another'")
    says_in_one_line(await serve(TUTORHUB_DATABASE_URL=database_url), "0001_timeline", "changed")


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_certificate_that_cannot_be_used_is_one_line(
    database_url: str, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "certificate.pem"
    if content is not None:
        file.write_text(content)
    tls = {"TUTORHUB_TLS_CERT": str(file), "TUTORHUB_TLS_KEY": str(file)}
    says_in_one_line(await serve(TUTORHUB_DATABASE_URL=database_url, **tls), "TUTORHUB_TLS_CERT")


async def test_a_folder_for_data_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    says_in_one_line(
        await serve(TUTORHUB_DATA_DIR=str(tmp_path / "file" / "data"), TUTORHUB_JWT_SECRET=""), "TUTORHUB_JWT_SECRET"
    )
    says_in_one_line(await serve(TUTORHUB_DATA_DIR=str(tmp_path / "file" / "data")))


# The end.


async def until_ready(hub: Child) -> None:
    assert (await http(hub.hub, "GET", "/readyz")).status == 200


@asynccontextmanager
async def with_a_stuck_peer(database_url: str) -> AsyncGenerator[tuple[Child, Device]]:
    """A hub that streams lots to a device which reads nothing, and to one that reads."""
    text = "a long piece of text " * 100
    async with (
        provider(lambda _: [*[text] * 60, HOLD]) as tutor,
        child(database_url, tutor.base_url, TUTORHUB_TURN_REPLY_BYTES="131072", TUTORHUB_TURN_MERGE="0") as hub,
        device(hub.hub, name="stuck") as stuck,
        device(hub.hub, name="reader") as reader,
    ):
        sessions = [await reader.create() for _ in range(30)]
        for session in sessions:
            await stuck.until(lambda session=session: session in stuck.timeline.sessions)
            await stuck.open(session)
            await reader.open(session)
        await stuck.stall()
        replies = [(await reader.send(session, "Tell me a lot.")).reply for session in sessions]
        await reader.until(lambda: sum(len(reader.text(reply)) for reply in replies) > 3_000_000)
        yield hub, reader


async def test_a_sigterm_ends_it_in_time_with_0_although_a_peer_reads_nothing(database_url: str) -> None:
    async with with_a_stuck_peer(database_url) as (hub, reader):
        began = time.monotonic()
        assert await hub.end() == 0
        assert time.monotonic() - began < 10
        await reader.until(lambda: reader.closed is not None)
        assert reader.closed == 4000


async def test_a_second_sigterm_ends_it_at_once(database_url: str) -> None:
    async with with_a_stuck_peer(database_url) as (hub, _):
        hub.process.send_signal(signal.SIGTERM)
        hub.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        code = await hub.process.wait()
        assert time.monotonic() - began < 2
        assert code == 0


AS_IT_STARTS = """
import os, signal
from server import cli

banner = cli._banner

def banner_and_signal(instance):
    banner(instance)
    os.kill(os.getpid(), signal.SIGTERM)

cli._banner = banner_and_signal
cli.main(["serve"])
"""


async def test_a_sigterm_in_the_moment_it_is_ready_ends_it_in_time_without_a_traceback(database_url: str) -> None:
    ended = await serve("-c", AS_IT_STARTS, TUTORHUB_DATABASE_URL=database_url)
    assert ended.code == 0, ended
    assert "Traceback" not in ended.err


async def test_an_interrupt_from_the_keyboard_ends_it_as_a_sigterm_does(database_url: str) -> None:
    async with child(database_url) as hub, device(hub.hub) as phone:
        hub.process.send_signal(signal.SIGINT)
        assert await hub.process.wait() == 0
        await phone.until(lambda: phone.closed is not None)
        assert phone.closed == 4000


async def test_a_request_and_a_hello_that_never_end_do_not_hold_it_up(database_url: str) -> None:
    async with child(database_url) as hub:
        await until_ready(hub)
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.hub.port)
        writer.write(b"POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
        silent_reader, silent_writer = await asyncio.open_connection("127.0.0.1", hub.hub.port)
        silent_writer.write(b"GET /ws HTTP/1.1\r\nHost: x\r\n")
        await writer.drain()
        began = time.monotonic()
        assert await hub.end() == 0
        assert time.monotonic() - began < 10
        for each in (writer, silent_writer):
            each.transport.abort()
        for each in (reader, silent_reader):
            with suppress(ConnectionError):
                assert b" 500 " not in await each.read()
