"""What is sent together comes out as if it had been sent alone: each column of each row, and what is told."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from protocol.answers import Sent
from protocol.events import MessageAdded
from protocol.ids import fresh_message_id
from protocol.model import Metadata
from server import messages, search
from server.instance import Instance
from server.messages import Part
from server.store.sends import Draft
from tests.device import device
from tests.hub import running
from tests.rings import NEW, rows
from tests.senders import ADA, BEN, SESSION, begin, send

DRAFTS = [
    Draft(SESSION, fresh_message_id(), "Why is the broth cloudy?", None),
    Draft(SESSION, fresh_message_id(), "\x01Begins with the mark, 粉が白い " + "x" * 300, None),
    Draft(
        SESSION,
        fresh_message_id(),
        "Says when, and in which language.",
        Metadata(timestamp=datetime(2026, 11, 23, 12, 0, 0, 123_000, UTC), language="en"),
    ),
]
EACH_DIFFERS = {"user_id", "created_at", "updated_at", "incarnation", "lease_until", "key"}
SEALED_DIFFER = {"content", "preview", "title", "body_hash", "words"}


def stored(
    database_url: str, table: str, user: str, masked: Iterable[str], replies: list[UUID]
) -> list[dict[str, Any]]:
    """All columns of all rows of a user, with the replies, whose ids are fresh, by their numbers."""
    with psycopg.connect(database_url) as conn:
        cursor = conn.execute(f"SELECT * FROM {table} WHERE user_id = %s".encode(), (user,))
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    told = [
        {name: replies.index(value) if value in replies else value for name, value in row.items() if name not in masked}
        for row in found
    ]
    return sorted(told, key=repr)


@pytest.mark.parametrize("ring", [None, NEW], ids=["plain", "sealed"])
async def test_together_or_alone_every_column_and_what_is_told_are_the_same(
    database_url: str, ring: str | None
) -> None:
    async with running(database_url, roles="hub", encryption_keys=ring) as hub:
        it = hub.instance
        assert it is not None
        async with device(hub, ADA) as phone, device(hub, BEN) as other:
            alone: list[str] = []
            receipts: dict[str, list[Sent]] = {ADA: [], BEN: []}
            for user in (ADA, BEN):
                await begin(it, user)
            for draft in DRAFTS:
                receipts[ADA].append(await send(it, ADA, draft, alone))
                receipts[BEN].append(await messages._send_alone(it, BEN, draft))
            assert alone == []
            replies = {user: [sent.reply for sent in receipts[user]] for user in receipts}
            masked = EACH_DIFFERS | SEALED_DIFFER if ring else EACH_DIFFERS
            for table in ("users", "sessions", "messages", "turns"):
                ours, theirs = (stored(database_url, table, user, masked, list(replies[user])) for user in (ADA, BEN))
                assert ours == theirs, table
                assert ours
            assert [(sent.position, sent.seq) for sent in receipts[ADA]] == [
                (sent.position, sent.seq) for sent in receipts[BEN]
            ]
            await phone.until(lambda: phone.timeline.seq == len(DRAFTS) + 1)
            await other.until(lambda: other.timeline.seq == len(DRAFTS) + 1)
            assert told(phone.events, replies[ADA]) == told(other.events, replies[BEN])
            await check_what_is_read(it, replies)
            if ring:
                contents = rows(database_url, "SELECT content FROM messages WHERE type = 'user'")
                assert all(str(content).startswith("\x01") and "broth" not in str(content) for (content,) in contents)


def told(events: Iterable[object], replies: list[Any]) -> list[Any]:
    """The events of sends, as JSON would have them, but for what differs from user to user."""
    found: list[Any] = []
    for event in events:
        if isinstance(event, MessageAdded):
            kept = [(each.title, each.preview, each.message_count, each.seq, each.read_seq) for each in event.sessions]
            found.append((event.seq, kept, [_told(each, replies) for each in event.messages]))
    assert len(found) == len(DRAFTS)
    return found


def _told(row: Any, replies: list[Any]) -> tuple[object, ...]:
    which = replies.index(row.id) if row.id in replies else row.id
    return which, row.session_id, row.position, row.type, row.content, row.metadata, row.status, row.reply_to, row.seq


async def check_what_is_read(it: Instance, replies: dict[str, list[Any]]) -> None:
    pages = [await messages.page(it, user, SESSION, Part(), 10) for user in (ADA, BEN)]
    texts = [[_told(row, replies[user]) for row in page.messages] for user, page in zip((ADA, BEN), pages, strict=True)]
    assert texts[0] == texts[1]
    assert [row.content for row in pages[0].messages if row.type == "user"] == [draft.content for draft in DRAFTS]
    hits = [await search.search(it, user, "cloudy", None, 10) for user in (ADA, BEN)]
    assert [len(found.hits) for found in hits] == [1, 1]
