"""On the way to PostgreSQL and to Redis everything is encrypted, where it is asked for, and the other end is known."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from psycopg.conninfo import conninfo_to_dict

from server.errors import StartupError
from server.store import migrations
from tests.database_proxy import DatabaseProxy
from tests.device import device
from tests.edge.sockets import certified
from tests.hub import running
from tests.provider import provider
from tests.redis_server import redis_server
from tests.tls_proxy import TlsProxy, tls_proxy


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    certificate, key, _ = certified(tmp_path)
    return certificate, key


@pytest.fixture
def another(tmp_path: Path) -> Path:
    """The certificate of somebody else."""
    (tmp_path / "other").mkdir()
    return certified(tmp_path / "other")[0]


@pytest_asyncio.fixture
async def database(database_url: str, trusted: tuple[Path, Path]) -> AsyncGenerator[TlsProxy]:
    async with tls_proxy(DatabaseProxy(database_url).socket, *trusted, postgres=True) as proxy:
        yield proxy


def encrypted(database_url: str, proxy: TlsProxy, trusted: Path, host: str = "127.0.0.1") -> str:
    known = conninfo_to_dict(database_url)
    options = f"sslmode=verify-full&sslrootcert={quote(str(trusted), safe='')}&gssencmode=disable"
    return f"postgresql://{known['user']}@{host}:{proxy.port}/{known['dbname']}?{options}"


async def test_a_conversation_over_an_encrypted_line_to_the_database(
    database_url: str, database: TlsProxy, trusted: tuple[Path, Path]
) -> None:
    url = encrypted(database_url, database, trusted[0])
    async with provider(lambda _: ["yes"]) as tutor, running(url, tutor.base_url) as hub, device(hub) as one:
        _, sent = await one.begin("is this private?")
        assert (await one.settled(sent.reply)).content == "yes"
    assert (database.passed > 1, database.refused) == (True, 0)


@pytest.mark.parametrize("wrong", ["another's certificate", "another name"])
async def test_a_database_that_cannot_show_who_it_is_is_not_used(
    database_url: str, database: TlsProxy, trusted: tuple[Path, Path], another: Path, wrong: str
) -> None:
    url = encrypted(database_url, database, trusted[0], "localhost")
    if wrong == "another's certificate":
        url = encrypted(database_url, database, another)
    with pytest.raises(StartupError, match="The database cannot be reached"):
        await migrations.migrate(url)


async def test_instances_hear_each_other_over_an_encrypted_line_to_redis(
    database_url: str, trusted: tuple[Path, Path], another: Path
) -> None:
    with redis_server() as redis:
        port = int(redis.url.rsplit(":", 1)[1].partition("/")[0])
        async with tls_proxy(port, *trusted) as proxy, provider(lambda _: ["yes"]) as tutor:
            url = f"rediss://127.0.0.1:{proxy.port}?ssl_ca_certs={trusted[0]}"
            async with (
                running(database_url, tutor.base_url, redis_url=url) as here,
                running(database_url, tutor.base_url, redis_url=url) as there,
                device(here) as one,
                device(there, name="other") as other,
            ):
                session, sent = await one.begin("is this private?")
                await other.until(lambda: session in other.timeline.sessions)
                assert (await one.settled(sent.reply)).content == "yes"
                assert here.instance is not None
                assert here.instance.broker.well
            assert (proxy.passed > 3, proxy.refused) == (True, 0)
            foreign = f"rediss://127.0.0.1:{proxy.port}?ssl_ca_certs={another}"
            async with running(database_url, tutor.base_url, redis_url=foreign) as hub, device(hub) as one:
                await one.create()
                async with asyncio.timeout(5):
                    while not proxy.refused:
                        await asyncio.sleep(0.05)
                assert hub.instance is not None
                assert not hub.instance.broker.well
