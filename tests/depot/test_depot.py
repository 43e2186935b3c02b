"""What lies in a depot, in a folder or in a bucket, is whole, and is there until it is removed."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from server.depot.bucket import Bucket
from server.depot.connect import depot as connected
from server.depot.depot import Depot, Lost
from server.depot.folder import HALF_WRITTEN, Folder
from server.depot.keeping import Parcel, in_chunks, keep, kept
from server.errors import Unavailable
from server.sealed_chunks import CHUNK_BYTES as CHUNK
from server.sealing import Unsealed, UserKey
from server.settings import MediaSettings, Settings
from tests.bucket import CREDENTIALS, BucketServer, bucket_server

ADA, EVE = sha256(b"ada").hexdigest(), sha256(b"eve").hexdigest()


@pytest_asyncio.fixture(params=["folder", "bucket"])
async def depot(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Depot]:
    if request.param == "folder":
        yield Folder(tmp_path / "kept")
        return
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    async with bucket_server(tmp_path / "server") as server:
        yield Bucket("s3://media/some/prefix", server.endpoint)


def name_of(owner: str, form: str = "") -> str:
    return f"{owner}/{uuid4()}{form}"


async def of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def read(depot: Depot, name: str, begin: int, end: int) -> bytes:
    return b"".join([piece async for piece in depot.read(name, begin, end)])


async def names(depot: Depot) -> set[str]:
    return {each.name async for some in depot.everything() for each in some}


async def test_what_is_put_is_read_as_it_was_and_in_parts(depot: Depot) -> None:
    name, data = name_of(ADA), os.urandom(300_000)
    await depot.put(name, of(data[:100_000], data[100_000:]))
    assert await read(depot, name, 0, len(data)) == data
    assert await read(depot, name, 65_530, 65_540) == data[65_530:65_540]
    assert await read(depot, name, 299_999, 300_000) == data[-1:]


async def test_more_than_one_part_of_a_bucket_is_whole(depot: Depot) -> None:
    name, data = name_of(ADA), os.urandom(11_000_000)
    await depot.put(name, of(*[data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]))
    assert sha256(await read(depot, name, 0, len(data))).digest() == sha256(data).digest()


async def test_the_same_name_again_replaces(depot: Depot) -> None:
    name = name_of(ADA)
    await depot.put(name, of(b"one"))
    await depot.put(name, of(b"other"))
    assert await read(depot, name, 0, 5) == b"other"
    assert await names(depot) == {name}


async def test_what_breaks_off_leaves_nothing(depot: Depot) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionError

    with pytest.raises((ConnectionError, Unavailable)):
        await depot.put(name_of(ADA), breaking())
    assert await names(depot) == set()


async def test_what_is_not_there_is_lost_and_its_removal_no_error(depot: Depot) -> None:
    name = name_of(ADA)
    with pytest.raises(Lost):
        await read(depot, name, 0, 1)
    await depot.remove(name)
    await depot.remove_all(ADA)
    await depot.put(name, of(b"there"))
    await depot.remove(name)
    with pytest.raises(Lost):
        await read(depot, name, 0, 1)


async def test_everything_of_an_owner_is_removed_and_nothing_of_another(depot: Depot) -> None:
    hers = [name_of(ADA), name_of(ADA, ".thumbnail")]
    his = name_of(EVE)
    for name in (*hers, his):
        await depot.put(name, of(b"bytes"))
    assert await names(depot) == {*hers, his}
    lying = [each async for some in depot.everything() for each in some]
    assert all(abs(each.since - time.time()) < 60 for each in lying)
    await depot.remove_all(ADA)
    await depot.remove_all(ADA)
    assert await names(depot) == {his}


@pytest.mark.parametrize("bad", ["../../etc/passwd", "/etc/passwd", f"{ADA}/../x", f"{ADA}/{uuid4()}\0", "", ADA])
async def test_a_name_that_we_do_not_make_is_a_fault(depot: Depot, bad: str) -> None:
    with pytest.raises(AssertionError):
        await depot.put(bad, of(b"x"))
    with pytest.raises(AssertionError):
        await read(depot, bad, 0, 1)
    with pytest.raises(AssertionError):
        await depot.remove(bad)


KEYS = [Unsealed(), UserKey(b"k" * 32, b"", complete=True)]


@pytest.mark.parametrize("key", KEYS, ids=["as it is", "sealed"])
async def test_a_file_goes_in_and_out_in_chunks_whatever_is_asked_for(
    depot: Depot, tmp_path: Path, key: Unsealed
) -> None:
    source, data = tmp_path / "source", os.urandom(3 * CHUNK + 17)
    source.write_bytes(data)
    name = name_of(ADA)
    parcel = Parcel(name, len(data), key)
    await keep(depot, parcel, source)
    edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK, len(data) - 1, len(data)]
    for begin in edges:
        for end in edges:
            if begin < end:
                found = b"".join([part async for part in kept(depot, parcel, begin, end)])
                assert found == data[begin:end], (begin, end)


@pytest.mark.parametrize("size", [1, 1_000, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK])
async def test_chunks_are_of_one_size_but_for_the_last(size: int) -> None:
    data = os.urandom(3 * CHUNK + 5)
    pieces = of(*[data[at : at + size] for at in range(0, len(data), size)])
    chunks = [chunk async for chunk in in_chunks(pieces)]
    assert b"".join(chunks) == data
    assert {len(chunk) for chunk in chunks[:-1]} == {CHUNK}


# The folder.


async def test_halves_that_a_crash_has_left_are_thrown_away_when_they_are_old(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    name = name_of(ADA)
    await folder.put(name, of(b"whole"))
    old, fresh = tmp_path / ADA / ".old", tmp_path / ADA / ".fresh"
    for half in (old, fresh):
        half.write_bytes(b"half")
    os.utime(old, (0, time.time() - HALF_WRITTEN - 10))
    assert await names(folder) == {name}
    assert (old.exists(), fresh.exists()) == (False, True)


async def test_nobody_else_may_enter_the_folder(tmp_path: Path) -> None:
    await Folder(tmp_path / "kept").put(name_of(ADA), of(b"x"))
    assert ((tmp_path / "kept" / ADA).stat().st_mode & 0o077) == 0


async def test_a_folder_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"a file is here")
    with pytest.raises(Unavailable):
        await Folder(tmp_path / "kept").put(name_of(ADA), of(b"x"))


# The bucket.


@pytest_asyncio.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[BucketServer]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    async with bucket_server(tmp_path / "server") as running:
        yield running


async def test_a_bucket_that_does_not_answer_is_unavailable(server: BucketServer) -> None:
    bucket, name = Bucket("s3://media", server.endpoint), name_of(ADA)
    await bucket.put(name, of(b"bytes"))
    await server.kill()
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable):
            await read(bucket, name, 0, 1)
        with pytest.raises(Unavailable):
            await bucket.put(name, of(b"bytes"))


async def test_a_bucket_whose_key_is_wrong_is_unavailable_and_not_empty(
    server: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    bucket = Bucket("s3://media", server.endpoint)
    with pytest.raises(Unavailable):
        await read(bucket, name_of(ADA), 0, 1)
    with pytest.raises(Unavailable):
        await names(bucket)


async def test_the_settings_say_which_depot_it_is(server: BucketServer, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, media=MediaSettings(url="s3://media/there", s3_endpoint=server.endpoint))
    ours, name = uuid4(), name_of(ADA)
    await connected(settings, ours).put(name, of(b"bytes"))
    assert [path for path in server.folder.rglob("*") if path.name == name.partition("/")[2]]
    await connected(Settings(data_dir=tmp_path), ours).put(name, of(b"bytes"))
    assert (tmp_path / "media" / "kept" / str(ours) / name).read_bytes() == b"bytes"
    for each in (settings, Settings(data_dir=tmp_path)):
        assert await names(connected(each, uuid4())) == set(), "another deployment sees nothing of it"
        assert await names(connected(each, ours)) == {name}
