"""The public keys of an issuer, fetched when they are needed and kept for five minutes.

One fetch at a time, of bounded size and time, whose outcome is shared by all who wait for it. A token with a key that
is not known makes us ask again, but not more than once in half a minute. Only keys that fit their algorithm are kept.
"""

import asyncio
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import httpx2
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Raw, Struct

from server.errors import StartupError, Unauthenticated, Unavailable

FRESH = 300.0
ASK_AGAIN = 30.0
FETCH = 5.0
DOCUMENT_BYTES = 262_144
KEYS = 100
RSA_BITS = 2_048
PLAIN = {"accept": "application/json", "accept-encoding": "identity"}


class JsonWebKey(Struct, omit_defaults=True):
    """RFC 7517: the public half of a key. What else it holds, a private half too, is not read."""

    kty: str
    kid: str | None = None
    use: str = "sig"
    alg: str | None = None
    crv: str | None = None
    n: str | None = None
    e: str | None = None
    x: str | None = None
    y: str | None = None

    @property
    def algorithm(self) -> str | None:
        """The one algorithm of ours that this key is for."""
        kind = "RS256" if self.kty == "RSA" else "ES256" if (self.kty, self.crv) == ("EC", "P-256") else None
        return kind if self.use == "sig" and self.alg in (None, kind) else None


class JsonWebKeySet(Struct):
    """RFC 7517: keys of any kind; each is read by itself, so that one we cannot read does not hide the others."""

    keys: list[Raw]


class KeySet:
    """The keys at a URL: https, or http on this machine. Times in seconds of `clock`."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = safe(url)
        self._clock = clock
        self._lock = asyncio.Lock()
        self._keys: list[tuple[str | None, jwt.PyJWK]] = []
        self._fetched_at: float | None = None
        self._asked_at: float | None = None

    async def key(self, algorithm: str, kid: str | None) -> jwt.PyJWK:
        """Raises Unauthenticated if there is no such key, Unavailable if the issuer does not tell."""
        if self._fetched_at is None or self._clock() - self._fetched_at >= FRESH:
            await self._fetch()
        found = self._find(algorithm, kid)
        if found is None and self._may_ask_again():
            await self._fetch()
            found = self._find(algorithm, kid)
        if found is None:
            raise Unauthenticated
        return found

    def _find(self, algorithm: str, kid: str | None) -> jwt.PyJWK | None:
        """The key of that name; or the only one there is, for a token that names none."""
        fitting = [key for name, key in self._keys if key.algorithm_name == algorithm and kid in (None, name)]
        return fitting[0] if len(fitting) == 1 else None

    def _may_ask_again(self) -> bool:
        return self._asked_at is None or self._clock() - self._asked_at >= ASK_AGAIN

    async def _fetch(self) -> None:
        before = self._asked_at
        async with self._lock:
            if self._asked_at == before:
                await self._ask()
            elif self._fetched_at != self._asked_at:
                raise Unavailable

    async def _ask(self) -> None:
        asked_at = self._clock()
        try:
            async with asyncio.timeout(FETCH):
                keys = read(await download(self._url))
        except (TimeoutError, httpx2.HTTPError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._asked_at = asked_at
            raise Unavailable from error
        self._keys = keys
        self._asked_at = self._fetched_at = asked_at


def safe(url: str) -> str:
    """Keys that came over the network in the clear could be anybody's. Raises StartupError."""
    try:
        parts = urlsplit(url)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1") and parts.port != 0
    except ValueError:
        raise StartupError("TUTORHUB_JWKS_URL is not a URL") from None
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise StartupError("TUTORHUB_JWKS_URL must be an https URL (http only on this machine)")
    return url


async def download(url: str) -> bytes:
    """Raises httpx2.HTTPError, or ValueError for a document that is too large."""
    document = bytearray()
    async with httpx2.AsyncClient(timeout=FETCH) as client, client.stream("GET", url, headers=PLAIN) as response:
        response.raise_for_status()
        async for piece in response.aiter_raw():
            document += piece
            if len(document) > DOCUMENT_BYTES:
                raise ValueError("the key set is too large")
    return bytes(document)


def read(document: bytes) -> list[tuple[str | None, jwt.PyJWK]]:
    """The keys that we can use, with their names. Raises msgspec.DecodeError if it is no key set at all."""
    entries = msgspec.json.decode(document, type=JsonWebKeySet).keys[:KEYS]
    return [usable for entry in entries if (usable := read_key(entry)) is not None]


def read_key(entry: Raw) -> tuple[str | None, jwt.PyJWK] | None:
    try:
        written = msgspec.json.decode(entry, type=JsonWebKey)
        if written.algorithm is None:
            return None
        key = jwt.PyJWK(cast(dict[str, str], msgspec.to_builtins(written)), written.algorithm)
    except (msgspec.MsgspecError, jwt.PyJWTError, ValueError, TypeError):
        return None
    weak = isinstance(key.key, RSAPublicKey) and key.key.key_size < RSA_BITS
    return None if weak else (written.kid, key)
