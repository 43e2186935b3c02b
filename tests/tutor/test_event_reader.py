"""Server-sent events, cut anywhere."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.tutor.event_reader import EventReader, TooLong

LINES = st.sampled_from(
    [
        "data: one",
        "data:two",
        "data:  three",
        "data",
        "data:",
        ": a comment",
        "event: ping",
        "id: 1",
        "",
        "",
        "ünknown",
        "\ufeffdata: behind a byte order mark",
    ]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def read_as_the_standard_says(stream: str) -> list[bytes]:
    """Line by line; what no blank line follows is none."""
    found = list[bytes]()
    said = list[str]()
    *lines, _unfinished = re.split("\r\n|\n|\r", stream.removeprefix("\ufeff"))
    for line in lines:
        field, _, value = line.partition(":")
        if line and field == "data":
            said.append(value.removeprefix(" "))
        elif not line and said:
            found.append("\n".join(said).encode())
            said = []
    return found


@given(st.lists(st.tuples(LINES, ENDS)), st.lists(st.integers(1, 9), min_size=1))
def test_events_are_read_as_the_standard_says_wherever_the_stream_is_cut(
    lines: list[tuple[str, str]], sizes: list[int]
) -> None:
    stream = "".join(line + end for line, end in lines)
    data, reader, found = stream.encode(), EventReader(1_000), list[bytes]()
    number = 0
    while data:
        size = sizes[number % len(sizes)]
        found += reader.read(data[:size])
        data, number = data[size:], number + 1
    assert found == read_as_the_standard_says(stream)


def test_an_event_is_given_as_soon_as_its_blank_line_is_there_however_that_is_written() -> None:
    for end in (b"\n", b"\r", b"\r\n"):
        reader = EventReader(100)
        assert reader.read(b"data: x" + end) == []
        assert reader.read(end) == [b"x"]


@pytest.mark.parametrize("first", [b"data: x\n\n", b"\n\ndata: x\n\n"])
def test_a_byte_order_mark_before_the_first_event_is_none_of_it_and_later_it_is(first: bytes) -> None:
    mark = "\ufeff".encode()
    reader = EventReader(100)
    found = [said for byte in mark + first for said in reader.read(bytes([byte]))]
    assert found == [b"x"]
    assert reader.read(mark + b"data: y\n\n") == []


def test_an_event_that_does_not_end_is_too_long_at_its_limit() -> None:
    reader = EventReader(100)
    for _ in range(100):
        assert reader.read(b"x") == []
    with pytest.raises(TooLong):
        reader.read(b"x")


def test_many_events_are_no_long_one() -> None:
    assert len(EventReader(100).read(b"data: x\n\n" * 1_000)) == 1_000
