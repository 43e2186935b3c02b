"""Addresses that open one file to whoever has them, for a short time. No I/O.

An address carries who the file belongs to, which it is and until when, sealed under a key of the hub's: nobody can read
a name in it, make one, or change one. Sealing is deterministic (AES-SIV), and the end is rounded to a minute, so that
within a minute the same file has the same address, and a CDN keeps it once.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from protocol.ids import MediaId, UserId

LASTS = 300
"""Seconds, and up to a minute more."""
ROUNDED_TO = 60
ABOUT = b"tutorhub linked media 1"
LONGEST = 2_000
"""Letters; a user's name may have 255."""


class Link(Struct, frozen=True, array_like=True):
    """What an address stands for. `until` is in seconds of the epoch."""

    user: UserId
    media: MediaId
    form: Literal["", "thumbnail"]
    until: int

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.until, UTC)


_decoder = msgspec.msgpack.Decoder(Link)


class Links:
    """Made and read with a key that is derived from a `secret`: instances with the same one read each other's."""

    def __init__(self, secret: bytes) -> None:
        key = HKDF(algorithm=SHA256(), length=64, salt=None, info=ABOUT).derive(secret)
        self._cipher = AESSIV(key)

    def made(self, user: UserId, media: MediaId, form: Literal["", "thumbnail"], now: float) -> tuple[str, Link]:
        """The last part of an address, and what it stands for."""
        until = (int(now) + LASTS + ROUNDED_TO) // ROUNDED_TO * ROUNDED_TO
        link = Link(user, media, form, until)
        sealed = self._cipher.encrypt(msgspec.msgpack.encode(link), [ABOUT])
        return _written(sealed), link

    def read(self, token: str, now: float) -> Link | None:
        """None: it is none of ours, or its time is over. The seal is compared in constant time."""
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            if _written(sealed) != token:  # a link has one address: what the decoder overlooks makes no other
                return None
            link = _decoder.decode(self._cipher.decrypt(sealed, [ABOUT]))
        except (ValueError, InvalidTag, msgspec.MsgspecError):
            return None
        return link if link.until > now else None


def _written(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")
