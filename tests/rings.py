"""Key rings for tests, and all that a database and a Redis hold, as bytes, to be searched for words."""

import subprocess

import psycopg
from psycopg.conninfo import conninfo_to_dict

from server.key_ring import new_entry
from server.store.programs import programs
from tests.redis_server import RedisServer

OLD, NEW = new_entry("old"), new_entry("new")


def dump_of(database_url: str) -> bytes:
    """As pg_dump tells it, rows and all."""
    where = conninfo_to_dict(database_url)
    at = [f"--{name}={where[key]}" for name, key in (("host", "host"), ("port", "port"), ("username", "user"))]
    found = subprocess.run(
        [programs() / "pg_dump", "--no-owner", *at, str(where["dbname"])], check=True, capture_output=True
    )
    return found.stdout


def all_in(redis: RedisServer) -> bytes:
    """All keys, what they hold, and the channels that somebody listens to."""
    parts: list[object] = [redis.run("PUBSUB", "CHANNELS")]
    for key in _list(redis.run("KEYS", "*")):
        parts += [key, redis.run("HGETALL", key)]
    return repr(parts).encode()


def _list(found: object) -> list[bytes]:
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, bytes)]  # pyright: ignore[reportUnknownVariableType]


def rows(database_url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database_url) as conn:
        return conn.execute(statement.encode()).fetchall()
