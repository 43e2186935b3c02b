"""The seam between media and where their bytes lie: a folder of this machine, or a bucket.

A name is made by us of hexadecimal letters, hyphens and full stops, with one slash, so that no depot must fear it.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from msgspec import Struct

NAME = re.compile(r"[0-9a-f]{64}/[0-9a-f-]{36}(\.[a-z]+)?")
"""Whose it is, which it is, and which form of it."""
OWNER = re.compile(r"[0-9a-f]{64}")


class Lost(Exception):
    """These bytes are not there."""


class Lying(Struct, frozen=True):
    """What lies in a depot, and since when, in seconds of the epoch."""

    name: str
    since: float


class Depot(Protocol):
    """Raises Unavailable when it cannot be reached, and StorageFull when it has no room."""

    async def put(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Keep these bytes: all of them or none, and still after a loss of power. The same name again replaces."""
        ...

    def read(self, name: str, begin: int, end: int) -> AsyncGenerator[bytes]:
        """The bytes begin … end - 1, in pieces of any size. Raises Lost."""
        ...

    async def remove(self, name: str) -> None:
        """It is no error if it is not there."""
        ...

    async def remove_all(self, owner: str) -> None:
        """Everything under the first part of a name."""
        ...

    def everything(self) -> AsyncGenerator[list[Lying]]:
        """What lies there, some at a time, in no order."""
        ...
