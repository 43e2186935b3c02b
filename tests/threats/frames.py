"""The lines of the table that are about frames: what is no websocket, no JSON, no command, or far too much."""

from websockets.frames import Frame, Opcode

from tests.threats.attack import Case, asks, floods, says, says_first, sends, upgrades

TYPING = '{"type":"typing.set","ref":1,"session":"<my session>","active":true}'
PING = b'{"type":"ping","ref":1}'
FRAME = 65_536
DIGITS = "9" * 5_000


RSV1 = 0x40


def masked(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def reserved(data: bytes) -> bytes:
    """A text with the bit that says it is packed."""
    first, *rest = masked(Opcode.TEXT, data)
    return bytes([first | RSV1, *rest])


NO_JSON = {
    "not json": "not json",
    "rubbish after it": '{"type":"ping","ref":1} x',
    "a mark before it": '\ufeff{"type":"ping","ref":1}',
    "NaN": '{"type":"ping","ref":NaN}',
}
NO_COMMAND = {
    "a list": "[1,2]",
    "30,000 brackets": "[" * 30_000,
    "an empty object": "{}",
    "a number for a type": '{"type":5}',
    "no such type": '{"type":"nonsense","ref":1}',
    "no session": '{"type":"session.open","ref":1}',
    "a name twice": '{"type":"ping","ref":1,"ref":"x"}',
    "a number of 5,000 digits": '{"type":"ping","ref":' + DIGITS + "}",
    "1e999": '{"type":"ping","ref":1e999}',
}

CASES = (
    *(Case(9, what, says(frame), "refused 400 malformed") for what, frame in NO_JSON.items()),
    *(Case(9, what, says(frame), "refused 422 invalid") for what, frame in NO_COMMAND.items()),
    Case(9, "three of them", says("x", "x", "x"), "refused 400 malformed, closed 4500"),
    Case(9, "200,000 brackets", says("[" * 200_000), "closed 1009"),
    Case(9, "no JSON for a hello", says_first("not json"), "refused 400 malformed, closed 4500"),
    Case(10, "a frame without a mask", sends(Frame(Opcode.TEXT, PING).serialize(mask=False)), "closed 1002"),
    Case(10, "a reserved bit", sends(reserved(PING)), "closed 1002"),
    Case(10, "opcode 3", sends(b"\x83\x80\x00\x00\x00\x00"), "closed 1002"),
    Case(10, "a ping of 126 bytes", sends(b"\x89\xfe\x00\x7e" + bytes(130)), "closed 1002"),
    Case(10, "a close with 1005", sends(masked(Opcode.CLOSE, (1005).to_bytes(2))), "closed 1002"),
    Case(10, "a length of 2^62", sends(b"\x81\xff" + (2**62).to_bytes(8) + bytes(4)), "closed 1009"),
    Case(10, "text that is no UTF-8", sends(masked(Opcode.TEXT, b"\xff\xfe")), "closed 1007"),
    Case(10, "bytes where text is expected", sends(masked(Opcode.BINARY, PING)), "closed 1003"),
    Case(11, "a text of 64 KiB and a byte", says(" " * (FRAME + 1)), "closed 1009"),
    Case(11, "a text of 16 MiB", says(" " * 2**24), "closed 1009"),
    Case(11, "a body of 10 MB", asks("POST", "/api/sessions", b" " * 10_000_000), "HTTP 413 too_large"),
    Case(
        11,
        "a body of 200 KB in pieces, without a length",
        asks("POST", "/api/sessions", (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 7, Transfer_Encoding="chunked"),
        "HTTP 413 too_large",
    ),
    Case(12, "a packed frame", sends(reserved(b"\xaa" * 100)), "closed 1002"),
    Case(12, "a wish to pack", upgrades("/ws", "Sec-WebSocket-Extensions: permessage-deflate"), "HTTP 101"),
    Case(
        12,
        "a packed body",
        asks("POST", "/api/sessions", b"\x1f\x8b", Content_Encoding="gzip"),
        "HTTP 415 unsupported_media_type",
    ),
    Case(
        13,
        "a text in a million pieces of nothing",
        sends(masked(Opcode.TEXT, fin=False) + masked(Opcode.CONT, fin=False) * 1_000, times=1_000),
        "closed 1009",
    ),
    Case(13, "a million pings", sends(masked(Opcode.PING) * 1_000, times=1_000), "closed 1008"),
    Case(13, "100,000 texts of a letter", sends(masked(Opcode.TEXT, b"x") * 1_000, times=100), "closed 1008"),
    Case(34, "typing, 1,000 times", floods(TYPING, 1_000), "closed 1008"),
)
