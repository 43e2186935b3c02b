"""Who is calling: a bearer JWT is an Identity, or it is Unauthenticated. Every wrong token gets the same answer.

PyJWT verifies the signature and nothing else: it takes an `exp` that is a text and ignores `kid`, so the header and the
claims are checked here, by type first. The algorithm decides which key is used, and each has its own kind of key, so a
public key never serves as a secret.
"""

import time
import unicodedata
from base64 import urlsafe_b64decode
from collections.abc import Callable
from math import isfinite
from typing import Annotated, Any
from uuid import uuid4

import jwt
import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.ids import UserId
from server.edge.key_set import KeySet
from server.errors import Expired, StartupError, Unauthenticated
from server.identity import LEEWAY, Identity
from server.settings import Settings

TOKEN_BYTES = 16_384
DOTS = 2
PADDING = "=="
"""More than is missing does no harm here."""
SECRET_BYTES = 32
LATEST = 253_402_300_800.0
"""The year 10000. What expires later is no date."""
LIFETIME = 43_200.0

NAME_LENGTH = 255

Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]


class Header(Struct):
    """The part of a token that is read before its signature is. There is no `crit` that we understand."""

    alg: str
    kid: Name | UnsetType = UNSET
    crit: Any = UNSET


class Claims(Struct):
    """What a token says; of these types, or it is not valid."""

    sub: Name
    exp: float
    iat: float | UnsetType = UNSET
    nbf: float | UnsetType = UNSET
    jti: Name | UnsetType = UNSET
    iss: str | UnsetType = UNSET
    aud: str | list[str] | UnsetType = UNSET


_header = msgspec.json.Decoder(Header)
_claims = msgspec.json.Decoder(Claims)


class Verifier:
    """Checks tokens made with our secret (HS256), or by an issuer whose public keys are known (RS256, ES256)."""

    def __init__(
        self,
        *,
        secret: str | None = None,
        keys: KeySet | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if secret is None and keys is None:
            raise StartupError("no way to check who is calling: set TUTORHUB_JWT_SECRET or TUTORHUB_JWKS_URL")
        self._secret = None if secret is None else strong(secret)
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._now = now
        self._signatures = jwt.PyJWS()

    async def verify(self, token: str) -> Identity:
        """Raises Unauthenticated, or Unavailable when the issuer's keys cannot be had."""
        try:
            header = self._header(token)
            claims = self._claims(token, header, await self._key(header))
        except (jwt.PyJWTError, msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
            raise Unauthenticated from error
        self._check(claims)
        return Identity(
            user=UserId(claims.sub),
            expires_at=claims.exp,
            token_id=None if claims.jti is UNSET else claims.jti,
            issued_at=None if claims.iat is UNSET else claims.iat,
        )

    def _header(self, token: str) -> Header:
        """Which key it wants. PyJWT reads it once more, strictly, and holds it to the algorithm that is named here."""
        if len(token) > TOKEN_BYTES or not token.isascii() or token.count(".") != DOTS:
            raise Unauthenticated
        header = _header.decode(urlsafe_b64decode(token.partition(".")[0] + PADDING))
        if header.crit is not UNSET:
            raise Unauthenticated
        return header

    async def _key(self, header: Header) -> Any:
        if header.alg == "HS256" and self._secret is not None:
            return self._secret
        if header.alg in ("RS256", "ES256") and self._keys is not None:
            return await self._keys.key(header.alg, None if header.kid is UNSET else header.kid)
        raise Unauthenticated

    def _claims(self, token: str, header: Header, key: Any) -> Claims:
        return _claims.decode(self._signatures.decode(token, key, algorithms=[header.alg]))

    def _check(self, claims: Claims) -> None:
        now = self._now()
        good = (
            printable(claims.sub)
            and (claims.jti is UNSET or printable(claims.jti))
            and claims.exp < LATEST
            and (claims.iat is UNSET or began(claims.iat, now))
            and (claims.nbf is UNSET or began(claims.nbf, now))
            and (self._issuer is None or claims.iss == self._issuer)
            and (self._audience is None or (claims.aud is not UNSET and meant_for(self._audience, claims.aud)))
        )
        if not good:
            raise Unauthenticated
        if claims.exp <= now:
            raise Expired


def verifier(settings: Settings) -> Verifier:
    """The verifier that the settings describe. Raises StartupError."""
    return Verifier(
        secret=settings.jwt_secret,
        keys=None if settings.jwks_url is None else KeySet(settings.jwks_url),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


def mint(
    secret: str,
    user: str,
    *,
    lifetime: float = LIFETIME,
    settings: Settings | None = None,
    now: Callable[[], float] = time.time,
) -> str:
    """A token for this user that a Verifier with these settings takes for so many seconds.

    Raises StartupError for a weak secret, or for a name that no user can have.
    """
    made_at = now()
    claims: dict[str, Any] = {"sub": named(user), "jti": uuid4().hex, "iat": made_at, "exp": made_at + lifetime}
    if settings is not None and settings.jwt_issuer is not None:
        claims["iss"] = settings.jwt_issuer
    if settings is not None and settings.jwt_audience is not None:
        claims["aud"] = settings.jwt_audience
    return jwt.encode(claims, strong(secret), algorithm="HS256")


def named(user: str) -> UserId:
    """Raises StartupError for a name that no user can have."""
    if not 0 < len(user) <= NAME_LENGTH or not printable(user):
        raise StartupError(f"A user's name has 1 to {NAME_LENGTH} characters, none of them a control character.")
    return UserId(user)


def bearer(header: str | None) -> str | None:
    """The token of an Authorization header, if it carries one."""
    scheme, _, token = (header or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def strong(secret: str) -> bytes:
    """Raises StartupError for one that can be guessed from a token (RFC 7518, 3.2), or that is a public key."""
    encoded = secret.encode(errors="surrogateescape")
    if len(encoded) < SECRET_BYTES:
        raise StartupError(f"TUTORHUB_JWT_SECRET must have at least {SECRET_BYTES} bytes")
    try:
        jwt.get_algorithm_by_name("HS256").prepare_key(encoded)
    except jwt.InvalidKeyError:
        raise StartupError("TUTORHUB_JWT_SECRET must be a secret, not a key pair") from None
    return encoded


def printable(name: str) -> bool:
    """No control character, NUL or half of a surrogate pair."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)


def began(moment: float, now: float) -> bool:
    return isfinite(moment) and moment <= now + LEEWAY


def meant_for(audience: str, said: str | list[str]) -> bool:
    return audience in ([said] if isinstance(said, str) else said)
