"""What a session is called: what people give, cleaned, or the beginning of the first message."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.model import TITLE_LENGTH
from server.titles import FROM_MESSAGE, cleaned, of_message

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=700)
HIDDEN = "\u202e\u202d\u2066\u2069\u200b\ufeff\u00ad\U000e0041\x00\x07\x7f"


def test_a_title_is_one_line() -> None:
    assert cleaned("  Phở\tbò \n\r\n  in three\u2003hours ") == "Phở bò in three hours"


def test_what_reverses_or_hides_text_is_taken_out() -> None:
    assert cleaned(f"in{HIDDEN}voice\u202egpj.exe") == "invoicegpj.exe"


def test_the_joiners_that_scripts_and_emoji_need_stay() -> None:
    assert cleaned("👩\u200d🏫 می\u200cخواهم") == "👩\u200d🏫 می\u200cخواهم"


def test_a_title_of_nothing_visible_is_none() -> None:
    assert cleaned("") == ""
    assert cleaned(f" \n{HIDDEN}\t") == ""


def test_a_short_first_message_is_the_title() -> None:
    assert of_message("How long must the bones simmer?") == "How long must the bones simmer?"
    assert of_message("x" * FROM_MESSAGE) == "x" * FROM_MESSAGE


def test_a_long_first_message_is_cut_between_words() -> None:
    title = of_message("How long must the bones simmer until the broth is as clear as it should be?")
    assert title == "How long must the bones simmer until the broth is as clear…"


def test_a_long_first_message_without_spaces_is_cut_between_letters() -> None:
    assert of_message("数" * 100) == "数" * FROM_MESSAGE + "…"
    assert of_message("Oh " + "x" * 100) == "Oh " + "x" * (FROM_MESSAGE - 3) + "…"


def test_a_first_message_of_many_lines_gives_one() -> None:
    assert of_message("\n\n1 + 1\n= ?\n") == "1 + 1 = ?"


@given(any_text)
def test_a_title_can_stand_in_a_list(text: str) -> None:
    title = cleaned(text)
    assert len(title) <= TITLE_LENGTH
    assert not set(title) & set(HIDDEN + "\n\r\t\u2028\u2029\x85")
    assert title == title.lstrip()
    assert "  " not in title


@given(any_text)
def test_a_title_that_is_clean_stays_as_it_is(text: str) -> None:
    once = cleaned(text[:TITLE_LENGTH])
    assert cleaned(once) == once


@given(any_text)
def test_a_title_from_a_message_is_short_and_clean(text: str) -> None:
    title = of_message(text)
    assert len(title) <= FROM_MESSAGE + 1
    assert cleaned(title) == title


@given(any_text)
def test_a_title_from_a_message_is_its_beginning(text: str) -> None:
    assert cleaned(text).startswith(of_message(text).removesuffix("…")) or "…" in text
