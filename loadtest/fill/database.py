"""The database that is filled: whether it can be, and what is left to do in the end."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import psycopg

from loadtest.fill.shape import Wanted
from server.store import migrations

PRESENT = "SELECT user_id FROM users WHERE starts_with(user_id, %s)"
SOMEBODY_SEALED = "SELECT EXISTS (SELECT FROM users WHERE key IS NOT NULL)"
FOLDER = "SELECT setting FROM pg_settings WHERE name = 'data_directory'"
LOG_BYTES = "SELECT pg_size_bytes(current_setting('max_wal_size'))"
BYTES = "SELECT pg_database_size(current_database())"
TIDY = "VACUUM (ANALYZE) users, sessions, messages"

BYTES_OF_A_MESSAGE = 600
"""With its indexes and its share of a session, beside what depends on its text."""
BYTES_OF_A_LETTER = 3.0
"""Of a byte of a text: itself, in its words, and in their index. Measured at 0.1 and 2 million messages."""
SEALED = 2.5
"""So many times as much is what is sealed."""

Connection = psycopg.Connection[tuple[Any, ...]]


class FillFault(Exception):
    """It cannot be filled: says why, and how to go on."""


def prepare(conninfo: str) -> None:
    """An empty database is given the schema.

    Raises FillFault for a database of an older version, StartupError for one that is newer or is not there.
    """
    applied = dict(asyncio.run(migrations.status(conninfo)))
    missing = [name for name, is_there in applied.items() if not is_there]
    if len(missing) == len(applied):
        asyncio.run(migrations.migrate(conninfo))
    elif missing:
        raise FillFault(
            f"The database is of an older version: it lacks {missing[0]}. Bring it up with `tutorhub migrate up`,"
            " or fill another one."
        )


def connect(conninfo: str) -> Connection:
    return psycopg.connect(conninfo, autocommit=True, application_name="tutorhub fill")


def missing(conn: Connection, wanted: Wanted, *, resume: bool) -> list[str]:
    """The users who are to be made. Raises FillFault if some are there, and nobody said to resume."""
    present = {str(name) for (name,) in conn.execute(PRESENT, (f"{wanted.prefix}-",))}
    if present and not resume:
        raise FillFault(
            f"It is filled already: {len(present):,} users are there whose names begin with {wanted.prefix}-."
            " `--resume` makes those that are not, `--prefix NAME` makes others."
        )
    return [name for name in wanted.names() if name not in present]


def check_seals(conn: Connection, ring: str | None) -> None:
    """Raises FillFault if others are sealed, and these would not be."""
    if ring is None and _first(conn.execute(SOMEBODY_SEALED)):
        raise FillFault(
            "What is there is sealed, and what is made would not be: set TUTORHUB_ENCRYPTION_KEYS as the hub has it."
        )


def check_room(conn: Connection, messages: int, mean_bytes: float, *, sealed: bool) -> str:
    """What is known of the room, in words. Raises FillFault if it is not enough for so many texts of this mean."""
    each = (BYTES_OF_A_MESSAGE + BYTES_OF_A_LETTER * mean_bytes) * (SEALED if sealed else 1)
    need = int(messages * each) + int(_first(conn.execute(LOG_BYTES)))
    free = _free(conn)
    if free is None:
        return f"needs about {in_words(need)}; where the database lies cannot be seen from here"
    if free < need:
        raise FillFault(
            f"This needs about {in_words(need)}, and {in_words(free)} are free where the database lies."
            " Take fewer --users, or another --database."
        )
    return f"needs about {in_words(need)} of the {in_words(free)} that are free"


def size(conn: Connection) -> int:
    """Bytes of all that is in it."""
    return int(_first(conn.execute(BYTES)))


def tidy(conn: Connection) -> None:
    """What can be read from indexes alone is, and plans are made from what is there now."""
    conn.execute(TIDY)


def in_words(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _free(conn: Connection) -> int | None:
    """Bytes where the database lies. None: that is on another machine, in a container, or not for us to know."""
    folder, host = _first(conn.execute(FOLDER)), conn.info.host
    if folder is None or not (host.startswith("/") or host in ("", "localhost", "127.0.0.1", "::1")):
        return None
    try:
        return shutil.disk_usage(Path(folder)).free
    except OSError:
        return None


def _first(cursor: psycopg.Cursor[tuple[Any, ...]]) -> Any:
    row = cursor.fetchone()
    return row and row[0]
