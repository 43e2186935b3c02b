"""What is sealed opens as what it was and as nothing else; without a key a text is stored as it is."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import SealedWithMissingKey
from server.sealed_chunks import (
    CHUNK_BYTES,
    needed,
    opened_chunk,
    sealed_chunk,
    sealed_chunk_bytes,
    sealed_size,
)
from server.sealing import MARK, Unsealed, UserKey, about

KEY = UserKey(b"k" * 32, b"", complete=True)
OTHER = UserKey(b"o" * 32, b"", complete=True)
NONE = Unsealed()
HERE = about("text", UUID(int=1))
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)
marked = st.builds(str.__add__, st.sampled_from(["", MARK, MARK * 2, MARK * 3]), any_text)


@given(text=marked)
def test_a_text_is_opened_as_it_was(text: str) -> None:
    for key in (KEY, NONE):
        stored = key.seal(text, HERE)
        assert key.open(stored, HERE) == text
        assert "\0" not in stored
        assert (stored == "") == (text == "")


@given(text=marked)
def test_what_was_stored_without_a_key_is_read_with_one(text: str) -> None:
    assert KEY.open(NONE.seal(text, HERE), HERE) == text


@given(text=marked.filter(bool))
def test_a_sealed_text_does_not_open_elsewhere_or_with_another_key_or_none(text: str) -> None:
    stored = KEY.seal(text, HERE)
    assert len(text) < 4 or text not in stored
    for key, place in (
        (KEY, about("text", UUID(int=2))),
        (KEY, about("title", UUID(int=1))),
        (OTHER, HERE),
        (NONE, HERE),
    ):
        with pytest.raises(SealedWithMissingKey):
            key.open(stored, place)


@given(text=any_text.filter(bool), at=st.integers(1, 60), put=st.sampled_from("AZaz09+/=é"))
def test_a_sealed_text_that_was_changed_does_not_open(text: str, at: int, put: str) -> None:
    stored = KEY.seal(text, HERE)
    changed = stored[:at] + put + stored[at + 1 :]
    if at < len(stored) - 3 and changed != stored:
        with pytest.raises(SealedWithMissingKey):
            KEY.open(changed, HERE)


def test_the_same_text_is_sealed_otherwise_each_time() -> None:
    assert KEY.seal("a", HERE) != KEY.seal("a", HERE)


def test_a_hash_is_found_again_keyed_or_not_yet() -> None:
    body = b"h" * 32
    assert NONE.hashed(body) == body
    assert len(KEY.hashed(body)) == 33
    assert KEY.is_hash_of(KEY.hashed(body), body)
    assert KEY.is_hash_of(body, body)
    assert not KEY.is_hash_of(OTHER.hashed(body), body)
    assert not KEY.is_hash_of(None, body)
    assert not NONE.is_hash_of(KEY.hashed(body), body)


def test_words_are_hidden_differently_for_each_user() -> None:
    assert not {*KEY.words("canary bird")} & {*OTHER.words("canary bird")}
    assert not any("canary" in word for word in KEY.words("canary bird"))
    assert KEY.query("?!") is None


def test_until_all_is_sealed_both_kinds_of_words_are_asked_for() -> None:
    partly = UserKey(b"k" * 32, b"", complete=False)
    assert partly.query("canary") == f"({KEY.query('canary')}) | ('canary':*)"


# In chunks.

sizes = st.one_of(st.integers(0, 200), st.sampled_from([n * CHUNK_BYTES + m for n in (1, 2) for m in (-1, 0, 1)]))


def chunks_of(key: Unsealed, data: bytes) -> list[bytes]:
    parts = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)] or [b""]
    return [sealed_chunk(key, HERE, part, number, len(data)) for number, part in enumerate(parts)]


@given(size=sizes, places=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_any_range_is_opened_out_of_the_bytes_that_it_needs(size: int, places: tuple[float, float]) -> None:
    data = bytes(number * 7 % 251 for number in range(size))
    begin, end = sorted(int(place * size) for place in places)
    for key in (KEY, NONE):
        sealed = b"".join(chunks_of(key, data))
        assert len(sealed) == sealed_size(key, size)
        if begin == end:
            continue
        need = needed(key, size, begin, end)
        read, whole = sealed[need.begin : need.end], sealed_chunk_bytes(key)
        opened = b"".join(
            opened_chunk(key, HERE, read[at : at + whole], need.number + at // whole, size)
            for at in range(0, len(read), whole)
        )
        assert opened[need.skip :][: need.keep] == data[begin:end]


def test_chunks_that_are_missing_or_elsewhere_are_noticed() -> None:
    size = 2 * CHUNK_BYTES + 5
    first, second, last = chunks_of(KEY, bytes(size))
    wrong = [(second, 0, size), (first, 1, size), (second, 1, 2 * CHUNK_BYTES), (last, 2, size + CHUNK_BYTES)]
    for chunk, number, said in wrong:
        with pytest.raises(SealedWithMissingKey):
            opened_chunk(KEY, HERE, chunk, number, said)
    assert opened_chunk(KEY, HERE, last, 2, size) == bytes(5)
