"""A tsvector and a jsonb as PostgreSQL takes them in binary.

A text's words are the hub's own. They are those of its pieces, if these begin and end between words; and as a piece is
said again and again, its words are found once.
"""

import struct
from functools import lru_cache

from msgspec import Struct

from protocol.codec import encode
from server import words

REMEMBERED = 200_000
"""Pieces whose words are known: up to 300 MB."""

_no_positions = "\0\0\0"
_count = struct.Struct("!i").pack
_JSONB_VERSION = b"\x01"


class Vector(bytes):
    """The number of words, then each with a NUL and no positions, in order."""

    __slots__ = ()


class Json(bytes):
    """The version of the format, then JSON."""

    __slots__ = ()


def vector_of_pieces(pieces: list[str]) -> Vector:
    """The words of a text, whose pieces these are."""
    found = frozenset[bytes]().union(*map(_words_of, pieces))
    return Vector(_count(len(found)) + b"".join(sorted(found)))


def vector_of_words(found: list[str]) -> Vector:
    """Of words that each come once."""
    return Vector(_count(len(found)) + b"".join(sorted(map(_entry, found))))


def json(value: Struct) -> Json:
    return Json(_JSONB_VERSION + encode(value))


@lru_cache(REMEMBERED)
def _words_of(piece: str) -> frozenset[bytes]:
    return frozenset(map(_entry, words.words(piece)))


def _entry(word: str) -> bytes:
    return (word + _no_positions).encode()
