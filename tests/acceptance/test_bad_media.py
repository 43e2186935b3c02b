"""Files that mean harm: each is refused with its status, and the server's memory does not move."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

import httpx2
import psutil
import pytest
import pytest_asyncio
from msgspec import Struct

from tests import files
from tests.conftest import _database, fresh_folder
from tests.hub import Hub, child

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEGABYTE = 2**20
MOVED = 12 * MEGABYTE
"""What Python may keep for itself; the least bomb would take twenty times as much."""
LIMIT = 10_000_000


class Ground(Struct):
    """A hub as a process of its own, whose memory can be read."""

    hub: Hub
    process: psutil.Process
    data_dir: Path
    rest: httpx2.AsyncClient

    @property
    def memory(self) -> int:
        return self.process.memory_info().rss

    def lying(self) -> list[str]:
        return [path.name for path in self.data_dir.rglob("*") if path.is_file()]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground(cluster: str, migrated: str) -> AsyncGenerator[Ground]:
    with _database(cluster, template=migrated) as url, fresh_folder() as data_dir:
        async with (
            child(url, TUTORHUB_DATA_DIR=str(data_dir)) as running,
            httpx2.AsyncClient(base_url=running.hub.url, headers=running.hub.headers("mallory"), timeout=60) as rest,
        ):
            made = Ground(running.hub, psutil.Process(running.process.pid), data_dir, rest)
            for data in (files.picture(), files.wav()):  # what is imported once is imported
                kept = (await rest.post("/api/media", content=data)).json()
                await rest.delete(kept["url"])
            yield made


BOMBS = {
    "a PNG of 13,000 by 13,000": (files.png_bomb, 422, "image_too_large"),
    "a PNG of 9,000 by 9,000": (lambda: files.png_bomb(9_000), 422, "image_too_large"),
    "a JPEG that says 65,535 by 65,535": (files.jpeg_of_65535, 422, "image_too_large"),
    "a GIF of 10,000 frames": (files.gif_of_frames, 422, "image_too_large"),
    "ten hours of silence": (lambda: files.wav(36_000, rate=125), 422, "audio_too_long"),
    "SVG with a script": (lambda: files.SVG, 415, "unsupported_media_type"),
    "HTML": (lambda: b"<!doctype html>" + files.SCRIPT, 415, "unsupported_media_type"),
    "a GIF that is a program": (lambda: b"GIF89a/*" + bytes(8) + b"*/=1;alert(1)", 415, "unsupported_media_type"),
    "a PDF behind a JPEG's first bytes": (lambda: b"\xff\xd8\xff%PDF-1.7", 415, "unsupported_media_type"),
    "ten megabytes of nothing": (lambda: bytes(LIMIT), 415, "unsupported_media_type"),
    "nothing": (lambda: b"", 422, "invalid"),
}


@pytest.mark.parametrize(("make", "status", "code"), BOMBS.values(), ids=BOMBS.keys())
async def test_a_bad_file_is_refused_and_the_memory_is_unmoved(
    ground: Ground, make: Callable[[], bytes], status: int, code: str
) -> None:
    data = make()
    before = ground.memory
    for _ in range(2):
        refused = await ground.rest.post("/api/media", content=data)
        assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert ground.memory - before < MOVED
    assert ground.lying() == []
    assert [each for each in ground.process.children() if "server.inspection.child" in each.cmdline()] == []


async def test_twenty_bombs_at_once_leave_the_memory_unmoved_and_the_hub_awake(ground: Ground) -> None:
    data, before, slowest = files.png_bomb(), ground.memory, 0.0
    users = [ground.hub.headers(f"mallory-{number}") for number in range(20)]
    async with asyncio.TaskGroup() as group:
        sending = [group.create_task(ground.rest.post("/api/media", content=data, headers=user)) for user in users]
        while not all(task.done() for task in sending):
            began = asyncio.get_running_loop().time()
            assert (await ground.rest.get("/livez")).status_code == 200
            slowest = max(slowest, asyncio.get_running_loop().time() - began)
            await asyncio.sleep(0.01)
    assert {task.result().json()["code"] for task in sending} <= {"image_too_large", "overloaded"}
    assert ground.memory - before < MOVED
    assert slowest < 1.0


async def test_a_large_file_is_never_whole_in_memory(ground: Ground) -> None:
    data = files.wav(590, rate=16_900)
    assert LIMIT - 100_000 < len(data) <= LIMIT
    before = ground.memory
    kept = (await ground.rest.post("/api/media", content=data)).json()
    read = await ground.rest.get(kept["url"])
    assert read.content == data
    assert ground.memory - before < MOVED // 2
    await ground.rest.delete(kept["url"])


async def test_too_many_bytes_are_refused_as_soon_as_they_are_known_or_come(ground: Ground) -> None:
    refused = await ground.rest.post("/api/media", content=bytes(LIMIT + 1))
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    before = ground.memory
    answer, sent = await _endless(ground)
    assert b" 413 " in answer
    assert LIMIT < sent < 2 * LIMIT, "the answer comes at once, not at the end, which never comes"
    assert ground.memory - before < MOVED
    assert ground.lying() == []


async def _endless(ground: Ground) -> tuple[bytes, int]:
    """What is answered to a file without end, and after how many bytes of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ground.hub.port)
    token, sent = ground.hub.headers("mallory")["Authorization"], 0
    head = f"POST /api/media HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.TaskGroup() as group:
        hearing = group.create_task(reader.readline())
        while not hearing.done() and sent < 10 * LIMIT:
            writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
            await writer.drain()
            sent += 65_536
            await asyncio.sleep(0)
    writer.transport.abort()
    return hearing.result(), sent


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Encoding": "gzip"}, 415),
        ({"Authorization": "Bearer nobody"}, 401),
        ({"Idempotency-Key": "../../../etc/passwd"}, 422),
        ({"Idempotency-Key": "a.png\\0.html"}, 422),
    ],
    ids=str,
)
async def test_a_request_that_is_not_right_keeps_nothing(ground: Ground, headers: dict[str, str], status: int) -> None:
    data = gzip.compress(bytes(50_000_000)) if "Content-Encoding" in headers else files.picture()
    refused = await ground.rest.post("/api/media", content=data, headers=headers)
    assert refused.status_code == status
    assert ground.lying() == []


async def test_no_name_and_no_type_that_is_said_is_believed(ground: Ground) -> None:
    for name in ("../../x", "a.png%00.html", "x" * 300 + ".svg", "\u202egnp.exe"):
        headers = [
            (b"Content-Type", b"text/html"),
            (b"Content-Disposition", b"attachment; filename*=UTF-8''" + name.encode()),
        ]
        kept = (await ground.rest.post("/api/media", content=files.picture(), headers=headers)).json()
        read = await ground.rest.get(kept["url"])
        assert read.headers["content-type"] == "image/png"
        assert read.headers["content-disposition"] == f'attachment; filename="{kept["id"]}.png"'
        await ground.rest.delete(kept["url"])
    assert ground.lying() == []


@pytest.mark.parametrize("path", ["/api/media/..%2f..%2fetc%2fpasswd", "/api/media/%00", "/media/", "/media/%2e%2e"])
async def test_a_path_that_leads_elsewhere_leads_nowhere(ground: Ground, path: str) -> None:
    answer = await ground.rest.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text


async def test_who_sends_slowly_takes_the_place_of_few(ground: Ground) -> None:
    """Four of one user come in at once, the fifth is asked to come again, and others are not harmed."""
    go = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield files.wav()[:100]
        await go.wait()
        yield files.wav()[100:]

    async with asyncio.TaskGroup() as group:
        slow = [group.create_task(ground.rest.post("/api/media", content=slowly())) for _ in range(4)]
        async with asyncio.timeout(10):
            while len(list((ground.data_dir / "media" / "incoming").iterdir())) < 4:
                await asyncio.sleep(0.02)
        fifth = await ground.rest.post("/api/media", content=files.wav())
        assert (fifth.status_code, fifth.json()["code"]) == (503, "overloaded")
        assert int(fifth.headers["retry-after"]) >= 1
        other = await ground.rest.post("/api/media", content=files.wav(), headers=ground.hub.headers("ada"))
        assert other.status_code == 201
        await ground.rest.delete(other.json()["url"], headers=ground.hub.headers("ada"))
        go.set()
    assert {task.result().status_code for task in slow} == {201}
    for task in slow:
        await ground.rest.delete(task.result().json()["url"])
