"""What the fake tutor says is a function of the seed and of what was asked."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as some

from loadtest.words import LONGEST, LONGEST_PIECE, SHORTEST, answer, pieces, question


@given(some.integers(), some.text())
def test_an_answer_is_of_a_bounded_length_and_is_what_its_pieces_make(seed: int, asked: str) -> None:
    text = answer(seed, asked)
    assert SHORTEST * 0.8 <= len(text) <= LONGEST
    assert text == text.strip()
    assert "".join(pieces(seed, text)) == text
    assert all(0 < len(piece) <= LONGEST_PIECE for piece in pieces(seed, text))


def test_another_process_says_the_same() -> None:
    program = "from loadtest.words import answer; print(ascii(answer(7, 'Why?')))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == ascii(answer(7, "Why?"))


def test_other_seeds_and_other_questions_have_other_answers() -> None:
    assert len({answer(seed, asked) for seed in range(10) for asked in ("a", "b")}) == 20


def test_of_a_prompt_that_was_joined_the_last_message_is_answered() -> None:
    assert question("first\n\nsecond ") == "second"
    assert answer(1, "first\n\nsecond") == answer(1, "second")
