"""Files are what their bytes say, found out by a child process that nothing of them can leave."""

import asyncio
import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from PIL import Image

from server.errors import AudioTooLong, ImageTooLarge, Overloaded, Refusal, UnsupportedMediaType
from server.inspection import child, inspection
from server.inspection.inspection import Inspection, Looked
from server.inspection.orders import KEPT, THUMBNAIL, VIEW, Picture, Sound
from server.settings import MediaSettings
from tests import files

SETTINGS = MediaSettings()


async def look(folder: Path, data: bytes, settings: MediaSettings = SETTINGS) -> Looked:
    source = folder / "source"
    source.write_bytes(data)
    return await Inspection(settings).look(source, folder)


async def refused(folder: Path, data: bytes) -> type[Refusal]:
    with pytest.raises(Refusal) as error:
        await look(folder, data)
    return type(error.value)


@pytest.mark.parametrize(
    ("format", "kept"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/png")]
)
async def test_a_picture_is_written_anew_with_a_thumbnail_and_a_view(tmp_path: Path, format: str, kept: str) -> None:
    looked = await look(tmp_path, files.picture(format, (2000, 1000)))
    assert looked == Looked(kept, Picture(type=kept, width=2000, height=1000))
    sizes: dict[str, tuple[int, int]] = {}
    for name in (KEPT, VIEW, THUMBNAIL):
        with Image.open(tmp_path / name) as image:
            sizes[name] = image.size
            pixel = image.convert("RGB").getpixel((image.size[0] // 4, image.size[1] // 2))
            assert isinstance(pixel, tuple)
            assert (pixel[0] > 200, pixel[2] < 50) == (True, True), "its left half is red"
    assert sizes == {KEPT: (2000, 1000), VIEW: (1024, 512), THUMBNAIL: (320, 160)}


async def test_a_photo_is_turned_upright_and_nothing_is_kept_that_cannot_be_seen(tmp_path: Path) -> None:
    data = files.photo((640, 480))
    assert b"Canary" in data
    looked = await look(tmp_path, data)
    assert looked.found == Picture(type="image/jpeg", width=480, height=640)
    for name in (KEPT, VIEW, THUMBNAIL):
        kept = (tmp_path / name).read_bytes()
        assert b"anary" not in kept
        with Image.open(io.BytesIO(kept)) as image:
            assert not image.getexif()
            assert not {"comment", "exif", "xmp"} & image.info.keys()


async def test_what_can_be_seen_through_stays_so(tmp_path: Path) -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    file = io.BytesIO()
    image.save(file, "PNG")
    await look(tmp_path, file.getvalue())
    with Image.open(tmp_path / KEPT) as kept, Image.open(tmp_path / VIEW) as view:
        assert kept.mode == "RGBA"
        assert kept.getpixel((5, 5)) == (255, 0, 0, 0)
        assert view.getpixel((5, 5)) == (255, 255, 255)


async def test_of_a_polyglot_only_the_picture_is_kept(tmp_path: Path) -> None:
    for kind in ("JPEG", "PNG", "GIF"):
        await look(tmp_path, files.picture(kind) + files.SCRIPT)
        for name in (KEPT, VIEW, THUMBNAIL):
            assert b"canary" not in (tmp_path / name).read_bytes()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
async def test_the_largest_picture_that_is_allowed_fits_into_the_child(tmp_path: Path, format: str) -> None:
    options = {"quality": 60, "method": 0} if format == "WEBP" else {"compress_level": 1} if format == "PNG" else {}
    looked = await look(tmp_path, files.noise(format, (5_000, 5_000), **options))
    assert looked.found == Picture(type=looked.type, width=5_000, height=5_000)


BOMBS: dict[str, Callable[[], bytes]] = {
    "a PNG of 13,000 by 13,000": files.png_bomb,
    "a PNG of 5,001 by 5,001": lambda: files.png_bomb(5_001),
    "a JPEG that says 65,535 by 65,535": files.jpeg_of_65535,
    "a GIF of 10,000 frames": files.gif_of_frames,
    "a GIF of few large frames": lambda: files.gif_of_frames(101, 1_000),
}


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS.keys())
async def test_a_bomb_is_refused(tmp_path: Path, make: Callable[[], bytes]) -> None:
    data = make()
    assert len(data) < 400_000
    assert await refused(tmp_path, data) is ImageTooLarge
    assert not (tmp_path / KEPT).exists()


NO_KIND = {
    "nothing": b"",
    "text": b"Dear tutor, " * 100,
    "HTML": b"<!doctype html>" + files.SCRIPT,
    "SVG": files.SVG,
    "SVG behind a declaration": b'<?xml version="1.0"?>' + files.SVG,
    "PDF": b"%PDF-1.7\n" + files.SCRIPT,
    "a ZIP": b"PK\x03\x04" + bytes(100),
    "a program": Path(sys.executable).read_bytes()[:1000],
    "a playlist": b"#EXTM3U\nfile:///etc/passwd\n",
    "a HEIC picture": b"\0\0\0\x18ftypheic" + bytes(100),
    "a GIF that is a program": b"GIF89a/*" + bytes(8) + b"*/=1;alert('canary')",
    "a PNG of its first bytes": b"\x89PNG\r\n\x1a\n" + files.SCRIPT,
    "a JPEG of its first bytes": b"\xff\xd8\xff\xe0" + files.SCRIPT,
    "half a PNG": files.picture("PNG")[:-60],
    "a WAV of its first bytes": b"RIFF\xff\xff\0\0WAVE" + files.SCRIPT,
    "a WAV without a sound": files.wav(0),
    "an OGG of its first bytes": b"OggS" + files.SCRIPT,
    "an MP3 of its first bytes": b"ID3\x04\0\0\0\0\0\0" + files.SCRIPT,
    "a playlist as an MP3": b"ID3\x04\0\0\0\0\0\0#EXTM3U\nfile:///etc/passwd\n",
    "Matroska that is no WebM": b"\x1a\x45\xdf\xa3" + b"matroska" + bytes(100),
}


@pytest.mark.parametrize("data", NO_KIND.values(), ids=NO_KIND.keys())
async def test_what_is_of_no_kind_that_is_taken_is_refused(tmp_path: Path, data: bytes) -> None:
    assert await refused(tmp_path, data) is UnsupportedMediaType


async def test_a_film_is_no_sound(tmp_path: Path) -> None:
    assert await refused(tmp_path, files.film()) is UnsupportedMediaType


@pytest.mark.parametrize(
    ("container", "type"),
    [("ogg", "audio/ogg"), ("webm", "audio/webm"), ("mp4", "audio/mp4"), ("mp3", "audio/mpeg"), ("wav", "audio/wav")],
)
async def test_a_sound_is_played_to_learn_how_long_it_is(tmp_path: Path, container: str, type: str) -> None:
    data = files.wav(3) if container == "wav" else files.sound(container, 3)
    looked = await look(tmp_path, data)
    assert looked.type == type
    assert isinstance(looked.found, Sound)
    assert looked.found.seconds == pytest.approx(3, abs=0.2)


async def test_ten_hours_of_silence_are_refused_in_seconds(tmp_path: Path) -> None:
    data = files.wav(36_000, rate=125)  # a kilobit a second
    assert len(data) < SETTINGS.file_bytes
    async with asyncio.timeout(15):
        assert await refused(tmp_path, data) is AudioTooLong


async def test_a_recording_may_be_just_as_long_as_is_allowed(tmp_path: Path) -> None:
    settings = MediaSettings(audio_seconds=30)
    looked = await look(tmp_path, files.sound("ogg", 29), settings)
    assert isinstance(looked.found, Sound)
    with pytest.raises(AudioTooLong):
        await look(tmp_path, files.sound("ogg", 32), settings)


async def test_a_header_that_lies_about_the_length_is_not_believed(tmp_path: Path) -> None:
    hour_in_a_second = files.wav(1).replace((8_000).to_bytes(4, "little"), (2).to_bytes(4, "little"), 1)
    assert await refused(tmp_path, hour_in_a_second) is AudioTooLong
    looked = await look(tmp_path, files.wav_that_lies(20))
    assert isinstance(looked.found, Sound)
    assert looked.found.seconds <= 20.1


# The child.


def children() -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for each in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, FileNotFoundError):  # it has ended just now
            found += [each] if "server.inspection.child" in each.cmdline() else []
    return found


def _network(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/net").readlink()


def _may_leave_the_network() -> bool:
    tried = [subprocess.run(["unshare", *how, "true"], check=False, capture_output=True) for how in (["-n"], ["-Un"])]
    return any(each.returncode == 0 for each in tried)


async def test_the_child_has_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTORHUB_JWT_SECRET", "a secret that no child may have")
    source = tmp_path / "source"
    os.mkfifo(source)  # it waits for bytes, and can be looked at
    order = inspection.LookAtImage(str(source), str(tmp_path), "PNG", 25_000_000)
    async with asyncio.TaskGroup() as group:
        finding = group.create_task(inspection._find(order))
        while not (found := children()) or found[0].rlimit(psutil.RLIMIT_AS)[0] != child.MEMORY:
            await asyncio.sleep(0.02)
        assert {*found[0].environ()} <= {*inspection.ENVIRONMENT, "LC_CTYPE"}
        assert found[0].rlimit(psutil.RLIMIT_CPU) == (8, 8)
        assert found[0].net_connections() == []
        if _may_leave_the_network():
            async with asyncio.timeout(5):
                while _network(found[0].pid) == _network(os.getpid()):
                    await asyncio.sleep(0.02)
        found[0].kill()
        assert (await finding).why == "too_large"  # pyright: ignore[reportAttributeAccessIssue]
    assert children() == []


async def test_a_child_that_is_not_done_in_time_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "DONE_WITHIN", 0.5)
    source = tmp_path / "source"
    os.mkfifo(source)
    order = inspection.LookAtAudio(str(source), "wav", 600)
    assert (await inspection._find(order)).why == "too_long"  # pyright: ignore[reportAttributeAccessIssue]
    assert children() == []


async def test_two_are_looked_at_at_once_and_the_others_wait_or_are_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = Inspection(SETTINGS)
    most = 0
    for number in range(6):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "source").write_bytes(files.picture("PNG"))
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(looking.look(tmp_path / str(number) / "source", tmp_path / str(number)))
            for number in range(6)
        ]
        while not all(task.done() for task in tasks):
            most = max(most, len(children()))
            await asyncio.sleep(0.01)
    assert most == inspection.AT_ONCE
    monkeypatch.setattr(inspection, "TURN_WITHIN", 0.05)
    async with looking._turn(), looking._turn():
        with pytest.raises(Overloaded):
            await looking.look(tmp_path / "0" / "source", tmp_path / "0")
