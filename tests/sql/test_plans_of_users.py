"""What is asked for a user is found by an index, in one partition, and does not read through all they ever said.

The user that is asked for has 10,000 sessions, one of which has 10,000 messages, among 2,000 others.
"""

from collections.abc import Generator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest

from protocol.ids import UserId
from server.store.search import of_user
from sql import load, tables
from tests.conftest import _database
from tests.sql.lived import HEAVY, LONG, MANY, fill, reply_of, subject_of
from tests.sql.plans import plan

HASH = bytes(32)
VALUES: dict[str, object] = {
    "user": HEAVY,
    "subject": subject_of(HEAVY),
    "session": LONG,
    "message": reply_of(MANY // 2),
    "media": UUID(int=7),
    "device": "d1",
    "id": reply_of(5),
    "after": UUID(int=0),
    "before": MANY // 2,
    "before_time": datetime.max.replace(tzinfo=UTC),
    "before_id": UUID(int=2**128 - 1),
    "since": 49_950,
    "page": 100,
    "bytes": 65_536,
    "limit": 51,
    "seq": 50_001,
    "read_seq": 50_000,
    "position": MANY + 1,
    "positions": 2,
    "more": 2,
    "content": "x",
    "preview": "x",
    "title": "x",
    "text": "x",
    "former": "x",
    "words": ["x"],
    "metadata": None,
    "status": "complete",
    "reply_to": reply_of(1),
    "language": "en",
    "mode": "fun",
    "body_hash": HASH,
    "sha256": HASH,
    "type": "audio/ogg",
    "size": 1,
    "thumbnail_size": None,
    "view_size": None,
    "width": None,
    "height": None,
    "seconds": 1,
    "sealed": False,
    "key": None,
    "key_name": None,
    "key_names": ["a"],
    "age": 86_400,
    "pending_age": 3_600,
    "ahead": 60,
    "token": "",
    "expires_at": 1_800_000_000,
    "attempt": 1,
    "owner": "hub",
    "lease": 6,
    "take_over": True,
    "places": 3,
    "chunks": 1,
}
ELSE: dict[str, dict[str, object]] = {
    "search.search": {
        "words": of_user("'broth' & '77'", UserId(HEAVY)),
        "whole": "'broth' & '77'",
        "before_rank": datetime.max.replace(tzinfo=UTC),
    },
    "search.similar": {"words": ["brohht"], "messages": 2_000, "least": 0.35, "limit": 3},
    "sessions.insert_session": {"session": uuid4()},
    "messages.insert_message": {"message": uuid4()},
    "messages.insert_reply": {"message": uuid4()},
    "pages.page": {"older": 51, "newer": 51, "at": MANY // 2, "around": None},
    "media.insert_media": {"media": uuid4()},
    "rotation.seal_session": {"id": LONG},
    "rotation.seal_turn": {"id": reply_of(MANY)},
    "rotation.mark_sealed": {"user": "with a key"},
    "turns.insert_turn": {"message": reply_of(2)},
    "users.add_user": {"user": "new"},
}
"""Of one query: what its parameters are instead."""
WHOLE = {
    "search.similar": "the latest 2,000 messages and titles are read for their words",
    "erasure.erase_user": "all of a user is deleted, after most of it was, piece by piece",
    "media.used": "their files are counted, of which there are at most so many (TUTORHUB_MEDIA_USER_FILES)",
    "media.delete_all": "all of a user's files are deleted",
    "rotation.unsealed_messages": "the first batch of a user who is sealed already: none is found",
    "rotation.unsealed_sessions": "as unsealed_messages",
}
"""What reads everything of one user, and why it may."""
ROWS = 260
"""That anything else reads: a page of 51, of a few tables, or of changes twice a hundred."""
OF_A_USER = [
    (table, name)
    for table in tables()
    for name, text in load(table).items()
    if b"%(user)s" in text or b"%(subject)s" in text
]


@pytest.fixture(scope="module")
def lived(cluster: str, migrated: str) -> Generator[str]:
    with _database(cluster, template=migrated) as url:
        fill(url)
        yield url


@pytest.mark.parametrize("table", sorted({table for table, _ in OF_A_USER}))
def test_of_one_user_an_index_one_partition_and_no_more_than_is_asked_for(lived: str, table: str) -> None:
    wrong: list[tuple[object, ...]] = []
    for name in [name for of, name in OF_A_USER if of == table]:
        which = f"{table}.{name}"
        found = plan(lived, table, name, VALUES | ELSE.get(which, {}))
        if found.read_whole or any(len(read) > 1 for read in found.partitions.values()):
            wrong.append((which, found.read_whole, found.partitions))
        if which not in WHOLE and found.rows_read > ROWS:
            wrong.append((which, found.rows_read))
    assert wrong == []


def test_what_may_read_all_of_a_user_is_there() -> None:
    assert set(WHOLE) | set(ELSE) <= {f"{table}.{name}" for table, name in OF_A_USER}


@pytest.mark.parametrize(
    ("table", "name", "values"),
    [
        ("sessions", "page", {"before_time": datetime(2026, 1, 1, tzinfo=UTC)}),
        ("pages", "page", {"older": 51, "newer": 1, "at": 2**31 - 1, "around": None}),
        ("pages", "page", {"older": 51, "newer": 1, "at": 60, "around": None}),
        ("pages", "page", {"older": 1, "newer": 51, "at": 1, "around": None}),
        ("pages", "page", {"older": 26, "newer": 26, "at": 2**31 - 1, "around": reply_of(MANY // 2)}),
        ("timeline", "changes_of_users", {"users": [HEAVY], "since": [0]}),
        ("timeline", "changes_of_users", {"users": [HEAVY], "since": [49_950]}),
        ("timeline", "changes_of_users", {"users": [HEAVY], "since": [50_000]}),
        ("timeline", "snapshot_of_users", {"users": [HEAVY]}),
    ],
)
def test_a_page_reads_as_little_wherever_it_is(lived: str, table: str, name: str, values: dict[str, object]) -> None:
    assert plan(lived, table, name, VALUES | values).rows_read <= ROWS


@pytest.mark.parametrize("name", ["changes_of_users", "snapshot_of_users"])
def test_many_who_come_read_no_more_than_each_of_them(lived: str, name: str) -> None:
    """And of each table that has partitions no more of these than they are."""
    users = [HEAVY, *[f"user-{number}" for number in range(1, 50)]]
    given = {"users": users, "since": [49_950, *[0 for _ in users[1:]]], "page": 100, "bytes": 65_536, "limit": 51}
    found = plan(lived, "timeline", name, given)
    assert found.read_whole == []
    assert found.rows_read <= ROWS + 100 * len(users)


def test_a_beginning_is_looked_for_among_the_words_of_its_user_alone(lived: str) -> None:
    """All others have said a word that begins so, too."""
    values = {"whole": "'bro'", "before_rank": datetime.max.replace(tzinfo=UTC), "limit": 51}
    for user, rows in ((HEAVY, 2 * MANY), ("user-7", 20)):
        asked = values | {"user": user, "words": of_user("'bro':*", UserId(user))}
        found = plan(lived, "search", "search", VALUES | asked)
        bitmaps = {
            node["Index Name"]: node["Actual Rows"] for node in found.nodes if "Bitmap Index" in node["Node Type"]
        }
        assert any("of_user" in index for index in bitmaps), bitmaps
        assert max(bitmaps.values()) <= rows + 100, "with what other tests have taken back"
        assert found.read_whole == []


def test_many_sends_read_no_more_than_each_of_them(lived: str) -> None:
    """Also of the one who has very much; and all of them are done."""
    one_of_each = "SELECT DISTINCT ON (user_id) user_id, id FROM sessions WHERE user_id = ANY(%s)"
    with psycopg.connect(lived) as conn:
        found = conn.execute(one_of_each, ([f"user-{number}" for number in range(1, 20)],)).fetchall()
    users, chosen = [HEAVY, *[user for user, _ in found]], [LONG, *[session for _, session in found]]
    given: dict[str, object] = {
        "users": users,
        "sessions": chosen,
        "messages": [uuid4() for _ in users],
        "replies": [uuid4() for _ in users],
        "contents": ["x" for _ in users],
        "previews": ["x" for _ in users],
        "metadata": ["{}" for _ in users],
        "body_hashes": [HASH for _ in users],
        "words": ["x" for _ in users],
        "keys": [None for _ in users],
        "pending": 20,
    }
    done = plan(lived, "sends", "send_of_users", given)
    assert done.read_whole == []
    assert done.rows_read <= 6 * len(users) + 10, "their row and their session as often as of one, and the open replies"
    assert [node["Actual Rows"] for node in done.nodes if node["Node Type"] == "LockRows"] == [len(users)]
