"""How instances are unreadable, and cannot be imitated, to whoever else uses their Redis. No I/O.

Names of channels and keys begin with the deployment, so that two of them on one Redis do not hear each other, and hold
no name of a user. What is said is sealed with AES-GCM, as said in its channel or kept under its key: elsewhere it does
not open. What was said before can be said again by somebody else; that is as harmless as a message that comes twice.

Each instance seals with a key of its own, made of the secret and of a salt that is fresh at every start; its nonces are
counted. So none is ever used twice under one key, however much is said: random ones would be, after some billions.
"""

import hmac
import secrets
from functools import lru_cache
from itertools import count

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol.ids import MessageId, UserId
from server.store.deployments import Deployment

VERSION = b"3"
PREFIX = "tutorhub:" + VERSION.decode()

SPEAKERS = 1_000
"""Instances whose keys are remembered, those that were heard last."""
NAMES = 20_000
"""Of users, whose hashes are remembered, and of replies, whose drafts are (redis_draft.py)."""

_SALT = slice(1, 17)
_NONCE = slice(17, 29)
_SEALED = slice(29, None)
OVERHEAD = 29 + 16
"""Bytes by which something is longer when it is sealed."""


class Junk(Exception):
    """Not what an instance would say; the message is the name that it is counted by."""


class RedisSeal:
    """Of one instance. `wake` is where all instances are woken, `everybody` where a lone server's hear of all users."""

    def __init__(self, deployment: Deployment) -> None:
        self._prefix = f"{PREFIX}:{deployment.id}".encode()
        self.wake = self._prefix + b":wake"
        self.everybody = self._prefix + b":everybody"
        self._secret = deployment.secret
        self._salt = secrets.token_bytes(16)
        self._cipher = self._derived(self._salt)
        self._numbers = count()
        self._cipher_of = lru_cache(SPEAKERS)(self._derived)
        self._hidden = lru_cache(NAMES)(self._hash_of)

    def channel(self, user: UserId) -> bytes:
        """Where everything about a user is said in a cluster. What is in braces decides the slot."""
        return b"%b:user:{%b}" % (self._prefix, self._hidden(user.encode()))

    def limit(self, owner: str, name: str) -> bytes:
        """The key of what a user, or somebody else who is counted, has taken of one kind."""
        return b"%b:limit:{%b}:%b" % (self._prefix, self._hidden(owner.encode()), name.encode())

    def draft(self, user: UserId, message: MessageId, attempt: int) -> bytes:
        """The key of what an attempt has told, in the slot of the user's channel."""
        return b"%b:draft:{%b}:%b" % (
            self._prefix,
            self._hidden(user.encode()),
            self._hash_of(message.bytes + b"%d" % attempt),
        )

    def drafts(self, user: UserId) -> bytes:
        """The pattern of all keys that hold what was told to a user."""
        return b"%b:draft:{%b}:*" % (self._prefix, self._hidden(user.encode()))

    def seal(self, place: bytes, data: bytes) -> bytes:
        """As said or kept there."""
        nonce = next(self._numbers).to_bytes(12)
        return VERSION + self._salt + nonce + self._cipher.encrypt(nonce, data, place)

    def open(self, place: bytes, said: bytes) -> bytes:
        """What an instance of this deployment has sealed for there. Raises Junk."""
        if said[:1] != VERSION:
            raise Junk("dropped_version" if said[:1].isdigit() else "dropped_junk")
        try:
            return self._cipher_of(said[_SALT]).decrypt(said[_NONCE], said[_SEALED], place)
        except (InvalidTag, ValueError):
            raise Junk("dropped_junk") from None

    def is_ours(self, said: bytes) -> bool:
        """Whether this instance says that it has sealed it. Nobody else can have."""
        return said[_SALT] == self._salt

    def _derived(self, salt: bytes) -> AESGCM:
        return AESGCM(hmac.digest(self._secret, b"instance " + salt, "sha256"))

    def _hash_of(self, name: bytes) -> bytes:
        return hmac.digest(self._secret, b"name " + name, "sha256")[:16].hex().encode()
