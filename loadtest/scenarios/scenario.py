"""What a scenario is: a coroutine that lets a crowd do something in a world, and comes back with figures."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from loadtest.measured import Figure
from loadtest.world import World

Say = Callable[[str], None]
"""Tell a person how far it is, in a line."""


class Scenario(Struct, frozen=True):
    """`about` says in a line what happens; `sockets` and `instances` are how many, unless somebody chooses; `environ`
    is what its instances are set to.
    """

    about: str
    run: Callable[[World, int, Say], Awaitable[list[Figure]]]
    sockets: int
    instances: int
    environ: Mapping[str, str] = MappingProxyType({})
