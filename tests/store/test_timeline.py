"""To resume is one statement, and it gives what the tables hold."""

from pathlib import Path
from uuid import UUID

import httpx2
import psycopg
import pytest

from protocol.answers import SessionPage
from protocol.commands import MessageDelete, SessionList, SessionUpdate
from protocol.events import Changes, Snapshot
from protocol.ids import SessionId, UserId
from protocol.model import Cursor, Message, Metadata, Session
from server.store import timeline
from server.store.pool import Database
from tests import files
from tests.database_proxy import database_proxy
from tests.device import device
from tests.hub import running
from tests.provider import provider
from tests.timelines import since

ADA = UserId("ada")


async def test_a_cursor_that_is_of_use_costs_one_statement(database_url: str) -> None:
    async with database_proxy(database_url) as proxy, Database(proxy.url, 2) as database:
        head, first = await since(database, ADA, None)
        assert isinstance(first, Snapshot)
        before = proxy.statements
        head, changes = await since(database, ADA, Cursor(epoch=head.epoch, seq=head.seq))
        assert isinstance(changes, Changes)
        assert proxy.statements == before + 1


@pytest.mark.parametrize(("epoch", "seq", "statements"), [(None, 0, 1), ("another", 0, 2), ("", 7, 2)])
async def test_a_cursor_that_is_of_no_use_costs_a_second_one(
    database_url: str, epoch: str | None, seq: int, statements: int
) -> None:
    async with database_proxy(database_url) as proxy, Database(proxy.url, 2) as database:
        head, _ = await since(database, ADA, None)
        before = proxy.statements
        cursor = None if epoch is None else Cursor(epoch=epoch or head.epoch, seq=seq)
        _, page = await since(database, ADA, cursor)
        assert isinstance(page, Snapshot)
        assert proxy.statements == before + statements


async def test_the_rows_are_those_that_the_changes_were_answered_with(database_url: str, data_dir: Path) -> None:
    """Every field, of rows with and without text, metadata, a status and a tombstone."""
    content = 'a "quoted" \\ line\n\u2028 𝄞 数学 \x01'
    async with (
        provider(lambda _: ["Yes."]) as tutor,
        running(database_url, tutor.base_url, data_dir=data_dir) as hub,
        httpx2.AsyncClient(base_url=hub.url, headers=hub.headers(ADA)) as rest,
        device(hub) as phone,
    ):
        voice = (await rest.post("/api/media", content=files.wav())).json()["url"]
        metadata = Metadata(language="vi", audio_url=voice)
        session = await phone.create(title="Über")
        await phone.open(session)
        sent = await phone.send(session, content, metadata=metadata)
        await phone.settled(sent.reply)
        gone = await phone.send(session, "gone")
        await phone.settled(gone.reply)
        await phone.ask(MessageDelete, Message, message=gone.message)
        row = await phone.ask(SessionUpdate, Session, session=session, title="数学")
        assert hub.instance is not None
        head, page = await since(hub.instance.database, ADA, Cursor(epoch=phone.timeline.epoch or "", seq=0))
        assert isinstance(page, Changes)
        assert (head.seq, page.seq, page.more, page.sessions) == (phone.timeline.seq, phone.timeline.seq, False, [row])
        assert {each.id: each for each in page.messages} == phone.timeline.messages | {
            each.id: each for each in page.messages if each.deleted_at is not None
        }
        assert [each.seq for each in page.messages] == sorted(each.seq for each in page.messages)
        said = next(each for each in page.messages if each.id == sent.message)
        assert (said.content, said.metadata and said.metadata.language) == (content, "vi")
        _, first = await since(hub.instance.database, ADA, None)
        assert isinstance(first, Snapshot)
        assert (first.sessions, first.cursor) == ([row], None)


async def test_a_page_of_changes_splits_no_number_and_says_that_there_is_more(database_url: str) -> None:
    many = timeline.CHANGES_PAGE // 2 + 3
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO users (user_id, seq) VALUES ('ada', %s)", (many,))
        session = SessionId(UUID(int=1))
        conn.execute("INSERT INTO sessions (user_id, id, seq, body_hash) VALUES ('ada', %s, 1, sha256(''))", (session,))
        conn.execute(
            """INSERT INTO messages (user_id, session_id, position, type, content, seq, created_seq, body_hash)
            SELECT 'ada', %s, n, 'user', n, (n + 1) / 2, (n + 1) / 2, sha256('') FROM generate_series(1, %s) AS n""",
            (session, many * 2),
        )
    async with Database(database_url, 2) as database:
        head, _ = await since(database, ADA, None)
        held: list[int] = []
        at, pages = 0, 0
        while at < head.seq:
            _, page = await since(database, ADA, Cursor(epoch=head.epoch, seq=at))
            assert isinstance(page, Changes)
            assert page.more == (page.seq < head.seq)
            assert (len(page.messages) % 2, page.messages[-1].seq) == (0, page.seq)
            held += [each.position for each in page.messages]
            at, pages = page.seq, pages + 1
        assert (held, pages) == (list(range(1, many * 2 + 1)), 2)


async def test_a_snapshot_of_many_sessions_says_where_the_next_page_begins(database_url: str) -> None:
    async with running(database_url) as hub, device(hub) as phone:
        made = [await phone.create(title=str(number)) for number in range(timeline.FIRST_PAGE + 2)]
        assert hub.instance is not None
        _, first = await since(hub.instance.database, ADA, None)
        assert isinstance(first, Snapshot)
        assert [each.id for each in first.sessions] == made[:1:-1]
        rest = await phone.ask(SessionList, SessionPage, before=first.cursor)
        assert [each.id for each in rest.sessions] == made[1::-1]
