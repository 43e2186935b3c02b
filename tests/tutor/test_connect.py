"""Which tutor answers."""

from pathlib import Path

import pytest

from server.errors import StartupError
from server.lesson import Lesson, Utterance
from server.settings import Settings
from server.tutor.connect import connect
from server.tutor.tutor import TutorFailed
from tests.provider import provider

LESSON = Lesson(mode="fun", language="en", history=[Utterance("user", "What is 2 + 3?")])


async def test_the_endpoint_answers_if_it_is_set_even_if_there_is_a_local_model(tmp_path: Path) -> None:
    async with provider(["five"]) as it:
        settings = Settings(
            data_dir=tmp_path, openai_base_url=it.base_url, openai_model="m", local_model=Path(__file__)
        )
        async with connect(settings) as tutor:
            assert [piece.text async for piece in tutor.reply(LESSON)] == ["five", ""]
            assert (tutor.name.name, tutor.name.local) == ("m", False)


async def test_with_neither_every_reply_fails_and_says_how_to_connect_a_model(tmp_path: Path) -> None:
    async with connect(Settings(data_dir=tmp_path, local_model=tmp_path / "absent.gguf")) as tutor:
        with pytest.raises(TutorFailed) as failed:
            await anext(tutor.reply(LESSON))
    assert (failed.value.code, failed.value.retryable) == ("no_tutor", True)
    assert "OPENAI_BASE_URL" in failed.value.detail
    assert "make start" in failed.value.detail


async def test_a_local_model_that_does_not_run_leaves_the_hub_without_a_tutor_and_says_why(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"this is not a model")
    async with connect(Settings(data_dir=tmp_path, local_model=broken)) as tutor:
        with pytest.raises(TutorFailed) as failed:
            await anext(tutor.reply(LESSON))
    assert failed.value.code == "no_tutor"
    assert "The local model does not run" in failed.value.detail


@pytest.mark.parametrize(
    "address", ["localhost:8080/v1", "ftp://host/v1", "http://", "http://[::1/v1", "http://host:port"]
)
async def test_an_address_that_cannot_be_meant_is_refused_at_the_start(tmp_path: Path, address: str) -> None:
    with pytest.raises(StartupError, match="OPENAI_BASE_URL"):
        async with connect(Settings(data_dir=tmp_path, openai_base_url=address)):
            pytest.fail("it must not start")


async def test_a_key_that_no_header_can_carry_is_refused_at_the_start_and_not_shown(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, openai_base_url="http://host/v1", openai_api_key="sk-schlüssel\n")
    with pytest.raises(StartupError, match="OPENAI_API_KEY") as failed:
        async with connect(settings):
            pytest.fail("it must not start")
    assert "sk-" not in str(failed.value)
