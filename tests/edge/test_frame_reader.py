"""Tests of what the name says: against the frames of another implementation, cut at any byte."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from server.edge.frame_reader import CLOSE, MESSAGE_BYTES, PING, FrameReader, Said, close_code

TEXTS = st.text(max_size=40)
CONTROLS = st.sampled_from([Opcode.PING, Opcode.PONG])


def masked(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


BROKEN = {
    "a byte of a close code": (masked(Opcode.CLOSE, b"\x03"), 1002),
    "close code 999": (masked(Opcode.CLOSE, b"\x03\xe7"), 1002),
    "close code 1004": (masked(Opcode.CLOSE, b"\x03\xec"), 1002),
    "close code 5000": (masked(Opcode.CLOSE, b"\x13\x88"), 1002),
    "a reason that is no text": (masked(Opcode.CLOSE, b"\x03\xe8\xff"), 1007),
    "a ping in two": (b"\x09\x80\0\0\0\0", 1002),
    "a text within a text": (masked(Opcode.TEXT, b"a", fin=False) + masked(Opcode.TEXT, b"b"), 1002),
    "half a letter": (masked(Opcode.TEXT, "é".encode()[:1]), 1007),
    "too much in two": (
        masked(Opcode.TEXT, b"a" * 60_000, fin=False) + masked(Opcode.CONT, b"b" * 5_537)[:8],
        1009,
    ),
    "too much, by its header": (masked(Opcode.TEXT, b"a" * (MESSAGE_BYTES + 1))[:10], 1009),
    "a header whose mask is missing": (b"\x81\x05", 1002),
    "a long control frame, by its first two bytes": (b"\x89\xfe", 1002),
    "5 bytes, said in two": (b"\x81\xfe\0\x05", 1002),
    "126 bytes, said in eight": (b"\x81\xff\0\0\0\0\0\0\0\x7e", 1002),
    "a length of 64 bits": (b"\x81\xff\x80\0\0\0\0\0\0\0", 1002),
}


def read(reader: FrameReader, *pieces: bytes, now: float = 0.0) -> list[Said]:
    return [said for piece in pieces for said in reader.feed(piece, now)]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[Said]]:
    """Bytes, and what they say: messages in fragments, with control frames between them."""
    wire, said = bytearray(), list[Said]()
    for text in draw(st.lists(TEXTS | st.binary(max_size=300), max_size=6)):
        kind = Opcode.TEXT if isinstance(text, str) else Opcode.BINARY
        data = text.encode() if isinstance(text, str) else text
        cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))
        parts = [data[a:b] for a, b in pairwise([0, *cuts, len(data)])]
        for place, part in enumerate(parts):
            if draw(st.booleans()):
                control, payload = draw(CONTROLS), draw(st.binary(max_size=125))
                wire += masked(control, payload)
                said.append((int(control), payload))
            wire += masked(Opcode.CONT if place else kind, part, fin=place == len(parts) - 1)
        said.append((int(kind), text))
    return bytes(wire), said


@given(conversations(), st.lists(st.integers(0, 2_000), max_size=12))
def test_a_conversation_is_heard_however_it_is_cut(conversation: tuple[bytes, list[Said]], cuts: list[int]) -> None:
    wire, said = conversation
    reader = FrameReader(0.0)
    places = sorted({min(cut, len(wire)) for cut in cuts})
    assert read(reader, *(wire[a:b] for a, b in pairwise([0, *places, len(wire)]))) == said
    assert reader.broken is None


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536])
def test_a_message_of_any_size_is_heard_byte_by_byte(size: int) -> None:
    wire = masked(Opcode.BINARY, b"x" * size)
    assert read(FrameReader(0.0), *(wire[at : at + 1] for at in range(len(wire)))) == [(2, b"x" * size)]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_no_bytes_are_too_much_for_it(data: bytes, step: int) -> None:
    reader = FrameReader(0.0)
    for at in range(0, len(data), step):
        if reader.broken is None:
            reader.feed(data[at : at + step], 0.0)


@pytest.mark.parametrize("what", BROKEN)
def test_what_breaks_a_rule_is_refused(what: str) -> None:
    data, code = BROKEN[what]
    reader = FrameReader(0.0)
    reader.feed(data, 0.0)
    assert reader.broken is not None
    assert reader.broken[0] == code


def test_a_letter_in_two_fragments_is_one() -> None:
    first, second = "é".encode()[:1], "é".encode()[1:]
    wire = masked(Opcode.TEXT, first, fin=False) + masked(Opcode.CONT, second)
    assert read(FrameReader(0.0), wire) == [(1, "é")]


def test_what_came_before_is_said_all_the_same() -> None:
    reader = FrameReader(0.0)
    assert read(reader, masked(Opcode.TEXT, b"good") + b"\xff\x80", masked(Opcode.TEXT, b"late")) == [(1, "good")]
    assert reader.broken is not None


def test_after_a_close_frame_nothing_is_read() -> None:
    reader = FrameReader(0.0)
    wire = masked(Opcode.CLOSE, (4000).to_bytes(2) + b"bye") + masked(Opcode.TEXT, b"late") + b"\xff"
    ((kind, payload),) = read(reader, wire, masked(Opcode.TEXT, b"later"))
    assert kind == CLOSE
    assert isinstance(payload, bytes)
    assert (close_code(payload), close_code(b""), reader.broken) == (4000, 1005, None)


def test_every_frame_is_counted_and_time_forgives() -> None:
    reader, ping = FrameReader(0.0), masked(Opcode.PING)
    assert len(read(reader, ping * 200)) == 200
    assert reader.broken is None
    assert read(reader, ping * 50, now=0.5) == [(PING, b"")] * 50
    read(reader, ping, now=0.5)
    assert reader.broken is not None
    assert reader.broken[0] == 1008
