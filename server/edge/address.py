"""Where somebody connects from, as limits see it."""

import ipaddress
from functools import lru_cache

from starlette.requests import HTTPConnection

NETWORK = 64
"""Bits of an IPv6 address: the rest a household chooses freely."""
REMEMBERED = 1_000
"""Peers: most come again, or there is a proxy before them all."""


def address_of(connection: HTTPConnection) -> str:
    """The peer's address, or what a trusted proxy has said of it; one word."""
    return _seen(connection.client.host if connection.client else "")


@lru_cache(REMEMBERED)
def _seen(host: str) -> str:
    try:
        known = ipaddress.ip_address(host)
    except ValueError:  # a socket of this machine has none
        return "here"
    if isinstance(known, ipaddress.IPv6Address):
        return str(known.ipv4_mapped or ipaddress.ip_network((known, NETWORK), strict=False))
    return str(known)
