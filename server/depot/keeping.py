"""The one way of bytes into a depot and out of it: in chunks of one size, whole and in order.

Whoever wants to seal what lies in a depot does it here, a chunk at a time: every chunk but the last has `CHUNK` bytes
of the file, and a range is read by the chunks that it touches.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

from server.depot.depot import Depot

CHUNK = 65_536


async def keep(depot: Depot, name: str, source: Path) -> None:
    """Put a file of this machine into the depot."""
    async with aclosing(_chunks_of(source)) as chunks:
        await depot.put(name, chunks)


async def kept(depot: Depot, name: str, begin: int, end: int) -> AsyncGenerator[bytes]:
    """The bytes begin … end - 1 of what was kept, which has so many at least. Raises Lost."""
    at = begin - begin % CHUNK
    async with aclosing(depot.read(name, at, end)) as pieces, aclosing(in_chunks(pieces)) as chunks:
        async for chunk in chunks:
            if part := chunk[max(0, begin - at) : end - at]:
                yield part
            at += len(chunk)


async def in_chunks(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The same bytes in chunks of one size; the last may be shorter."""
    gathered = bytearray()
    async for piece in pieces:
        gathered += piece
        while len(gathered) >= CHUNK:
            yield bytes(gathered[:CHUNK])
            del gathered[:CHUNK]
    if gathered:
        yield bytes(gathered)


async def _chunks_of(source: Path) -> AsyncGenerator[bytes]:
    with await asyncio.to_thread(source.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
