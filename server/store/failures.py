"""What an error of PostgreSQL, or of the way to it, means for whoever asked. No I/O."""

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from server.errors import ConnectionBroken, StorageFull, Unavailable

STORAGE_FULL_RETRY = 5_000
OF_NO_USE = frozenset(
    {
        "57P01",  # terminated by an operator, or by a restart
        "57P02",  # another process of the server has crashed
        "57P03",  # the server is starting or stopping
        "57P05",  # terminated, as idle
        "25P03",  # terminated, as idle in a transaction
        "25006",  # read-only: a standby, or what was the primary before a fail-over
        "55000",  # asked for the end of its log, which a standby does not have
    }
)
"""The states with which the server says that a connection is of no use any more."""


class DatabaseFault(Exception):
    """A fault of ours in a statement. What the database said of it is left out: it repeats the row, text and all."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(f"{type(error).__name__} {error.sqlstate} {error.diag.constraint_name or ''}".strip())


def refusal_for(error: psycopg.Error, *, away: bool) -> Unavailable | None:
    """What the caller is told. None: it is a fault of ours."""
    if isinstance(error, PoolTimeout):
        return ConnectionBroken(retry_after_ms=1_000) if away else Unavailable(retry_after_ms=1_000)
    if isinstance(error, TooManyRequests | PoolClosed):
        return Unavailable(retry_after_ms=1_000)
    if isinstance(error, psycopg.errors.DiskFull):
        return StorageFull(retry_after_ms=STORAGE_FULL_RETRY)
    if is_broken(error):
        return ConnectionBroken(retry_after_ms=1_000)
    if isinstance(error, psycopg.OperationalError):
        return Unavailable(retry_after_ms=1_000)
    return None


def is_broken(error: psycopg.Error) -> bool:
    """The connection is of no use any more. The server said so, or it said nothing and is gone."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate in OF_NO_USE or error.sqlstate.startswith("08")
