"""What is said in a recording, over real sockets, from a provider that may fail."""

import os
from collections.abc import AsyncGenerator

import pytest

from protocol.answers import Transcript
from server.tutor.scribe import Scribe
from server.tutor.tutor import TutorFailed
from tests.provider import Provider, Refuse, provider

DATA = os.urandom(200_000)


async def pieces(data: bytes = DATA) -> AsyncGenerator[bytes]:
    for at in range(0, len(data), 65_536):
        yield data[at : at + 65_536]


async def heard(it: Provider) -> Transcript:
    return await Scribe(it.base_url, "whisper", "sk-key").transcribe("audio/ogg", len(DATA), pieces())


async def test_the_recording_is_sent_as_it_is_under_a_name_of_ours() -> None:
    async with provider([]) as it:
        assert await heard(it) == Transcript("What is pi?", "english")
    [form] = it.recordings
    assert DATA in form
    for part in (b'name="model"\r\n\r\nwhisper\r\n', b'filename="recording.ogg"', b"Content-Type: audio/ogg\r\n\r\n"):
        assert part in form
    assert it.keys == ["Bearer sk-key"]


@pytest.mark.parametrize(
    ("answered", "text"),
    [
        ({"text": " Pi? "}, "Pi?"),
        ({"text": "a\0b"}, "ab"),
        ({"text": "\ud83d half"}, "? half"),
        ({"text": "x" * 9_000}, "x" * 8_000),
        ({"text": "", "language": ""}, ""),
    ],
)
async def test_what_comes_back_is_what_a_message_can_hold(answered: dict[str, str], text: str) -> None:
    async with provider([]) as it:
        it.transcript = answered
        assert await heard(it) == Transcript(text)


@pytest.mark.parametrize("answered", [{}, {"text": None}, {"text": 7}, {"error": "x"}, Refuse(500), Refuse(401)])
async def test_what_cannot_be_used_is_a_failure_without_the_providers_words(answered: dict[str, str] | Refuse) -> None:
    async with provider([]) as it:
        it.transcript = answered
        with pytest.raises(TutorFailed) as failed:
            await heard(it)
        assert "refused by the test" not in failed.value.detail


async def test_a_provider_that_is_not_there_is_a_failure() -> None:
    async with provider([]) as it:
        pass
    with pytest.raises(TutorFailed):
        await heard(it)


async def test_a_provider_that_takes_too_long_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.tutor.scribe.WHOLE", 0.2)

    async def never() -> AsyncGenerator[bytes]:
        yield b"some"
        await it.until(lambda: False)

    async with provider([]) as it:
        with pytest.raises(TutorFailed, match="too slow"):
            await Scribe(it.base_url, "whisper").transcribe("audio/ogg", 10, never())
