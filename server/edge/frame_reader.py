"""What a peer says on a websocket, as a server reads it (RFC 6455, no extensions): bytes in, messages out. No I/O.

The law: whatever a peer sends costs a bounded moment and a bounded amount of memory. Every frame is counted, empty and
control ones included. What breaks a rule is refused by its header, before the rest of it has come.
"""

from typing import ClassVar, Final

try:
    from websockets.speedups import apply_mask
except ImportError:  # where it was built without a compiler
    from websockets.utils import apply_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KINDS: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
IS_CONTROL = 0x8
CONTROL_BYTES = 125
MEDIUM = 126
"""Instead of a length: it follows in two bytes. One more than it: in eight."""
MESSAGE_BYTES = 65_536
PROTOCOL_ERROR, INVALID_DATA, POLICY_VIOLATION, TOO_BIG = 1002, 1007, 1008, 1009
NO_STATUS = 1005
SAYABLE: Final = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
"""Codes that may stand in a close frame."""

Said = tuple[int, str | bytes]
"""TEXT and a message, BINARY and one, or a control frame and its bytes."""


class _BrokenError(Exception):
    """The peer broke a rule: the code to close it by, and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.told = code, reason


class FrameReader:
    """Of one peer. After a close frame nothing more is read, nor once a rule is `broken`: by which code to close, and
    why.
    """

    __slots__ = ("_budget", "_is_over", "_kind", "_parts", "_refilled_at", "_rest", "_size", "broken")

    BURST: ClassVar[int] = 200
    PER_SECOND: ClassVar[int] = 100
    FRAGMENTS: ClassVar[int] = 64

    def __init__(self, now: float) -> None:
        self.broken: tuple[int, str] | None = None
        self._is_over = False
        self._budget = float(self.BURST)
        self._refilled_at = now
        self._rest: bytearray | None = None
        self._kind = CONTINUATION
        self._parts: list[bytes] | None = None
        self._size = 0

    def feed(self, data: bytes, now: float) -> list[Said]:
        """What these bytes have completed, in order. What came before a broken rule is said all the same."""
        self._budget = min(self.BURST, self._budget + (now - self._refilled_at) * self.PER_SECOND)
        self._refilled_at = now
        said: list[Said] = []
        try:
            if not self._is_over:
                self._read(data, said)
        except _BrokenError as broken:
            self.broken = broken.told  # and not the error, whose traceback holds us
            self._is_over = True
            self._rest = self._parts = None
        return said

    def _read(self, data: bytes | bytearray, said: list[Said]) -> None:
        if (rest := self._rest) is not None:
            rest += data
            data = rest
        at, end = 0, len(data)
        while end - at >= 2 and not self._is_over:
            length, body = data[at + 1] & 0x7F, at + 6
            self._check(data[at], data[at + 1], length)
            if length > CONTROL_BYTES:
                body += 2 if length == MEDIUM else 8
                if body - 4 > end:
                    break
                length = _long(data[at + 2 : body - 4])
            if self._size + length > MESSAGE_BYTES and not data[at] & IS_CONTROL:
                raise _BrokenError(TOO_BIG, f"a message has {MESSAGE_BYTES} bytes at most")
            if body + length > end:
                break
            payload = apply_mask(data[body : body + length], data[body - 4 : body])
            self._take(data[at], payload, said)
            at = body + length
        if at == end:
            self._rest = None
        elif rest is not None:
            del rest[:at]
        else:
            self._rest = bytearray(data[at:])

    def _check(self, first: int, second: int, length: int) -> None:
        kind = first & 0x0F
        if kind not in KINDS:
            raise _BrokenError(PROTOCOL_ERROR, "no such opcode")
        if first & 0x70:
            raise _BrokenError(PROTOCOL_ERROR, "a reserved bit is set")
        if not second & 0x80:
            raise _BrokenError(PROTOCOL_ERROR, "a client masks its frames")
        if kind & IS_CONTROL:
            if length > CONTROL_BYTES or not first & 0x80:
                raise _BrokenError(PROTOCOL_ERROR, "a control frame is short, and whole")
        elif (kind == CONTINUATION) is (self._parts is None):
            raise _BrokenError(PROTOCOL_ERROR, "a message is continued until it is whole")

    def _take(self, first: int, payload: bytes, said: list[Said]) -> None:
        self._budget -= 1
        if self._budget < 0:
            raise _BrokenError(POLICY_VIOLATION, "too many frames")
        kind, is_last = first & 0x0F, first & 0x80
        if kind & IS_CONTROL:
            if kind == CLOSE:
                _check_close(payload)
                self._is_over = True
            said.append((kind, payload))
        elif kind != CONTINUATION and is_last:
            said.append((kind, _text(payload) if kind == TEXT else payload))
        else:
            parts = self._add(kind, payload)
            if is_last:
                self._parts, self._size, whole = None, 0, b"".join(parts)
                said.append((self._kind, _text(whole) if self._kind == TEXT else whole))

    def _add(self, kind: int, payload: bytes) -> list[bytes]:
        if self._parts is None:
            self._kind, self._parts = kind, []
        elif len(self._parts) >= self.FRAGMENTS:
            raise _BrokenError(TOO_BIG, f"a message has {self.FRAGMENTS} fragments at most")
        self._parts.append(payload)
        self._size += len(payload)
        return self._parts


def _long(said: bytes | bytearray) -> int:
    length = int.from_bytes(said)
    if length <= CONTROL_BYTES or (len(said) > 2 and not 0xFFFF < length < 2**63):
        raise _BrokenError(PROTOCOL_ERROR, "a length is as short as it can be")
    return length


def close_code(payload: bytes) -> int:
    """What a close frame says."""
    return int.from_bytes(payload[:2]) if payload else NO_STATUS


def _check_close(payload: bytes) -> None:
    if payload and (len(payload) == 1 or close_code(payload) not in SAYABLE):
        raise _BrokenError(PROTOCOL_ERROR, "no such close code")
    _text(payload[2:])


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise _BrokenError(INVALID_DATA, "text is UTF-8") from None
