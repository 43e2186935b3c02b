"""What many tests need: a real PostgreSQL, a fresh database of it for each test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from server.logs import PROCESSORS
from server.store.embedded import embedded

pytest_plugins = ["tests.canaries"]

structlog.configure(processors=list(PROCESSORS))  # a hub in the test's own process logs what one of production does


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may take longest begins first: in the end all would wait for it."""
    items.sort(key=_may_take, reverse=True)


def _may_take(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


@contextmanager
def fresh_folder() -> Generator[Path]:
    """An empty folder that PostgreSQL can reach: as root it runs as `nobody`, who cannot enter pytest's own."""
    parent = None
    if os.geteuid() == 0:
        parent = Path("/var/lib/tutorhub")
        parent.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="test-", dir=parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def data_dir() -> Generator[Path]:
    """A fresh data folder for a hub or a PostgreSQL."""
    with fresh_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def cluster() -> Generator[str]:
    """How to connect to a PostgreSQL server as its superuser: TUTORHUB_TEST_DATABASE_URL, else one of our own."""
    if url := os.environ.get("TUTORHUB_TEST_DATABASE_URL"):
        yield url
    else:
        with fresh_folder() as folder, embedded(folder, durable=False) as conninfo:
            with psycopg.connect(conninfo, autocommit=True) as conn:
                # A database lives for a second, and there are hundreds.
                conn.execute("ALTER SYSTEM SET autovacuum = off")
                conn.execute("SELECT pg_reload_conf()")
            yield conninfo


@contextmanager
def _database(cluster: str, template: str = "template1") -> Generator[str]:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(cluster, autocommit=True) as conn:
        conn.execute(
            SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(Identifier(name), Identifier(template))
        )
        try:
            yield make_conninfo(cluster, dbname=name)
        finally:
            conn.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def empty_database_url(cluster: str) -> Generator[str]:
    """A database with nothing in it."""
    with _database(cluster) as url:
        yield url


@pytest.fixture(scope="session")
def migrated(cluster: str) -> Generator[str]:
    """The name of a database that has our tables and no rows, to be copied and not to be connected to."""
    from server.store.migrations import migrate

    with _database(cluster) as url:
        asyncio.run(migrate(url))
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database_url(cluster: str, migrated: str) -> Generator[str]:
    """A fresh database with our tables and no rows."""
    with _database(cluster, template=migrated) as url:
        yield url
