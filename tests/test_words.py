"""What search finds: the words of a text, and how they are asked for."""

import re
import string
from collections.abc import Generator
from hashlib import blake2b
from itertools import product

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from server.words import (
    EXCERPT_LENGTH,
    HASH_BYTES,
    LONGEST_HIDDEN,
    WORD_LENGTH,
    excerpt,
    hidden,
    hidden_query,
    query,
    words,
)

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
latin = st.text(st.sampled_from("abcXYZéÀß019 -,.'\"\\&|!:*()"), max_size=40)
han = st.text(st.sampled_from("数学分数加法面包米粉한국어ひらがなカタカナ"), min_size=1, max_size=12)

TERM = re.compile(r"'([^' ]+)'(:\*)?")


KEYED = blake2b(key=b"of a user", digest_size=HASH_BYTES)


def finds(asked: str, text: str) -> bool:
    """As PostgreSQL would: all terms are among the words, one with a star as a beginning."""
    return _finds(query(asked), words(text))


def finds_hidden(asked: str, text: str) -> bool:
    return _finds(hidden_query(asked, KEYED), hidden(text, KEYED))


def _finds(terms: str | None, stored: list[str]) -> bool:
    assert terms is not None
    return all(
        any(word.startswith(term) if star else word == term for word in stored) for term, star in TERM.findall(terms)
    )


def test_case_width_and_accents_do_not_matter() -> None:
    assert words("Crème BRÛLÉE") == ["brulee", "creme"]
    assert words("phở bò, Phở Bò") == ["bo", "pho"]
    assert words("Straße STRASSE") == ["strasse"]
    assert words("ＰＨＯ ½") == ["1", "2", "pho"]
    assert words("Ωμέγα ΩΜΕΓΑ") == ["ωμεγα"]
    assert words("Ёлка елка") == ["елка"]
    assert words("é") == words("e\u0301")


def test_marks_that_are_part_of_a_letter_stay() -> None:
    assert words("हिन्दी") == ["हिन्दी"]
    assert words("ครับ") == ["ครับ"]


def test_punctuation_and_symbols_part_words() -> None:
    assert words("don't stop—now: 3×4=12 😀") == ["12", "3", "4", "don", "now", "stop", "t"]
    assert words("a\0b\nc") == ["a", "b", "c"]
    assert words(" ,.!? ") == []


def test_what_is_written_without_spaces_is_kept_as_pairs_and_its_last_letter() -> None:
    assert words("数学题") == ["学题", "数学", "题"]
    assert words("数") == ["数"]
    assert words("学pho面包") == ["pho", "包", "学", "面包"]
    assert words("ｶﾞｷﾞ") == ["ガギ", "ギ"]


def test_all_words_are_asked_for_and_the_last_is_a_beginning() -> None:
    assert query("Phở bò") == "'pho' & 'bo':*"
    assert query("数学 ph") == "'数学' & 'ph':*"
    assert query("pho 数学题") == "'pho' & '数学' & '学题'"
    assert query("数") == "'数':*"
    assert query("?! …") is None
    assert query("") is None


def test_one_letter_finds() -> None:
    assert finds("p", "Phở bò")
    assert finds("数", "我学数学")
    assert finds("学", "数学")
    assert not finds("o", "Phở")


def test_a_beginning_finds_only_as_the_last_word() -> None:
    assert finds("noodle so", "Soup with noodle")
    assert not finds("so noodle", "Soup with noodle")


def test_a_pair_that_is_parted_is_not_found() -> None:
    assert finds("数学", "我学数学")
    assert not finds("学我", "我学数学")


def test_a_very_long_word_is_kept_by_its_beginning() -> None:
    assert words("x" * 10_000) == ["x" * WORD_LENGTH]
    assert finds("x" * 10_000, "x" * 10_000)


def test_ten_thousand_marks_are_no_word_of_ten_thousand() -> None:
    assert words("a" + "\u0301" * 10_000) == ["a"]
    assert all(len(word) <= WORD_LENGTH for word in words("क" + "\u093f" * 10_000))


@given(any_text)
def test_a_word_is_short_and_cannot_leave_its_quotes(text: str) -> None:
    found = words(text)
    assert found == sorted(set(found))
    for word in found:
        assert 0 < len(word) <= WORD_LENGTH
        assert not set(word) & set("\0'\"\\ \n&|!:*()<>")


@given(any_text)
def test_a_question_is_quoted_words_and_nothing_else(text: str) -> None:
    asked = query(text)
    assert (asked is None) == (words(text) == [])
    if asked is not None:
        assert re.fullmatch(r"'[^'\\\0]+'( & '[^'\\\0]+')*(:\*)?", asked)


@given(any_text)
def test_a_text_is_found_by_itself_and_by_each_of_its_words(text: str) -> None:
    assume(words(text))
    assert finds(text, text)
    for word in words(text):
        assert finds(word, text), word


@given(latin, st.data())
def test_a_text_is_found_by_the_beginning_of_each_of_its_words(text: str, data: st.DataObject) -> None:
    assume(words(text))
    word = data.draw(st.sampled_from(words(text)))
    assert finds(word[: data.draw(st.integers(1, len(word)))], text)


@given(han, st.data())
def test_a_text_without_spaces_is_found_by_every_piece_of_it(text: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(begin + 1, len(text)))
    assert finds(text[begin:end], text)


@given(any_text, any_text)
def test_more_text_takes_nothing_away(text: str, more: str) -> None:
    assert set(words(text)) <= set(words(f"{text} {more}"))


@given(any_text, any_text)
def test_an_excerpt_is_one_short_line(text: str, asked: str) -> None:
    found = excerpt(text, asked)
    assert len(found) <= EXCERPT_LENGTH + 2
    assert "\n" not in found


def test_an_excerpt_is_around_the_word_that_was_asked_for() -> None:
    text = "one " * 100 + "Noodles " + "two " * 100
    found = excerpt(text, "noodles")
    assert "Noodles" in found
    assert found.startswith("…")
    assert found.endswith("…")
    assert excerpt("Noodles", "noodles") == "Noodles"


@pytest.fixture(scope="module")
def conn(cluster: str) -> Generator[psycopg.Connection[tuple[bool]]]:
    """A connection that needs no table."""
    with psycopg.connect(cluster, autocommit=True) as connection:
        yield connection


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=any_text | latin | han, other=any_text | latin | han)
def test_postgresql_takes_every_question_and_finds_the_same(
    conn: psycopg.Connection[tuple[bool]], text: str, other: str
) -> None:
    for asked in (text, other):
        if (terms := query(asked)) is not None:
            row = conn.execute("SELECT array_to_tsvector(%s::text []) @@ %s::tsquery", [words(text), terms]).fetchone()
            assert row is not None
            assert row[0] == finds(asked, text)


# Hidden.


@given(asked=st.one_of(latin, han), text=st.one_of(latin, han))
def test_hidden_words_are_found_as_the_others_are_but_for_very_short_beginnings(asked: str, text: str) -> None:
    assume(query(asked) is not None)
    if finds_hidden(asked, text):
        assert finds(asked, text)
    elif finds(asked, text):
        last = TERM.findall(query(asked) or "")[-1]
        assert last[1]
        assert len(last[0]) < 3


def test_one_letter_of_an_unspaced_script_finds_where_nothing_is_to_be_read() -> None:
    assert finds_hidden("数", "我学数学")
    assert finds_hidden("学", "数学")
    assert not finds_hidden("分", "数学")


def test_hidden_words_do_not_show_and_beginnings_are_not_whole_words() -> None:
    [stored] = hidden("Photosynthesis", KEYED)
    assert "phot" not in stored
    assert stored.isascii()
    assert finds_hidden("photo", "Photosynthesis")
    assert not finds_hidden("photo plant", "photosynthesis plant")
    assert not finds_hidden("photosynthesis plant", "photo plant")
    assert not finds_hidden("photosynthesis", "photo")
    assert not finds_hidden("ph", "photosynthesis")
    assert finds_hidden("ph", "ph 7")


def test_how_long_a_hidden_word_is_shows_in_steps_only() -> None:
    lengths = [len(hidden("abcdefghijklmno"[:length], KEYED)[0]) for length in range(1, 16)]
    assert lengths == [*[25] * 6, *[41] * 4, *[57] * 4, 73]


def test_a_hidden_word_is_not_found_by_asking_for_what_its_hash_looks_like() -> None:
    assert not any(_finds(query(token), [token]) for token in hidden("soup", KEYED))


def test_of_a_text_with_very_many_words_as_many_are_hidden_as_a_tsvector_has_room_for(cluster: str) -> None:
    text = " ".join("".join(letters) for letters in product(string.ascii_lowercase[:15], repeat=4))
    stored = hidden(text, KEYED)
    assert len(stored) == LONGEST_HIDDEN // 25 < len(words(text))
    with psycopg.connect(cluster) as conn:
        assert conn.execute("SELECT length(array_to_tsvector(%s))", (stored,)).fetchone() == (len(stored),)
