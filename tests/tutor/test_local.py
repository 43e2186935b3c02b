"""The real local model, where it is installed."""

import asyncio
import os
import signal
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path

import pytest

from server.lesson import Lesson, Utterance
from server.settings import Settings
from server.tutor.connect import connect
from server.tutor.local import LocalModelFailed, address_of, child, local_tutor
from server.tutor.tutor import Tutor, TutorFailed


def model_file() -> Path | None:
    named = os.environ.get("TUTORHUB_LOCAL_MODEL")
    found = [Path(named)] if named else sorted(Path(__file__).parents[2].glob(".models/*.gguf"))
    return next((path for path in found if path.is_file()), None)


MODEL = model_file()
LESSON = Lesson(mode="fun", language="en", history=[Utterance("user", "What is 2 + 3? Answer in one sentence.")])
LONG = Lesson(mode="learn", language="en", history=[Utterance("user", "Tell me a very long story about numbers.")])

needs_model = pytest.mark.skipif(
    MODEL is None or find_spec("xllamacpp") is None,
    reason="needs xllamacpp and a model: TUTORHUB_LOCAL_MODEL or .models/*.gguf",
)


async def text_in_the_end(tutor: Tutor) -> str:
    """As a turn would: a reply that failed is asked for again."""
    while True:
        try:
            return await text_of(tutor, LESSON)
        except TutorFailed as failure:
            if not failure.retryable:
                raise


async def text_of(tutor: Tutor, lesson: Lesson) -> str:
    return "".join([piece.text async for piece in tutor.reply(lesson)])


@needs_model
async def test_the_local_model_answers_and_says_what_it_is() -> None:
    assert MODEL is not None
    async with local_tutor(MODEL) as tutor:
        pieces = [piece async for piece in tutor.reply(LESSON)]
    assert len([piece for piece in pieces if piece.text]) > 1
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.completion_tokens > 0
    assert tutor.name.local
    assert "often wrong" in tutor.name.note


@needs_model
async def test_a_closed_reply_leaves_the_model_free_for_the_next() -> None:
    assert MODEL is not None
    async with local_tutor(MODEL) as tutor:
        for _ in range(5):
            async with aclosing(tutor.reply(LONG)) as pieces:
                await anext(pieces)
        async with asyncio.timeout(20):
            assert await text_of(tutor, LESSON)


@needs_model
async def test_the_longest_history_in_a_script_the_model_hardly_knows_fits_its_context() -> None:
    assert MODEL is not None
    history = [Utterance("user" if turn % 2 == 0 else "assistant", "ສະບາຍດີ 日本語 ảệữ " * 40) for turn in range(41)]
    lesson = Lesson(mode="learn", language="lo", history=history)
    async with local_tutor(MODEL) as tutor, aclosing(tutor.reply(lesson)) as pieces:
        assert (await anext(pieces)).text


@needs_model
async def test_a_model_that_dies_breaks_its_reply_and_is_started_again() -> None:
    assert MODEL is not None
    async with local_tutor(MODEL) as tutor, asyncio.timeout(30):
        first = tutor.pid
        assert first is not None
        async with aclosing(tutor.reply(LONG)) as pieces:
            await anext(pieces)
            os.kill(first, signal.SIGKILL)
            with pytest.raises(TutorFailed) as failed:
                _ = [piece async for piece in pieces]
        assert failed.value.retryable
        assert await text_in_the_end(tutor)
        assert tutor.pid not in (None, first)


@needs_model
async def test_the_child_ends_when_the_one_who_started_it_does() -> None:
    """A parent that is killed closes the child's standard input."""
    assert MODEL is not None
    async with child(MODEL) as process:
        await address_of(process)
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(5):
            assert await process.wait() == 0


@needs_model
async def test_a_file_that_is_no_model_fails_with_the_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"this is not a model")
    with pytest.raises(LocalModelFailed, match=r"broken\.gguf"):
        async with local_tutor(broken):
            pytest.fail("it must not start")


@needs_model
async def test_what_the_user_of_the_tutor_raises_comes_out_as_it_is() -> None:
    assert MODEL is not None
    with pytest.raises(ZeroDivisionError):
        async with local_tutor(MODEL):
            raise ZeroDivisionError


@needs_model
async def test_no_child_is_left_when_the_tutor_is_left() -> None:
    assert MODEL is not None
    async with local_tutor(MODEL) as tutor:
        pid = tutor.pid
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@needs_model
async def test_the_local_model_is_connected_when_no_endpoint_is_set(tmp_path: Path) -> None:
    async with connect(Settings(data_dir=tmp_path, local_model=MODEL)) as tutor:
        assert tutor.name.local
        assert await text_of(tutor, LESSON)
