"""What is put together here is what PostgreSQL takes for it."""

from collections.abc import Callable, Iterable
from struct import error
from typing import Any
from uuid import UUID

import pytest

from server.store import arrays
from server.store.pool import Database

KINDS: dict[str, tuple[Callable[[Iterable[Any]], bytes], list[list[object]]]] = {
    "text": (arrays.texts, [[], ["a"], ["", 'ü, {"}', None, "数学" * 100]]),
    "uuid": (arrays.uuids, [[], [UUID(int=1)], [UUID(int=2**128 - 1), UUID(int=0)]]),
    "bytea": (arrays.byte_strings, [[], [b"a"], [b"", b"\0\xff", None]]),
    "int": (arrays.integers, [[], [1], [0, -1, 2**31 - 1, -(2**31)]]),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_array_is_read_as_it_was_written(database_url: str, kind: str) -> None:
    made, examples = KINDS[kind]
    async with Database(database_url, 2) as database, database.connection() as conn:
        for values in examples:
            read = await conn.execute(f"SELECT %b::{kind} []".encode(), (made(values),))
            assert await read.fetchone() == (values,)


def test_an_integer_that_is_too_large_is_none() -> None:
    with pytest.raises(error):
        arrays.integers([2**31])
