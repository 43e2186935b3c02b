"""The fake tutor says what it should, and fails as it is told."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from loadtest.mood import Mood
from loadtest.tutor import HUGE_PIECE, Tutor, tutor
from loadtest.words import answer

SEED = 5
FAST = (5_000, 5_000)


@pytest_asyncio.fixture
async def fake() -> AsyncGenerator[Tutor]:
    async with tutor(SEED, FAST) as it:
        yield it


async def _ask(fake: Tutor, *messages: tuple[str, str], most: int = 10_000_000) -> tuple[str, list[Any]]:
    """The text, and the events that hold none. Reads about so many characters at most."""
    prompt = {"messages": [{"role": role, "content": content} for role, content in messages], "stream": True}
    text, others = "", list[Any]()
    async with (
        httpx2.AsyncClient(trust_env=False) as client,
        client.stream("POST", f"{fake.url_for('a')}/chat/completions", json=prompt, timeout=10) as response,
    ):
        response.raise_for_status()
        async for line in response.aiter_lines():
            event = _event(line)
            match event:
                case {"choices": [{"delta": {"content": str(piece)}}]}:
                    text += piece
                case None:
                    pass
                case _:
                    others.append(event)
            if len(text) > most:
                break
    return text, others


async def _ask_often(fake: Tutor) -> None:
    for number in range(20):
        await _ask(fake, ("user", f"Why {number}?"))


async def _ask_impatiently(fake: Tutor) -> None:
    prompt = {"messages": [{"role": "user", "content": "Why?"}]}
    async with httpx2.AsyncClient(trust_env=False) as client:
        await client.post(f"{fake.url_for('a')}/chat/completions", json=prompt, timeout=0.2)


def _event(line: str) -> Any:
    try:
        return json.loads(line.removeprefix("data: "))
    except ValueError:
        return None


async def test_it_says_the_answer_of_the_seed_and_counts_that_it_was_asked(fake: Tutor) -> None:
    text, _ = await _ask(fake, ("system", "Be kind."), ("user", "Why?"))
    assert text == answer(SEED, "Why?") == fake.whole("Why?")
    assert fake.bills == {"Why?": 1}
    assert fake.findings == []
    assert not fake.has_spoiled("Why?")


async def test_it_goes_on_from_a_beginning(fake: Tutor) -> None:
    whole = answer(SEED, "Why?")
    text, _ = await _ask(fake, ("user", "Why?"), ("assistant", whole[:40]))
    assert whole[:40] + text == whole


async def test_a_beginning_that_is_none_is_an_error_and_a_finding(fake: Tutor) -> None:
    text, others = await _ask(fake, ("user", "Why?"), ("assistant", "never said"))
    assert text == ""
    assert "error" in others[0]
    assert len(fake.findings) == 1


@pytest.mark.parametrize(("mood", "status"), [(Mood.BUSY, 429), (Mood.BROKEN, 500), (Mood.UNAVAILABLE, 503)])
async def test_it_refuses_as_told(fake: Tutor, mood: Mood, status: int) -> None:
    with fake.mood(mood), pytest.raises(httpx2.HTTPStatusError) as refusal:
        await _ask(fake, ("user", "Why?"))
    assert refusal.value.response.status_code == status
    assert refusal.value.response.headers["Retry-After"] == "1"
    assert fake.has_spoiled("Why?")


@pytest.mark.parametrize("mood", [Mood.REFUSE, Mood.CUT])
async def test_it_breaks_off_as_told(fake: Tutor, mood: Mood) -> None:
    with fake.mood(mood), pytest.raises(httpx2.TransportError):
        await _ask_often(fake)  # where a reply is cut is a matter of chance


@pytest.mark.parametrize("mood", [Mood.MALFORMED, Mood.SPLIT])
async def test_odd_but_whole_replies_are_not_spoiled(fake: Tutor, mood: Mood) -> None:
    with fake.mood(mood):
        text, _ = await _ask(fake, ("user", "Why?"))
    assert text == answer(SEED, "Why?")
    assert not fake.has_spoiled("Why?")


async def test_an_endless_reply_begins_with_the_answer_and_its_whole_is_known(fake: Tutor) -> None:
    with fake.mood(Mood.ENDLESS):
        text, _ = await _ask(fake, ("user", "Why?"), most=20_000)
    assert text.startswith(answer(SEED, "Why?"))
    assert fake.whole("Why?").startswith(text)
    assert fake.has_spoiled("Why?")


async def test_a_huge_piece_comes_after_the_answer(fake: Tutor) -> None:
    with fake.mood(Mood.HUGE):
        text, _ = await _ask(fake, ("user", "Why?"))
    assert text == answer(SEED, "Why?") + HUGE_PIECE == fake.whole("Why?")


async def test_an_empty_reply_is_empty(fake: Tutor) -> None:
    with fake.mood(Mood.EMPTY):
        assert (await _ask(fake, ("user", "Why?")))[0] == ""


@pytest.mark.parametrize("mood", [Mood.LATE, Mood.SILENT])
async def test_a_silence_lasts_as_long_as_the_mood(fake: Tutor, mood: Mood) -> None:
    with fake.mood(mood):
        with pytest.raises(httpx2.ReadTimeout):
            await _ask_impatiently(fake)
        assert fake.has_spoiled("Why?")
    assert (await _ask(fake, ("user", "Why?")))[0] == answer(SEED, "Why?")
