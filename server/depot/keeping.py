"""The one way of bytes into a depot and out of it: in chunks, whole and in order, sealed where their user has a key."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

from msgspec import Struct

from server.depot.depot import Depot
from server.sealed_chunks import CHUNK_BYTES, needed, opened_chunk, sealed_chunk, sealed_chunk_bytes
from server.sealing import Unsealed


class Parcel(Struct, frozen=True):
    """What lies under a name: so many bytes before they are sealed, and what seals them."""

    name: str
    size: int
    key: Unsealed


async def keep(depot: Depot, parcel: Parcel, source: Path) -> None:
    """Put a file of this machine into the depot."""
    async with aclosing(_sealed(parcel, source)) as chunks:
        await depot.put(parcel.name, chunks)


async def kept(depot: Depot, parcel: Parcel, begin: int, end: int) -> AsyncGenerator[bytes]:
    """The bytes begin … end - 1 of what was kept. Raises Lost, SealedWithMissingKey."""
    need = needed(parcel.key, parcel.size, begin, end)
    number, skip, left = need.number, need.skip, need.keep
    async with (
        aclosing(depot.read(parcel.name, need.begin, need.end)) as pieces,
        aclosing(in_chunks(pieces, sealed_chunk_bytes(parcel.key))) as chunks,
    ):
        async for chunk in chunks:
            whole = opened_chunk(parcel.key, parcel.name.encode(), chunk, number, parcel.size)
            part = whole[skip : skip + left]
            yield part
            number, skip, left = number + 1, 0, left - len(part)


async def in_chunks(pieces: AsyncIterator[bytes], size: int = CHUNK_BYTES) -> AsyncGenerator[bytes]:
    """The same bytes in chunks of one size; the last may be shorter."""
    gathered = bytearray()
    async for piece in pieces:
        gathered += piece
        while len(gathered) >= size:
            yield bytes(gathered[:size])
            del gathered[:size]
    if gathered:
        yield bytes(gathered)


async def _sealed(parcel: Parcel, source: Path) -> AsyncGenerator[bytes]:
    number = 0
    with await asyncio.to_thread(source.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield sealed_chunk(parcel.key, parcel.name.encode(), chunk, number, parcel.size)
            number += 1
