"""Arrays, put together here in PostgreSQL's own binary form: psycopg goes through them twice, and through Python for
each of their elements. No I/O.
"""

import sys
from collections.abc import Iterable
from struct import Struct as Packing
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

_HEAD = Packing(">5i")
"""Dimensions, whether there may be nulls, the type of the elements; of the one dimension its length and first index."""
_LENGTH = Packing(">i")
_INTEGER = Packing(">2i")
"""With its length before it."""
_NULL = _LENGTH.pack(-1)


class _Texts(bytes):
    pass


class _Uuids(bytes):
    pass


class _ByteStrings(bytes):
    pass


class _Integers(bytes):
    pass


_ELEMENTS: dict[type[bytes], str] = {_Texts: "text", _Uuids: "uuid", _ByteStrings: "bytea", _Integers: "int4"}


class _ArrayDumper(Dumper):
    """Passes on what is ready to go."""

    format = Format.BINARY

    @override
    def dump(self, obj: bytes) -> bytes:
        return obj


_DUMPERS = {
    kind: type(f"{kind.__name__}Dumper", (_ArrayDumper,), {"oid": types[name].array_oid})
    for kind, name in _ELEMENTS.items()
}


def understood(conn: AsyncConnection[Any]) -> None:
    """From now on statements on this connection take arrays."""
    for kind, dumper in _DUMPERS.items():
        conn.adapters.register_dumper(kind, dumper)


def texts(values: Iterable[str | None]) -> bytes:
    """A `text[]`; None is null."""
    return _array(_Texts, [None if value is None else value.encode() for value in values])


def uuids(values: Iterable[UUID]) -> bytes:
    """A `uuid[]`."""
    return _array(_Uuids, [value.bytes for value in values])


def byte_strings(values: Iterable[bytes | None]) -> bytes:
    """A `bytea[]`; None is null."""
    return _array(_ByteStrings, list(values))


def integers(values: Iterable[int]) -> bytes:
    """An `int4[]`. Raises struct.error for what has more than four bytes."""
    elements = [_INTEGER.pack(4, value) for value in values]
    return _Integers(_head(_Integers, len(elements)) + b"".join(elements))


def _array(kind: type[bytes], values: list[bytes | None]) -> bytes:
    parts = [_head(kind, len(values))]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts += (_LENGTH.pack(len(value)), value)
    return kind(b"".join(parts))


def _head(kind: type[bytes], count: int) -> bytes:
    return _HEAD.pack(1, 1, types[_ELEMENTS[kind]].oid, count, 1)
