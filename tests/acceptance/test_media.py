"""Pictures and sounds, over real sockets: kept once, read by their owner alone, named by messages, collected when
nobody needs them.

Long because it is the whole life of a file, from its bytes to its orphanage.
"""

import asyncio
import io
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from msgspec import structs
from PIL import Image

from protocol.commands import MessageDelete, SessionDelete
from protocol.ids import MediaId, UserId
from protocol.model import Message, Metadata, Session
from server import media, orphans
from server.depot.depot import Lying
from server.depot.names import name_of
from server.edge.timely import TimelyHttp
from server.settings import MediaSettings
from tests import files, rings
from tests.bucket import CREDENTIALS, bucket_server
from tests.device import Device, RefusedError, device
from tests.hub import Hub, running
from tests.provider import provider

ADA, EVE = UserId("ada"), UserId("../../etc/eve")
PICTURE = files.picture("PNG", (1200, 900))
DAY = 86_400.0


@asynccontextmanager
async def hub_with_media(database_url: str, data_dir: Path, **changes: Any) -> AsyncGenerator[Hub]:
    settings = MediaSettings(**changes.pop("media", {}))
    async with running(
        database_url, changes.pop("base_url", None), data_dir=data_dir, media=settings, **changes
    ) as hub:
        yield hub


@asynccontextmanager
async def client(hub: Hub, user: str = ADA) -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=hub.url, headers=hub.headers(user), timeout=30) as rest:
        yield rest


async def added(rest: httpx2.AsyncClient, data: bytes = PICTURE, key: str | None = None) -> dict[str, Any]:
    answer = await rest.post("/api/media", content=data, headers={"Idempotency-Key": key} if key else {})
    assert answer.status_code == 201, answer.text
    return answer.json()


def lying(data_dir: Path) -> list[Path]:
    return sorted(path for path in data_dir.rglob("*") if path.is_file())


async def aged(database_url: str, **interval: float) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        await conn.execute("UPDATE media SET created_at = created_at - make_interval(secs => %(secs)s)", interval)


# Keeping and reading.


@pytest.fixture(params=["folder", "bucket"])
async def hub(
    request: pytest.FixtureRequest, database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Hub]:
    if request.param == "folder":
        async with hub_with_media(database_url, data_dir) as made:
            yield made
        return
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    async with bucket_server(data_dir / "server") as server:
        places = {"url": "s3://media/tutorhub", "s3_endpoint": server.endpoint}
        async with hub_with_media(database_url, data_dir, media=places) as made:
            yield made


async def test_a_picture_is_kept_anew_and_read_whole_small_and_in_parts(hub: Hub) -> None:
    async with client(hub) as rest:
        kept = await added(rest, PICTURE + files.SCRIPT)
        assert (kept["type"], kept["width"], kept["height"]) == ("image/png", 1200, 900)
        whole = await rest.get(kept["url"])
        assert (whole.status_code, len(whole.content)) == (200, kept["bytes"])
        assert files.SCRIPT not in whole.content
        with Image.open(io.BytesIO(whole.content)) as image:
            assert image.size == (1200, 900)
        small = await rest.get(kept["thumbnailUrl"])
        assert small.headers["content-type"] == "image/webp"
        with Image.open(io.BytesIO(small.content)) as image:
            assert image.size == (320, 240)
        part = await rest.get(kept["url"], headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole.content[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{kept['bytes']}"


async def test_a_sound_stays_as_it_is(hub: Hub) -> None:
    data = files.sound("ogg", 3)
    async with client(hub) as rest:
        kept = await added(rest, data)
        assert (kept["type"], kept["bytes"]) == ("audio/ogg", len(data))
        assert kept["seconds"] == pytest.approx(3, abs=0.2)
        assert "thumbnailUrl" not in kept
        assert (await rest.get(kept["url"])).content == data
        assert (await rest.get(f"{kept['url']}/thumbnail")).status_code == 404


async def test_a_file_that_is_deleted_is_gone_at_once_with_its_bytes(hub: Hub) -> None:
    assert hub.instance is not None
    async with client(hub) as rest:
        kept, other = await added(rest), await added(rest, files.wav())
        assert (await rest.delete(kept["url"])).json() == kept
        for path in (kept["url"], kept["thumbnailUrl"]):
            assert (await rest.get(path)).status_code == 404
        assert (await rest.delete(kept["url"])).status_code == 404
        assert await names(hub) == {name_of(ADA, MediaId(UUID(other["id"])))}
        await media.erase(hub.instance, ADA)
        await media.erase(hub.instance, ADA)
        assert await names(hub) == set()
        assert (await rest.get("/api/media")).json() == {"media": [], "cursor": None}


async def names(hub: Hub) -> set[str]:
    assert hub.instance is not None
    return {each.name async for some in hub.instance.files.depot.everything() for each in some}


@pytest.fixture
async def home(database_url: str, data_dir: Path) -> AsyncGenerator[Hub]:
    """A hub that keeps media in its own folder."""
    async with hub_with_media(database_url, data_dir) as made:
        yield made


async def test_what_a_browser_is_told_about_a_file(home: Hub) -> None:
    async with client(home) as rest:
        kept = await added(rest)
        answer = await rest.get(kept["url"])
        told = answer.headers
        assert told["etag"] == f'"{sha256(answer.content).hexdigest()}"'
        assert told["cache-control"] == "private, max-age=31536000, immutable"
        assert told["x-content-type-options"] == "nosniff"
        assert told["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
        assert told["content-disposition"] == f'attachment; filename="{kept["id"]}.png"'
        for held in (told["etag"], f"W/{told['etag']}", f'"other", {told["etag"]}', "*"):
            again = await rest.get(kept["url"], headers={"If-None-Match": held})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", told["etag"])
        assert (await rest.get(kept["url"], headers={"If-None-Match": '"other"'})).status_code == 200
        head = await rest.head(kept["url"])
        assert (head.content, head.headers["content-length"]) == (b"", str(kept["bytes"]))


async def test_a_reader_who_takes_nothing_is_cut_off(home: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimelyHttp, "READS_WITHIN", 0.3)
    async with client(home) as rest:
        kept = await added(rest, files.wav(590, rate=16_900))
    with socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        stuck.connect(("127.0.0.1", home.port))
        head = f"GET {kept['url']} HTTP/1.1\r\nHost: x\r\nAuthorization: {home.headers(ADA)['Authorization']}\r\n\r\n"
        stuck.sendall(head.encode())
        assert home.server is not None
        async with asyncio.timeout(10):
            while not home.server.server_state.connections:
                await asyncio.sleep(0.01)
            while home.server.server_state.connections:
                await asyncio.sleep(0.01)


RANGES = {"bytes=0-0": (0, 1), "bytes=5-": (5, None), "bytes=-7": (-7, None), "bytes=0-999999999": (0, None)}
NO_RANGES = ["bytes=0-,0-", "bytes=" + "0-," * 1000 + "0-", "bytes=9999999-", "bytes=5-4", "bytes=-0", "bytes=x"]


async def test_one_range_is_answered_and_no_other(home: Hub) -> None:
    async with client(home) as rest:
        kept = await added(rest)
        whole = (await rest.get(kept["url"])).content
        for asked, (begin, end) in RANGES.items():
            part = await rest.get(kept["url"], headers={"Range": asked})
            assert (part.status_code, part.content) == (206, whole[begin:end]), asked
        for asked in NO_RANGES:
            refused = await rest.get(kept["url"], headers={"Range": asked})
            assert (refused.status_code, refused.json()["code"]) == (416, "range_not_satisfiable"), asked
            assert refused.headers["content-range"] == f"bytes */{len(whole)}"
        changed = await rest.get(kept["url"], headers={"Range": "bytes=0-0", "If-Range": '"another"'})
        assert (changed.status_code, changed.content) == (200, whole)
        assert (await rest.get(kept["url"], headers={"Range": "lines=1-2"})).status_code == 200


async def test_the_list_goes_on_page_by_page(home: Hub) -> None:
    async with client(home) as rest, client(home, EVE) as eve:
        await added(eve, files.wav())
        made = [(await added(rest, files.wav(0.1 * (count + 1))))["id"] for count in range(5)]
        found, path = list[str](), "/api/media?limit=2"
        while True:
            page = (await rest.get(path)).json()
            found += [each["id"] for each in page["media"]]
            if page["cursor"] is None:
                break
            path = f"/api/media?limit=2&before={page['cursor']}"
        assert found == made[::-1]


# Once, and not twice.


async def test_the_same_file_under_the_same_id_is_kept_once_and_another_is_refused(home: Hub, data_dir: Path) -> None:
    key = str(uuid4())
    async with client(home) as rest, client(home, EVE) as eve:
        kept = await added(rest, key=key)
        assert kept["id"] == key
        assert await added(rest, key=key) == kept
        other = await rest.post("/api/media", content=files.wav(), headers={"Idempotency-Key": key})
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
        assert len(lying(data_dir)) == 3
        his = await added(eve, files.wav(), key=key)
        assert his["type"] == "audio/wav", "another user's id is free"
        bad = await rest.post("/api/media", content=PICTURE, headers={"Idempotency-Key": "../../x"})
        assert bad.status_code == 422


async def test_the_same_file_sent_ten_times_at_once_is_kept_once(home: Hub, database_url: str) -> None:
    key = str(uuid4())
    async with client(home) as rest, asyncio.TaskGroup() as group:

        async def again() -> httpx2.Response:
            while (answer := await rest.post("/api/media", content=PICTURE, headers={"Idempotency-Key": key})).is_error:
                assert answer.json()["code"] == "overloaded", answer.text
                await asyncio.sleep(0.1)
            return answer

        sending = [group.create_task(again()) for _ in range(10)]
    assert {task.result().text for task in sending} == {sending[0].result().text}
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        assert await (await conn.execute("SELECT count(*) FROM media")).fetchone() == (1,)


async def test_two_at_once_do_not_take_the_same_room(database_url: str, data_dir: Path) -> None:
    size = len(files.wav(1))
    async with hub_with_media(database_url, data_dir, media={"user_bytes": 3 * size + 10}) as hub, client(hub) as rest:
        async with asyncio.TaskGroup() as group:
            sending = [group.create_task(rest.post("/api/media", content=files.wav(1))) for _ in range(4)]
        answers = [task.result() for task in sending]
        assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 413]
        [refused] = [answer for answer in answers if answer.is_error]
        assert refused.json()["code"] == "quota_exceeded"
        kept = next(answer.json() for answer in answers if not answer.is_error)
        await rest.delete(kept["url"])
        assert (await rest.post("/api/media", content=files.wav(1))).status_code == 201
        async with client(hub, EVE) as eve:
            await added(eve, files.wav(1))


async def test_a_user_has_so_many_files_and_no_more(database_url: str, data_dir: Path) -> None:
    async with hub_with_media(database_url, data_dir, media={"user_files": 2}) as hub, client(hub) as rest:
        for _ in range(2):
            await added(rest, files.wav(0.1))
        refused = await rest.post("/api/media", content=files.wav(0.1))
        assert (refused.status_code, refused.json()["code"]) == (413, "quota_exceeded")


# Messages.


async def test_a_message_may_name_a_file_of_ones_own_and_of_the_right_kind(home: Hub) -> None:
    async with client(home) as rest, client(home, EVE) as eve, device(home, ADA) as phone:
        picture, voice = await added(rest), await added(rest, files.wav())
        hers, gone = await added(eve), await added(rest, files.wav(0.5))
        await rest.delete(gone["url"])
        session = await phone.create()
        await phone.open(session)
        metadata = Metadata(image_url=picture["url"], audio_url=voice["url"])
        sent = await phone.send(session, "Look and listen", metadata=metadata)
        row = phone.timeline.messages[sent.message].metadata
        assert row is not None
        assert (row.image_url, row.audio_url) == (picture["url"], voice["url"])
        never = f"/api/media/{uuid4()}"
        for field, wrong in (
            ("image_url", [voice["url"], hers["url"], gone["url"], never]),
            ("audio_url", [picture["url"], hers["url"], gone["url"], never]),
        ):
            for url in wrong:
                with pytest.raises(RefusedError) as refused:
                    await phone.send(session, "No", metadata=structs.replace(Metadata(), **{field: url}))
                [error] = refused.value.refused.errors
                assert (error.field, error.code) == (f"metadata.{field.replace('_url', 'Url')}", "unknown_media")
        await rest.delete(picture["url"])
        again = await phone.send(session, "Look and listen", message=sent.message, metadata=metadata)
        assert again == sent, "a repeated send is answered as before, whatever has become of the file"


# Links.


async def test_a_link_opens_one_file_without_a_token_until_it_expires(
    home: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(home) as rest, client(home, EVE) as eve, httpx2.AsyncClient(base_url=home.url) as anybody:
        kept, voice = await added(rest), await added(rest, files.wav())
        links = (await rest.post(f"{kept['url']}/url")).json()
        assert "ada" not in links["url"]
        assert kept["id"] not in links["url"]
        shown = await anybody.get(links["url"])
        assert shown.content == (await rest.get(kept["url"])).content
        assert shown.headers["cache-control"].startswith("public, max-age=3")
        assert shown.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
        assert (await anybody.get(links["thumbnailUrl"])).headers["content-type"] == "image/webp"
        assert (await rest.post(f"{voice['url']}/url")).json()["thumbnailUrl"] is None
        unknown = await anybody.get("/media/" + "A" * 100)
        assert unknown.status_code == 404
        token = links["url"].removeprefix("/media/")
        for forged in (token[:-1], token + "A", token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1], "é"):
            assert (await anybody.get(f"/media/{forged}")).content == unknown.content
        assert (await anybody.get(kept["url"])).status_code == 401
        assert (await eve.post(f"{kept['url']}/url")).status_code == 404
        monkeypatch.setattr("server.edge.media.time.time", lambda: 10**10)
        assert (await anybody.get(links["url"])).content == unknown.content


# Whose it is.


async def test_what_is_anothers_answers_as_what_never_was(home: Hub) -> None:
    async with client(home) as rest, client(home, EVE) as eve:
        kept, voice = await added(rest), await added(rest, files.wav())
        never = f"/api/media/{uuid4()}"
        for method, tail in (
            *(("GET", ""), ("HEAD", ""), ("GET", "/thumbnail"), ("DELETE", ""), ("POST", "/url")),
            ("POST", "/transcription"),
        ):
            for header in ({}, {"Range": "bytes=0-0"}, {"If-None-Match": "*"}):
                unknown = await eve.request(method, never + tail, headers=header)
                assert unknown.status_code == 404
                for hers in (kept, voice):
                    answer = await eve.request(method, hers["url"] + tail, headers=header)
                    assert (answer.status_code, answer.content) == (404, unknown.content)
                    assert {**answer.headers, "date": ""} == {**unknown.headers, "date": ""}
        assert (await rest.get(kept["url"])).status_code == 200


# Orphans.


async def test_what_no_message_names_is_collected_when_it_is_old(home: Hub, database_url: str, data_dir: Path) -> None:
    assert home.instance is not None
    async with client(home) as rest, device(home, ADA) as phone:
        named, unnamed, in_deleted_session, in_deleted_message = [await added(rest) for _ in range(4)]
        await _say(phone, named)
        await _delete_session(phone, await _say(phone, in_deleted_session))
        await _delete_message(phone, await _say(phone, in_deleted_message))
        assert await orphans.collect(home.instance) == (0, 0), "they are not old"
        await aged(database_url, secs=DAY + 60)
        assert await orphans.collect(home.instance) == (2, 0)
        assert await orphans.collect(home.instance) == (0, 0)
        statuses = [
            (await rest.get(each["url"])).status_code
            for each in (named, in_deleted_session, unnamed, in_deleted_message)
        ]
        assert statuses == [200, 200, 404, 404]
        assert len(lying(data_dir)) == 2 * 3


async def _say(phone: Device, picture: dict[str, Any]) -> tuple[UUID, UUID]:
    session = await phone.create()
    sent = await phone.send(session, "Look", metadata=Metadata(image_url=picture["url"]))
    return session, sent.message


async def _delete_session(phone: Device, said: tuple[UUID, UUID]) -> None:
    await phone.ask(SessionDelete, Session, session=said[0])


async def _delete_message(phone: Device, said: tuple[UUID, UUID]) -> None:
    await phone.ask(MessageDelete, Message, message=said[1])


async def test_what_a_crash_has_left_is_collected(
    home: Hub, database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.instance is not None
    async with client(home) as rest:
        kept = await added(rest)
        stray = (
            data_dir
            / "media"
            / "kept"
            / str(home.instance.deployment.id)
            / sha256(b"nobody").hexdigest()
            / str(uuid4())
        )
        stray.parent.mkdir()
        stray.write_bytes(b"of nobody")
        halves = data_dir / "media" / "incoming" / "left"
        halves.mkdir()
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
            await conn.execute("UPDATE media SET state = 'pending'")
        assert (await rest.get(kept["url"])).status_code == 404, "its bytes are not known to be there"
        assert await orphans.collect(home.instance) == (0, 0)
        for path in (stray, halves):
            os.utime(path, (0, 0))
        await aged(database_url, secs=orphans.PENDING + 60)
        assert await orphans.collect(home.instance) == (1, 1)
        assert lying(data_dir) == []
        assert not halves.exists()


async def test_an_upload_that_died_before_its_end_is_finished_by_the_same_again(
    home: Hub, database_url: str, data_dir: Path
) -> None:
    async with client(home) as rest:
        key = str(uuid4())
        kept = await added(rest, key=key)
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
            await conn.execute("UPDATE media SET state = 'pending'")
        for path in lying(data_dir):
            path.unlink()
        assert await added(rest, key=key) == kept
        assert (await rest.get(kept["url"])).status_code == 200


async def test_bytes_whose_row_is_on_another_page_are_known(home: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.instance is not None
    monkeypatch.setattr(orphans, "AT_ONCE", 2)
    async with client(home) as rest, client(home, EVE) as eve:
        key = str(uuid4())
        for each in (rest, eve):
            await added(each, files.wav(), key=key)
            await added(each, files.wav(2))
    lying = [Lying(name, 0) for name in await names(home)]
    assert await orphans._unknown(home.instance, lying) == []
    other = Lying(f"{sha256(b'nobody').hexdigest()}/{key}", 0)
    assert await orphans._unknown(home.instance, [*lying, other]) == [other.name]
    assert await orphans.collect(home.instance) == (0, 0)


async def test_who_goes_away_in_the_middle_leaves_nothing(home: Hub, data_dir: Path, database_url: str) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield PICTURE[:1000]
        async with asyncio.timeout(5):
            while not lying(data_dir):
                await asyncio.sleep(0.01)
        raise ConnectionResetError

    async with client(home) as rest:
        with pytest.raises(ConnectionResetError):
            await rest.post("/api/media", content=breaking())
    async with asyncio.timeout(5):
        while lying(data_dir):
            await asyncio.sleep(0.01)
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        assert await (await conn.execute("SELECT count(*) FROM media")).fetchone() == (0,)


async def test_without_the_libraries_a_file_is_refused_and_everything_else_works(
    home: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.inspection.inspection.LIBRARIES", ("a_library_that_is_not_there",))
    async with client(home) as rest:
        refused = await rest.post("/api/media", content=PICTURE)
        assert (refused.status_code, refused.json()["code"]) == (501, "not_offered")
        assert "tutorhub[media]" in refused.json()["detail"]
        assert (await rest.get("/api/sessions")).status_code == 200


async def test_a_bucket_that_goes_away_is_unavailable_and_nothing_is_half_kept(
    database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    async with bucket_server(data_dir / "server") as server:
        places = {"url": "s3://media", "s3_endpoint": server.endpoint}
        async with hub_with_media(database_url, data_dir, media=places) as hub, client(hub) as rest:
            kept = await added(rest)
            await server.kill()
            assert (await rest.get(kept["url"])).json()["code"] == "unavailable"
            refused = await rest.post("/api/media", content=files.wav())
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert (await rest.get("/api/media")).json()["media"] == [kept]
            async with provider(["Yes."]), device(hub, ADA) as phone:
                assert await phone.create()


async def test_with_a_key_ring_the_depot_holds_nothing_that_can_be_read(database_url: str, data_dir: Path) -> None:
    sound = files.wav(9.0) + os.urandom(100_000)
    async with hub_with_media(database_url, data_dir, encryption_keys=rings.NEW) as made, client(made) as rest:
        heard, seen = await added(rest, sound), await added(rest)
        assert (await rest.get(heard["url"])).content == sound
        part = await rest.get(heard["url"], headers={"Range": "bytes=65000-66000"})
        assert (part.status_code, part.content) == (206, sound[65_000:66_001])
        whole = (await rest.get(seen["url"])).content
        kept = [path.read_bytes() for path in lying(data_dir)]
        assert len(kept) == 4
        for data in (sound, whole):
            assert not any(data[at : at + 32] in each for each in kept for at in range(0, len(data) - 32, 997))
    async with hub_with_media(database_url, data_dir) as made, client(made) as rest:
        refused = await rest.get(heard["url"])
        assert (refused.status_code, refused.json()["code"]) == (503, "sealed_with_missing_key")
