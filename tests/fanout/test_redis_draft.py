"""What an attempt has told is kept in a real Redis, and read by another instance."""

from uuid import UUID

import pytest

from protocol.events import ReplySnapshot, TokenAdded
from protocol.ids import MessageId
from protocol.model import Reply
from server.fanout import redis_draft
from server.fanout.frames import frame
from server.fanout.redis_draft import KEPT
from tests.fanout.instances import ADA, BOB, REPLY, SEAL, SESSION, pair, token
from tests.redis_server import RedisServer


async def test_who_has_heard_of_a_piece_finds_it_in_the_draft(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        begun = frame(ReplySnapshot(message=REPLY, attempt=1, next=0, text=""))
        teller.broker.tell_live(ADA, SESSION, begun)
        await listener.ears.until_heard(ADA, SESSION, begun.data)
        assert await listener.broker.draft(ADA, REPLY, 1) == Reply(message=REPLY, attempt=1, next=0, text="")
        for chunk, text in enumerate(["phở ", "is ", "soup"]):
            teller.broker.tell_live(ADA, SESSION, token(chunk, text))
            await listener.ears.until_heard(ADA, SESSION, token(chunk, text).data)
            held = await listener.broker.draft(ADA, REPLY, 1)
            assert held is not None
            assert (held.next, held.text.endswith(text)) == (chunk + 1, True)
        whole = Reply(message=REPLY, attempt=1, next=3, text="phở is soup")
        assert await listener.broker.draft(ADA, REPLY, 1) == whole
        assert await listener.broker.draft(ADA, REPLY, 2) is None
        assert await listener.broker.draft(BOB, REPLY, 1) is None


async def test_an_attempt_goes_on_from_what_it_inherited(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        begun = frame(ReplySnapshot(message=REPLY, attempt=2, next=1, text="phở is"))
        teller.broker.tell_live(ADA, SESSION, begun)
        teller.broker.tell_live(ADA, SESSION, token(1, " soup", attempt=2))
        await listener.ears.until_heard(ADA, SESSION, token(1, " soup", attempt=2).data)
        draft = await listener.broker.draft(ADA, REPLY, 2)
    assert draft == Reply(message=REPLY, attempt=2, next=2, text="phở is soup")


async def test_a_draft_is_read_up_to_what_was_lost_and_junk_is_as_good_as_lost(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):
        for chunk in range(5):
            teller.broker.tell_live(ADA, SESSION, token(chunk, str(chunk)))
        await listener.ears.until_heard(ADA, SESSION, token(4, "4").data)
        name = SEAL.draft(ADA, REPLY, 1)
        for junk in (
            b"",
            b"x",
            b"3 4",
            b"3 4 \xff",
            b"3 -1 x",
            b"-3 4 x",
            b"3 3 x",
            b"3 " + b"9" * 5000 + b" x",
            b"3 99 x",
        ):
            server.run("LSET", name.decode(), "3", SEAL.seal(name, junk))
            draft = await listener.broker.draft(ADA, REPLY, 1)
            assert draft is not None
            assert (draft.next, draft.text) == ((99, "012x") if junk == b"3 99 x" else (3, "012"))
        for forged in (b"", b"x", b"3 4 x", SEAL.seal(name + b"x", b"3 4 x"), SEAL.seal(b"", b"3 4 x")):
            server.run("LSET", name.decode(), "3", forged)
            draft = await listener.broker.draft(ADA, REPLY, 1)
            assert draft is not None
            assert (draft.next, draft.text) == (3, "012")
        server.run("LPOP", name.decode())
        assert await listener.broker.draft(ADA, REPLY, 1) is None
        server.run("DEL", name.decode())
        server.run("SET", name.decode(), "not a list")
        assert await listener.broker.draft(ADA, REPLY, 1) is None


async def test_a_draft_that_is_late_or_there_twice_is_read_as_it_was_told(server: RedisServer) -> None:
    """A batch may come after its successor, over a wire that was given up."""
    async with pair(server.url) as (_, listener):
        name = SEAL.draft(ADA, REPLY, 1)
        for piece in (b"2 3 soup", b"0 1 ph\xe1\xbb\x9f ", b"0 0 ", b"1 2 is ", b"0 1 ph\xe1\xbb\x9f "):
            server.run("RPUSH", name.decode(), SEAL.seal(name, piece))
        assert await listener.broker.draft(ADA, REPLY, 1) == Reply(message=REPLY, attempt=1, next=3, text="phở is soup")


async def test_a_draft_lives_while_it_is_written_and_never_without_an_end(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(server.url) as (teller, listener):

        async def left_after(chunk: int, text: str) -> int:
            """Seconds that the draft has left after a piece; -2: there is none."""
            teller.broker.tell_live(ADA, SESSION, token(chunk, text))
            await listener.ears.until_heard(ADA, SESSION, token(chunk, text).data)
            return int(str(server.run("TTL", name)))

        name = SEAL.draft(ADA, REPLY, 1).decode()
        assert KEPT - 5 < await left_after(0, "phở ") <= KEPT
        server.run("EXPIRE", name, "60")
        assert await left_after(1, "is ") <= 60, "that was not long ago"
        monkeypatch.setattr(redis_draft, "RENEWED", 0)
        assert KEPT - 5 < await left_after(2, "a ") <= KEPT
        monkeypatch.undo()
        server.run("FLUSHALL")
        assert await left_after(3, "soup ") == -2, "it would be read no more"
        monkeypatch.setattr(redis_draft, "RENEWED", 0)
        assert await left_after(4, "with ") == -2
        assert KEPT - 5 < await left_after(0, "Bún ") <= KEPT


async def test_of_more_drafts_than_are_remembered_all_are_kept(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_draft, "NAMES", 3)
    replies = [MessageId(UUID(int=number)) for number in range(10, 20)]
    async with pair(server.url) as (teller, listener):
        for chunk in range(2):
            for reply in replies:
                told = frame(TokenAdded(message=reply, attempt=1, chunk=chunk, next=chunk + 1, text="so "))
                teller.broker.tell_live(ADA, SESSION, told)
        await listener.ears.until(lambda: len(listener.ears.frames) == 20)
        for reply in replies:
            assert await listener.broker.draft(ADA, reply, 1) == Reply(message=reply, attempt=1, next=2, text="so so ")
