"""Sealing: whoever reads the database without the keys learns no word of what people have said. No I/O.

Each user has a key of their own, and what is sealed under it says what it is: put into another place, it does not open.
A sealed text is a text, so that a column holds either: a mark, then base64. A plain text that begins with the mark is
stored with the mark said twice. An empty text stays empty.

Nonces are random. AES-GCM bears 2^32 of them under one key, and no user says that much.
"""

import hmac
import os
import sys
from base64 import b64decode, b64encode
from hashlib import blake2b
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server import words
from server.errors import SealedWithMissingKey

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

MARK = "\x01"
KEY_BYTES = 32
NONCE_BYTES = 12
_KEYED = b"\x01"
"""Stands before a hash that is keyed."""


def about(what: str, row: UUID) -> bytes:
    """What a sealed value is, and of which row."""
    return what.encode() + row.bytes


def is_marked(stored: str) -> bool:
    """It is not as it was said: it is sealed, or begins as what is sealed does."""
    return stored.startswith(MARK)


class Unsealed:
    """Of a user without a key: all is stored as it is. What is sealed cannot be opened."""

    overhead = 0
    """Bytes by which something sealed is longer."""
    wrapped: bytes | None = None
    """The key as it is stored."""

    def seal(self, text: str, about: bytes) -> str:
        return MARK + text if text.startswith(MARK) else text

    def open(self, stored: str, about: bytes) -> str:
        """What was sealed as the same thing; a plain text as it is. Raises SealedWithMissingKey."""
        if not is_marked(stored):
            return stored
        return stored[1:] if stored.startswith(MARK, 1) else self._opened(stored[1:], about)

    def seal_bytes(self, data: bytes, about: bytes) -> bytes:
        return data

    def open_bytes(self, data: bytes, about: bytes) -> bytes:
        """Raises SealedWithMissingKey if it was not sealed by this key, as the same thing."""
        return data

    def hashed(self, body: bytes) -> bytes:
        """A hash of 32 bytes, as it is stored: a short text must not be found by hashing all short texts."""
        return body

    def is_hash_of(self, stored: bytes | None, body: bytes) -> bool:
        """Whether the stored hash, keyed or not yet, is of this one."""
        return stored == body

    def words(self, text: str) -> list[str]:
        """The words of a text, as they are stored."""
        return words.words(text)

    def query(self, text: str, *, whole: bool = False) -> str | None:
        """What is asked of the stored words, as the text of a tsquery. None: there are no words."""
        return words.query(text, whole=whole)

    def terms(self, text: str) -> list[str]:
        """The words that are asked for, as they may be compared with the stored ones; none if these are hidden."""
        return words.asked(text)[0]

    def _opened(self, sealed: str, about: bytes) -> str:
        raise SealedWithMissingKey


class UserKey(Unsealed):
    """`complete`: nothing that was stored before there was a key is still unsealed."""

    overhead = NONCE_BYTES + 16

    def __init__(self, secret: bytes, wrapped: bytes, *, complete: bool) -> None:
        self.wrapped = wrapped
        self.complete = complete
        self._cipher = AESGCM(derived(secret, b"seal"))
        self._for_words = blake2b(key=derived(secret, b"search"), digest_size=words.HASH_BYTES)
        self._for_hashes = derived(secret, b"hash")

    @override
    def seal(self, text: str, about: bytes) -> str:
        return MARK + b64encode(self.seal_bytes(text.encode(), about)).decode() if text else ""

    @override
    def seal_bytes(self, data: bytes, about: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, about)

    @override
    def open_bytes(self, data: bytes, about: bytes) -> bytes:
        try:
            return self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            raise SealedWithMissingKey from None

    @override
    def hashed(self, body: bytes) -> bytes:
        return _KEYED + hmac.digest(self._for_hashes, body, "sha256")

    @override
    def is_hash_of(self, stored: bytes | None, body: bytes) -> bool:
        return stored in (body, self.hashed(body))

    @override
    def words(self, text: str) -> list[str]:
        return words.hidden(text, self._for_words)

    @override
    def query(self, text: str, *, whole: bool = False) -> str | None:
        """Until all is sealed, the words are also asked for as they are."""
        asked = words.hidden_query(text, self._for_words, whole=whole)
        return asked if asked is None or self.complete else f"({asked}) | ({words.query(text, whole=whole)})"

    @override
    def terms(self, text: str) -> list[str]:
        return []

    @override
    def _opened(self, sealed: str, about: bytes) -> str:
        try:
            return self.open_bytes(b64decode(sealed), about).decode()
        except ValueError:
            raise SealedWithMissingKey from None


def derived(secret: bytes, purpose: bytes) -> bytes:
    """A key for one purpose."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"tutorhub " + purpose).derive(secret)
