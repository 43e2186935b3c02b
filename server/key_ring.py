"""The operator's keys, and the users' keys that they have unwrapped. No I/O.

The first key of the ring wraps, all of them unwrap. A wrapped key says whose it is: as another's it does not open.
"""

import hmac
import re
import secrets
from base64 import b64decode, b64encode
from collections import OrderedDict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from protocol.ids import UserId
from server.errors import SealedWithMissingKey
from server.sealing import KEY_BYTES, NONCE_BYTES, Unsealed, UserKey

HELD = 10_000
"""Users whose keys are kept unwrapped in memory, those that were used last."""

_ENTRY = re.compile(r"([A-Za-z0-9_.-]{1,40}):(.*)")
_UNSEALED = Unsealed()


class Wrapped(Struct, frozen=True):
    """A key as it is stored, and the name of the ring's key that opens it."""

    key: bytes
    key_name: str


class KeyRing:
    """By name, in order. `names` end with a fingerprint, so that another key of an old name is another."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = {f"{name}#{_fingerprint(key)}": AESGCM(key) for name, key in keys.items()}
        self.names = list(self._keys)

    def wrap(self, secret: bytes, whose: bytes) -> Wrapped:
        """Under the first key; there must be one."""
        name, nonce = self.names[0], secrets.token_bytes(NONCE_BYTES)
        return Wrapped(nonce + self._keys[name].encrypt(nonce, secret, whose), name)

    def unwrap(self, wrapped: Wrapped, whose: bytes) -> bytes:
        """Raises SealedWithMissingKey if its key is not in the ring, or it is somebody else's."""
        try:
            cipher = self._keys[wrapped.key_name]
            return cipher.decrypt(wrapped.key[:NONCE_BYTES], wrapped.key[NONCE_BYTES:], whose)
        except (KeyError, InvalidTag, ValueError):
            raise SealedWithMissingKey from None


class UserKeys:
    """What one instance seals and opens with. What is read of a user says how their key is wrapped by now, so that
    one who was erased and has come back is never sealed under the key of before.
    """

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._held: OrderedDict[UserId, UserKey] = OrderedDict()

    def fresh(self, user: UserId) -> Wrapped | None:
        """For a user who has none yet. None: there is no ring, nothing is sealed."""
        return self.ring.wrap(secrets.token_bytes(KEY_BYTES), of_user(user)) if self.ring.names else None

    def of(self, user: UserId, wrapped: Wrapped | None, *, complete: bool) -> Unsealed:
        """The key that was read. Raises SealedWithMissingKey."""
        if wrapped is None:
            self._held.pop(user, None)
            return _UNSEALED
        held = self._held.get(user)
        if held is None or held.wrapped != wrapped.key:
            held = UserKey(self.ring.unwrap(wrapped, of_user(user)), wrapped.key, complete=complete)
        held.complete = complete
        self._hold(user, held)
        return held

    def held(self, user: UserId) -> Unsealed:
        """As last read. A key that is too old opens nothing, and so cannot go unnoticed; a send that was sealed by it
        is passed over (`send_of_users`).
        """
        return self._held.get(user, _UNSEALED)

    def _hold(self, user: UserId, key: UserKey) -> None:
        self._held[user] = key
        self._held.move_to_end(user)
        if len(self._held) > HELD:
            self._held.popitem(last=False)


def of_user(user: UserId) -> bytes:
    """Whose key it is that is wrapped."""
    return b"user " + user.encode()


def parsed(text: str) -> KeyRing:
    """`name:key,name:key`, each key 32 bytes in base64. Raises ValueError, which shows no key."""
    keys = dict[str, bytes]()
    for number, entry in enumerate(re.split(r"[,\s]+", text.strip(", \n")), start=1):
        name, key = _entry(entry, number)
        if name in keys:
            raise ValueError(f"two keys are named {name}")
        keys[name] = key
    return KeyRing(keys)


def new_entry(name: str) -> str:
    """A fresh key, as it stands in a ring."""
    return f"{name}:{b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _fingerprint(key: bytes) -> str:
    return hmac.digest(key, b"tutorhub fingerprint", "sha256")[:4].hex()


def _entry(entry: str, number: int) -> tuple[str, bytes]:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(f"entry {number}: expected NAME:KEY, as `tutorhub keys new` prints it")
    try:
        key = b64decode(match[2], validate=True)
    except ValueError:
        raise ValueError(f"entry {number}, {match[1]}: its key is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"entry {number}, {match[1]}: its key has {len(key)} bytes, expected {KEY_BYTES}")
    return match[1], key
