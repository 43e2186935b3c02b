import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from loadtest.corpus import Corpus, CorpusFault, joined
from loadtest.languages import WEIGHTS, Language
from protocol.model import CONTENT_LENGTH
from server.titles import is_blank
from server.words import words

SAME = (
    "from loadtest.corpus import Corpus; from random import Random; print(ascii(Corpus.read(None).answer(Random(9))))"
)


def _file(folder: Path, *lines: str | bytes) -> Path:
    path = folder / "corpus.jsonl"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    return path


def test_what_is_said_without_a_file_is_what_a_hub_takes_in_six_languages() -> None:
    corpus, chance = Corpus.read(None), Random(1)
    codes = {corpus.voice(chance).code for _ in range(200)}
    assert codes == {"en", "de", "es", "ar", "zh", "ja"}
    questions = [corpus.question(chance) for _ in range(3_000)]
    answers = [corpus.answer(chance) for _ in range(3_000)]
    assert not any(is_blank(text) for text in questions)
    assert max(map(len, questions)) <= CONTENT_LENGTH
    assert 150 < sum(map(len, answers)) / len(answers) < 600
    assert any("```python" in text for text in answers)
    assert any("\\frac" in text for text in answers)
    assert not [text for text in questions + answers if re.search(r"\{(a|b|name|number)\}|§", text)]


@pytest.mark.parametrize("language", WEIGHTS, ids=[language.code for language in WEIGHTS])
def test_the_words_of_a_text_are_those_of_its_pieces(language: Language) -> None:
    chance = Random(2)
    for _ in range(500):
        for pieces in (language.question(chance), language.answer(chance)):
            assert words(joined(pieces)) == sorted({word for piece in pieces for word in words(piece)})


def test_equal_chances_give_equal_texts_in_every_process() -> None:
    said = subprocess.run([sys.executable, "-c", SAME], capture_output=True, text=True, check=True).stdout
    assert said.strip() == ascii(Corpus.read(None).answer(Random(9)))


def test_a_file_of_dialogues_and_of_plain_lines_is_what_is_said(tmp_path: Path) -> None:
    corpus = Corpus.read(
        _file(
            tmp_path,
            '{"language": "de", "messages": [{"role": "user", "content": " Warum? "},'
            ' {"role": "assistant", "content": "Darum."}]}',
            "",
            '{"title": "x", "turns": [{"type": "user", "content": "Why?"}, {"type": "assistant", "content": "So."},'
            ' {"type": "assistant", "content": ""}, {"role": "system", "content": "Be kind."}]}',
            "Plain.\r",
        )
    )
    chance = Random(3)
    assert {corpus.question(chance) for _ in range(100)} == {"Warum?", "Why?", "Plain."}
    assert {corpus.answer(chance) for _ in range(100)} == {"Darum.", "So.", "Plain."}
    spoken = {voice.code: voice for voice in (corpus.voice(chance) for _ in range(100))}
    assert (spoken["de"].question(chance), spoken["de"].answer(chance)) == (["Warum?"], ["Darum."])


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        '{"messages": [{"role": "user", "content": "Why?"}]}',
        '{"messages": [',
        '{"messages": [{"role": "robot", "content": "beep"}]}',
        '{"messages": []}',
        '{"messages": [{"content": "Why?"}]}',
        b"\xff\xfe",
        "x" * (CONTENT_LENGTH + 1),
        "a\0b",
        '{"language": "a language", "messages": [{"role": "user", "content": "Why?"}]}',
    )
    with pytest.raises(CorpusFault) as fault:
        Corpus.read(path)
    named = re.findall(r"line (\d+): ", str(fault.value))
    assert named == ["2", "3", "4", "5", "6", "7", "8", "9"]
    assert "8,001 letters: a hub takes 8,000" in str(fault.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("", " "), "there is no line with a text in it"),
        (('{"messages": [{"role": "user", "content": "Why?"}]}',), "nobody says anything as assistant in language en"),
        (("{",) * 15, "and 5 more"),
    ],
)
def test_a_file_that_is_of_no_use_says_why(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(CorpusFault, match=said):
        Corpus.read(_file(tmp_path, *lines))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusFault, match=r"none\.jsonl cannot be read: No such file or directory"):
        Corpus.read(tmp_path / "none.jsonl")
