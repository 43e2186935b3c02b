"""A session of 10,000 messages is as quick as one of ten: its last page, what is said in it, and any place in it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from protocol import commands as say
from protocol.answers import MessagePage
from protocol.ids import MessageId, SessionId
from tests.device import Device, device
from tests.hub import running

MANY = 10_000
ROUNDS = range(5, 60)
"""So many times each is done at least, and at most: until the best times are as near as they have to be, so that what
the machine does besides cannot fail the test. One that reads 10,000 messages takes ten times as long at its best.
"""
AS_FAST = 1.5

FILL = """
INSERT INTO messages (user_id, session_id, position, type, content, seq, created_seq, body_hash, words)
SELECT s.user_id, s.id, n, 'user', 'message ' || n, n + 10, n + 10, sha256(''), array_to_tsvector(ARRAY['message'])
FROM sessions AS s, generate_series(1, CASE s.title WHEN 'long' THEN %(many)s ELSE 10 END) AS n;
UPDATE sessions SET
    last_position = (SELECT count(*) FROM messages AS m WHERE m.session_id = sessions.id),
    message_count = (SELECT count(*) FROM messages AS m WHERE m.session_id = sessions.id);
UPDATE users SET seq = %(many)s + 10;
"""


async def took(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def compared(what: str, one: Callable[[], Awaitable[object]], other: Callable[[], Awaitable[object]]) -> None:
    """Done in turn, the other is as fast as the one, each at its best."""
    best = [float("inf"), float("inf")]
    for done in range(ROUNDS.stop):
        best = [min(best[0], await took(one)), min(best[1], await took(other))]
        if done >= ROUNDS.start and best[1] <= AS_FAST * best[0]:
            return
    raise AssertionError(f"{what}: {best[0]:.4f} s, and {best[1]:.4f} s of a long session")


async def test_the_last_page_and_the_live_tail_of_ten_thousand_messages_are_as_fast_as_of_ten(
    database_url: str,
) -> None:
    settings: dict[str, Any] = {"roles": "hub", "turns": {"pending": 1_000}}  # so that nobody answers meanwhile
    async with running(database_url, encryption_keys=None, **settings) as hub:
        async with device(hub) as first:
            short, long = await first.create(title="short"), await first.create(title="long")
        with psycopg.connect(database_url, autocommit=True) as conn, psycopg.ClientCursor(conn) as cursor:
            cursor.execute(FILL, {"many": MANY})
            cursor.execute("VACUUM ANALYZE")
        async with device(hub) as phone, device(hub) as tablet:
            await tablet.open(short)
            await tablet.open(long)
            for what, work in things_done(phone, tablet).items():
                await compared(what, lambda work=work: work(short), lambda work=work: work(long))
            await any_place(phone, long)


def things_done(phone: Device, tablet: Device) -> dict[str, Callable[[SessionId], Awaitable[object]]]:
    async def say_something_and_see_it(session: SessionId) -> None:
        sent = await phone.send(session, "And now?")
        await tablet.until(lambda: sent.message in tablet.timeline.messages)

    return {
        "the last page": lambda session: phone.ask(say.SessionOpen, MessagePage, session=session),
        "the live tail": say_something_and_see_it,
    }


async def any_place(phone: Device, session: SessionId) -> None:
    """Around a message in the middle as little is read as at the end."""
    page = await phone.ask(say.MessageList, MessagePage, session=session)
    middle: MessageId | None = None
    while page.before is not None and middle is None:
        page = await phone.ask(say.MessageList, MessagePage, session=session, before=page.before, limit=100)
        middle = next((row.id for row in page.messages if row.position == MANY // 2), None)
    await compared(
        "around a message",
        lambda: phone.ask(say.MessageList, MessagePage, session=session),
        lambda: phone.ask(say.MessageList, MessagePage, session=session, around=middle),
    )
