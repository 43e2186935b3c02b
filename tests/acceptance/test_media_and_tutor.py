"""What a tutor sees and hears of what the learner has sent."""

import io
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from protocol.model import Metadata
from server.tutor.prompt import UNSEEN
from tests import files
from tests.acceptance.test_media import added, client
from tests.device import Device, device
from tests.hub import running
from tests.provider import Refuse, provider


async def say(phone: Device, rest: httpx2.AsyncClient, count: int) -> tuple[Any, list[dict[str, Any]]]:
    """A session of so many messages with a picture each, whose replies have come."""
    session = await phone.create()
    await phone.open(session)
    pictures = [await added(rest, files.picture("PNG", (1500 + number, 1000))) for number in range(count)]
    for number, picture in enumerate(pictures):
        sent = await phone.send(session, f"Picture {number}", metadata=Metadata(image_url=picture["url"]))
        await phone.settled(sent.reply)
    return session, pictures


def shown(message: dict[str, Any]) -> list[bytes]:
    """The pictures of a message, as the provider gets them."""
    if isinstance(message["content"], str):
        return []
    addresses = [part["image_url"]["url"] for part in message["content"] if part["type"] == "image_url"]
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses)
    return [b64decode(address.partition(",")[2]) for address in addresses]


async def test_a_tutor_that_sees_is_shown_the_last_pictures_made_smaller(database_url: str, data_dir: Path) -> None:
    async with (
        provider(["I see."]) as it,
        running(database_url, it.base_url, data_dir=data_dir, openai_images=True) as hub,
        client(hub) as rest,
        device(hub) as phone,
    ):
        session, pictures = await say(phone, rest, 4)
        asked = [message for message in it.requests[-1]["messages"] if message["role"] == "user"]
        assert [len(shown(message)) for message in asked] == [0, 1, 1, 1]
        assert UNSEEN in asked[0]["content"]
        assert asked[-1]["content"][0] == {"type": "text", "text": "Picture 3"}
        with Image.open(io.BytesIO(shown(asked[-1])[0])) as image:
            assert image.size == (1024, 681)
        assert isinstance(it.requests[-1]["messages"][0]["content"], str), "nothing of it is in the system's part"
        await rest.delete(pictures[3]["url"])
        again = await phone.send(session, "And now?")
        await phone.settled(again.reply)
        assert UNSEEN in json.dumps(it.requests[-1]["messages"]), "one that was deleted is spoken of"
        assert len([part for message in it.requests[-1]["messages"] for part in shown(message)]) == 2


async def test_a_tutor_that_does_not_see_is_told_that_there_is_a_picture(database_url: str, data_dir: Path) -> None:
    async with (
        provider(["What is on it?"]) as it,
        running(database_url, it.base_url, data_dir=data_dir) as hub,
        client(hub) as rest,
        device(hub) as phone,
    ):
        await say(phone, rest, 1)
        [system, asked] = it.requests[-1]["messages"]
        assert asked == {"role": "user", "content": f"Picture 0\n\n{UNSEEN}"}
        assert "picture" not in system["content"]


async def test_a_recording_is_heard_by_the_provider(database_url: str, data_dir: Path) -> None:
    async with provider([]) as it:
        async with (
            running(database_url, it.base_url, data_dir=data_dir, openai_transcription_model="whisper") as hub,
            client(hub) as rest,
        ):
            data = files.sound("webm", 2)
            voice, picture = await added(rest, data), await added(rest)
            heard = await rest.post(f"{voice['url']}/transcription")
            assert (heard.status_code, heard.json()) == (200, {"text": "What is pi?", "language": "english"})
            assert data in it.recordings[0]
            refused = await rest.post(f"{picture['url']}/transcription")
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
            it.transcript = Refuse(500, "canary of the provider")
            failed = await rest.post(f"{voice['url']}/transcription")
            assert (failed.status_code, failed.json()["code"]) == (502, "provider_failed")
            assert "canary" not in failed.text
            _lose_all_bytes(data_dir)
            assert (await rest.post(f"{voice['url']}/transcription")).status_code == 404


def _lose_all_bytes(data_dir: Path) -> None:
    for path in data_dir.rglob("*"):
        if path.is_file():
            path.unlink()


@pytest.mark.parametrize("base_url", [None, "http://127.0.0.1:9/v1"])
async def test_where_nobody_listens_that_is_said(database_url: str, data_dir: Path, base_url: str | None) -> None:
    async with running(database_url, base_url, data_dir=data_dir) as hub, client(hub) as rest:
        voice = await added(rest, files.wav())
        refused = await rest.post(f"{voice['url']}/transcription")
        assert (refused.status_code, refused.json()["code"]) == (501, "not_offered")
        assert "TUTORHUB_OPENAI_TRANSCRIPTION_MODEL" in refused.json()["detail"]
