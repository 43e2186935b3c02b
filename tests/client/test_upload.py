"""A file of this machine, given to a real hub."""

from pathlib import Path

import pytest

from client.errors import CommandRefused, ConnectionLost
from client.upload import upload
from protocol.errors import Reason
from protocol.ids import fresh_media_id
from tests import files
from tests.hub import running


async def test_a_file_is_given_to_the_hub_once(database_url: str, data_dir: Path, tmp_path: Path) -> None:
    picture, bad = tmp_path / "homework.jpg", tmp_path / "bad.png"
    picture.write_bytes(files.photo())
    bad.write_bytes(files.SVG)
    async with running(database_url, data_dir=data_dir) as hub:
        media = fresh_media_id()
        kept = await upload(hub.url, hub.token("ada"), picture, media)
        assert (kept.id, kept.type, kept.url) == (media, "image/jpeg", f"/api/media/{media}")
        assert await upload(f"{hub.url}/", hub.token("ada"), picture, media) == kept
        assert (await upload(hub.url, hub.token("ada"), picture)).id != media
        with pytest.raises(CommandRefused) as refused:
            await upload(hub.url, hub.token("ada"), bad)
        assert refused.value.problem.code == Reason.UNSUPPORTED_MEDIA_TYPE
    with pytest.raises(ConnectionLost):
        await upload(hub.url, hub.token("ada"), picture)
