"""Key rings for tests, and all that a database and a Redis hold, as bytes, to be searched for words."""

import subprocess
from base64 import b64encode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from server.store.programs import programs
from tests.redis_server import RedisServer

OLD, NEW = (f"{name}:{b64encode(name.encode() * 11)[:43].decode()}=" for name in ("old", "new"))


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
        read = {
            b"list": ("LRANGE", key, "0", "-1"),
            b"hash": ("HGETALL", key),
            b"string": ("GET", key),
            b"zset": ("ZRANGE", key, "0", "-1"),
        }
        parts += [key, redis.run(*read[_kind(redis.run("TYPE", key))])]
    return repr(parts).encode()


def _list(found: object) -> list[bytes]:
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, bytes)]  # pyright: ignore[reportUnknownVariableType]


def rows(database_url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database_url) as conn:
        return conn.execute(statement.encode()).fetchall()


def _kind(found: object) -> bytes:
    return found if isinstance(found, bytes) else str(found).encode()
