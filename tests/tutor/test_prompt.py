"""What the tutor is told."""

from typing import Any
from uuid import UUID

import pytest

from protocol.model import Mode
from server.lesson import Lesson, Picture, Utterance
from server.tutor.prompt import UNSEEN, messages, system, tokens

ASK = Utterance("user", "What is 2 + 3?")


def lesson(*history: Utterance, mode: Mode = "fun", language: str = "en") -> Lesson:
    return Lesson(mode=mode, language=language, history=list(history))


def talk(turns: int) -> list[Utterance]:
    """user, assistant, user … of equal length, each with its number."""
    return [Utterance("user" if turn % 2 == 0 else "assistant", f"{turn:04d} " + "x" * 295) for turn in range(turns)]


def contents(said: list[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in said]


def test_the_system_prompt_comes_first_and_the_history_follows_in_order() -> None:
    said = messages(lesson(ASK, Utterance("assistant", "5"), Utterance("user", "And 3 + 2?")), 1_000)
    assert [message["role"] for message in said] == ["system", "user", "assistant", "user"]
    assert contents(said)[1:] == ["What is 2 + 3?", "5", "And 3 + 2?"]


def test_fun_plays_and_learn_asks() -> None:
    fun, learn = system(lesson(ASK, mode="fun")), system(lesson(ASK, mode="learn"))
    assert "game" in fun
    assert "game" not in learn
    assert "Do not give the answer away at once" in learn
    assert "check understanding" in learn
    assert "Do not give the answer away" not in fun


@pytest.mark.parametrize(
    ("tag", "named"),
    [
        ("de", "German (de)"),
        ("pt-BR", "Portuguese (pt-BR)"),
        ("VI", "Vietnamese (VI)"),
        ("tlh", "the language with the tag tlh"),
    ],
)
@pytest.mark.parametrize("mode", ["fun", "learn"])
def test_the_language_of_the_session_is_named(tag: str, named: str, mode: Mode) -> None:
    assert system(lesson(ASK, mode=mode, language=tag)).endswith(f"Answer in {named}.")


@pytest.mark.parametrize("budget", [0, 1, 50, 103, 104, 105, 250, 500, 1_000, 100_000])
def test_the_newest_part_of_the_history_that_fits_is_kept_and_begins_with_the_user(budget: int) -> None:
    history = talk(21)
    kept = messages(lesson(*history), budget)[1:]
    assert kept[0]["role"] == "user"
    assert kept[-1]["content"].endswith("x")
    if len(kept) > 1:
        assert contents(kept) == [said.content for said in history[-len(kept) :]]
        assert sum(tokens(text) for text in contents(kept)) <= budget


def test_as_much_is_kept_as_fits() -> None:
    history = talk(21)
    one = tokens(history[0].content)
    assert len(messages(lesson(*history), 3 * one)) == 1 + 3
    assert len(messages(lesson(*history), 3 * one - 1)) == 1 + 1  # two would begin with the assistant's


def test_a_last_message_over_the_budget_loses_its_beginning() -> None:
    said = messages(lesson(ASK, Utterance("user", "a" * 3_000 + "日本語はどうですか")), 20)[1:]
    assert len(said) == 1
    assert said[0]["content"].endswith("日本語はどうですか")
    assert tokens(said[0]["content"]) <= 20


def test_a_character_is_never_cut_in_two() -> None:
    for budget in range(5, 40):
        text = messages(lesson(Utterance("user", "日本語🎉" * 50)), budget)[1]["content"]
        assert "日本語🎉".endswith(text[-4:])
        assert "\ufffd" not in text


def test_an_unanswered_message_is_joined_with_the_next_and_an_empty_reply_is_left_out() -> None:
    said = messages(lesson(ASK, Utterance("assistant", " "), Utterance("user", "Are you there?")), 1_000)[1:]
    assert said == [{"role": "user", "content": "What is 2 + 3?\n\nAre you there?"}]


def test_a_history_without_text_gives_the_system_prompt_alone() -> None:
    assert [message["role"] for message in messages(lesson(), 100)] == ["system"]


PICTURE = Picture("image/jpeg", b"bytes")
ADDRESS = f"/api/media/{UUID(int=7)}"


def test_a_picture_that_is_not_shown_is_spoken_of_and_one_that_is_shown_is_not() -> None:
    unseen = Utterance("user", "Look", ADDRESS)
    seen = Utterance("user", "And here", ADDRESS, (PICTURE,))
    [said] = messages(lesson(unseen), 1_000)[1:]
    assert said == {"role": "user", "content": f"Look\n\n{UNSEEN}"}
    [said] = messages(lesson(unseen, seen), 1_000)[1:]
    assert said["content"] == [
        {"type": "text", "text": f"Look\n\n{UNSEEN}\n\nAnd here"},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,Ynl0ZXM="}},
    ]


def test_a_message_over_the_budget_keeps_its_picture_and_the_word_of_it() -> None:
    [said] = messages(lesson(Utterance("user", "a" * 3_000, ADDRESS)), 40)[1:]
    assert said["content"].endswith(UNSEEN)
    [said] = messages(lesson(Utterance("user", "a" * 3_000, ADDRESS, (PICTURE,))), 40)[1:]
    assert [part["type"] for part in said["content"]] == ["text", "image_url"]
