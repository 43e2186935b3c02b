"""Arrays, put together here in PostgreSQL's own binary form: psycopg goes through them twice, and through Python for
each of their elements. No I/O.
"""

import sys
from collections.abc import Iterable
from struct import Struct as Packing
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.abc import AdaptContext, DumperKey
from psycopg.adapt import Dumper, PyFormat
from psycopg.postgres import types
from psycopg.pq import Format

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

_HEAD = Packing(">5i")
"""Dimensions, whether there are nulls, the type of the elements; the length of the one dimension, and its first index."""
_LENGTH = Packing(">i")
_INTEGER = Packing(">2i")
"""With its length before it."""
_NULL = _LENGTH.pack(-1)


class Array(Struct, frozen=True):
    """A parameter: the array of this type, as it goes over."""

    oid: int
    data: bytes


class _ArrayDumper(Dumper):
    """psycopg asks which of its dumpers takes an object, by its key, and makes one more for each."""

    format = Format.BINARY

    def __init__(self, cls: type, context: AdaptContext | None = None, oid: int = 0) -> None:
        super().__init__(cls, context)
        self.oid = oid

    @override
    def get_key(self, obj: Array, format: PyFormat) -> DumperKey:
        return (self.cls, obj.oid)  # pyright: ignore

    @override
    def upgrade(self, obj: Array, format: PyFormat) -> "_ArrayDumper":
        return _ArrayDumper(self.cls, oid=obj.oid)

    @override
    def dump(self, obj: Array) -> bytes:
        return obj.data


def understood(conn: AsyncConnection[Any]) -> None:
    """Statements on this connection take arrays."""
    conn.adapters.register_dumper(Array, _ArrayDumper)


def texts(values: Iterable[str | None]) -> Array:
    return _of_bytes("text", (None if value is None else value.encode() for value in values))


def uuids(values: Iterable[UUID]) -> Array:
    return _of_bytes("uuid", (value.bytes for value in values))


def byte_strings(values: Iterable[bytes | None]) -> Array:
    return _of_bytes("bytea", values)


def integers(values: Iterable[int]) -> Array:
    """Of four bytes each."""
    elements = [_INTEGER.pack(4, value) for value in values]
    return _array("int4", elements, len(elements))


def _of_bytes(name: str, values: Iterable[bytes | None]) -> Array:
    parts = list[bytes]()
    for value in values:
        if value is None:
            parts += (_NULL, b"")
        else:
            parts += (_LENGTH.pack(len(value)), value)
    return _array(name, parts, len(parts) // 2)


def _array(name: str, parts: list[bytes], count: int) -> Array:
    kind = types[name]
    head = _HEAD.pack(1, 1, kind.oid, count, 1)  # that there may be nulls is no promise that there are
    return Array(kind.array_oid, head + b"".join(parts))
