"""What can be set of media, and how it is told that it is wrong."""

from pathlib import Path

import pytest
from msgspec.structs import fields

from server.environment import read
from server.settings import MediaSettings
from tests.test_environment import HOME, refusal


def test_what_is_kept_of_media_has_settings_of_its_own() -> None:
    assert read(HOME).media == MediaSettings()
    assert read({**HOME, "TUTORHUB_DATA_DIR": "/data"}).media_dir == Path("/data/media")
    environ = {"DIR": "/m", "URL": "s3://b/p", "S3_ENDPOINT": "http://s3", "FILE_BYTES": "5", "USER_BYTES": "6"}
    environ |= {"USER_FILES": "7", "PIXELS": "8", "AUDIO_SECONDS": "9.5", "ORPHAN_HOURS": "10"}
    assert set(environ) == {field.name.upper() for field in fields(MediaSettings)}
    settings = read(HOME | {f"TUTORHUB_MEDIA_{name}": value for name, value in environ.items()})
    assert settings.media == MediaSettings(Path("/m"), "s3://b/p", "http://s3", 5, 6, 7, 8, 9.5, 10)
    assert settings.media_dir == Path("/m")


@pytest.mark.parametrize(
    ("name", "text"), [("URL", "https://b"), ("URL", "s3://"), ("PIXELS", "25000001"), ("FILE_BYTES", "0")]
)
def test_a_setting_of_media_that_cannot_be_meant_is_named(name: str, text: str) -> None:
    assert refusal({**HOME, f"TUTORHUB_MEDIA_{name}": text}).startswith(f"TUTORHUB_MEDIA_{name}: expected")
