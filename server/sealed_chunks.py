"""Large things, sealed in chunks, so that a range of their bytes can be read without the rest. No I/O.

Each chunk is sealed as the one of its number, and as the last one or not: none can be left out, put elsewhere, or be
made the end. A thing without bytes is one empty chunk.
"""

from msgspec import Struct

from server.sealing import Unsealed

CHUNK_BYTES = 65_536


class Needed(Struct, frozen=True):
    """What a range of bytes needs of something sealed: from which byte to which (not included) it is to be read, the
    number of the chunk that begins there, and how much is to be left out of what is opened, and kept of it.
    """

    begin: int
    end: int
    number: int
    skip: int
    keep: int


def sealed_chunk(key: Unsealed, about: bytes, chunk: bytes, number: int, size: int) -> bytes:
    """A chunk of a thing that has so many bytes: of CHUNK_BYTES, but for the last."""
    return key.seal_bytes(chunk, _place(about, number, last=number == _chunks(size) - 1))


def opened_chunk(key: Unsealed, about: bytes, sealed: bytes, number: int, size: int) -> bytes:
    """A chunk of a thing that had so many bytes. Raises SealedWithMissingKey."""
    return key.open_bytes(sealed, _place(about, number, last=number == _chunks(size) - 1))


def sealed_size(key: Unsealed, size: int) -> int:
    """How many bytes something of this size has when it is sealed."""
    return size + _chunks(size) * key.overhead


def needed(key: Unsealed, size: int, begin: int, end: int) -> Needed:
    """For the bytes from `begin` to `end` (not included) of something of this size, of which there must be one."""
    first, last = begin // CHUNK_BYTES, (end - 1) // CHUNK_BYTES
    whole = sealed_chunk_bytes(key)
    return Needed(
        begin=first * whole,
        end=min((last + 1) * whole, sealed_size(key, size)),
        number=first,
        skip=begin - first * CHUNK_BYTES,
        keep=end - begin,
    )


def sealed_chunk_bytes(key: Unsealed) -> int:
    """Of every sealed chunk but the last."""
    return CHUNK_BYTES + key.overhead


def _chunks(size: int) -> int:
    return max(1, -(-size // CHUNK_BYTES))


def _place(about: bytes, number: int, *, last: bool) -> bytes:
    return b"%b chunk %d %d" % (about, number, last)
