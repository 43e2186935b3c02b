"""Whatever somebody publishes into Redis: it is counted, nobody receives it, and what comes after it is heard."""

from collections.abc import Callable
from contextlib import suppress
from typing import cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.codec import encode
from protocol.events import Degraded, Pong, SessionChanged, TypingChanged, Welcome
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Limits, TutorName
from server.fanout.frames import payload
from server.fanout.redis_envelope import LARGEST, WAKE, Envelope, Junk, channel, opened, stopped, told, told_live, woken
from tests.fanout.instances import ADA, BOB, ORIGIN, REPLY, SESSION, changed, instance, pair, session_of, token
from tests.redis_server import RedisServer

HEAD = f"x ada {SESSION}\n".encode()
TOKEN = payload(token(0, "a"))
TYPING = encode(TypingChanged(session=SessionId(UUID(int=9)), who="x", name="x", active=True))
WELCOME = Welcome(
    ref=1,
    epoch="e",
    seq=1,
    device="d",
    limits=Limits(1, 1, 1, 1, 1, 1),
    heartbeat_ms=1,
    tutor=TutorName(name="t", local=False, note=""),
)


FOREIGN = encode(SessionChanged(seq=1, sessions=[session_of(ADA), session_of(BOB)]))

JUNK = {
    "nothing": (b"", "dropped_junk"),
    "noise": (b"\x00\xff\r\n\x81\x05", "dropped_junk"),
    "an event without an envelope": (TOKEN, "dropped_junk"),
    "no line": (b"1 live x ada 1", "dropped_junk"),
    "too many words": (b"1 live x ada 1 2\n" + TOKEN, "dropped_junk"),
    "an older version": (b"0 live " + HEAD + TOKEN, "dropped_version"),
    "a newer version": (b"2 live " + HEAD + TOKEN, "dropped_version"),
    "an unknown kind": (b"1 shout " + HEAD + TOKEN, "dropped_junk"),
    "a bell in the wrong place": (b"1 wake " + HEAD, "dropped_junk"),
    "a stop of nothing": (b"1 stop x ada \n", "dropped_junk"),
    "another user's": (f"1 live x bob {SESSION}\n".encode() + TOKEN, "dropped_foreign"),
    "another user's stop": (f"1 stop x bob {REPLY}\n".encode(), "dropped_foreign"),
    "another user's row": (b"1 durable x ada \n" + FOREIGN, "dropped_foreign"),
    "live without a session": (b"1 live x ada \n" + TOKEN, "dropped_junk"),
    "live in no session": (b"1 live x ada 12\n" + TOKEN, "dropped_junk"),
    "typing in another session": (b"1 live " + HEAD + TYPING, "dropped_junk"),
    "live as durable": (b"1 durable x ada 7:1\n" + TOKEN, "dropped_junk"),
    "durable as live": (b"1 live " + HEAD + payload(changed()), "dropped_junk"),
    "an answer": (b"1 durable x ada \n" + encode(Pong(ref=1)), "dropped_junk"),
    "a welcome": (b"1 live " + HEAD + encode(WELCOME), "dropped_junk"),
    "a notice": (b"1 durable x ada \n" + encode(Degraded(what=[])), "dropped_junk"),
    "an event of another time": (b'1 durable x ada \n{"type":"from.the.future","seq":1}', "dropped_junk"),
    "an event with a wrong field": (b'1 durable x ada \n{"type":"session.changed","seq":"1"}', "dropped_junk"),
    "a change of nothing": (b"1 durable x ada 7:1\n" + encode(SessionChanged(seq=999_999)), "dropped_junk"),
    "a row of another number": (
        b"1 durable x ada 7:1\n" + encode(SessionChanged(seq=2, sessions=[session_of(ADA, 1)])),
        "dropped_junk",
    ),
    "no JSON": (b"1 live " + HEAD + b"{", "dropped_junk"),
    "deep JSON": (b"1 live " + HEAD + b"[" * 100_000, "dropped_junk"),
    "a huge one": (b"1 live " + HEAD + TOKEN + b" " * LARGEST, "dropped_large"),
}


@pytest.mark.parametrize("what", JUNK)
async def test_junk_in_a_users_channel_is_counted_and_nobody_receives_it(server: RedisServer, what: str) -> None:
    said, counted = JUNK[what]
    async with pair(server.url) as (teller, listener):
        server.run("PUBLISH", channel(ADA), said)
        teller.broker.tell(ADA, ORIGIN, changed())
        await listener.ears.until_heard(ADA, ORIGIN, changed().data)
        assert listener.ears.calls == [("well",), (ADA, ORIGIN, changed().data)]
    assert {name: n for name, n in listener.broker.counts.items() if "dropped" in name} == {counted: 1}


@pytest.mark.parametrize("said", [b"", b"1 wake x ada 1\n", b"1 wake x \xff 1\n", b"1 stop " + HEAD, b"1 live " + HEAD])
async def test_junk_in_the_channel_of_all_wakes_nobody(server: RedisServer, said: bytes) -> None:
    async with pair(server.url) as (teller, listener):
        server.run("PUBLISH", WAKE, said)
        teller.broker.wake(ADA, SESSION)
        await listener.ears.until_heard("wake", ADA, SESSION)
        assert listener.ears.calls == [("well",), ("wake", ADA, SESSION)]
    assert listener.broker.counts["dropped_junk"] == 1


async def test_junk_in_the_channel_of_a_pulse_is_nothing(server: RedisServer) -> None:
    async with instance(server.url, "b") as listener:
        [pulse] = [name for name in _names(server) if b":pulse:b:" in name]
        server.run("PUBLISH", pulse, b"1 stop " + HEAD)
        await listener.broker.listen(ADA)
        assert listener.ears.calls == [("well",)]


async def test_trouble_with_one_message_does_not_end_the_hearing(server: RedisServer) -> None:
    async with pair(server.url) as (teller, listener):

        def trouble(user: UserId, message: MessageId) -> None:
            raise LookupError(message)

        listener.ears.hear_stop = trouble
        teller.broker.stop(ADA, REPLY)
        teller.broker.tell(ADA, ORIGIN, changed(2))
        await listener.ears.until_heard(ADA, ORIGIN, changed(2).data)
        assert listener.ears.health == ["well"]
    assert listener.broker.counts["failed_ears"] == 1


@settings(suppress_health_check=[HealthCheck.differing_executors])
@given(data=st.binary(max_size=200), whole=st.booleans())
def test_no_bytes_are_anything_but_an_envelope_or_junk(data: bytes, whole: bool) -> None:
    said = b"1 live " + HEAD + data if whole else data
    reads: list[Callable[[Envelope], object]] = [lambda envelope: told(envelope, ADA), told_live, stopped, woken]
    for read in reads:
        with suppress(Junk):
            read(opened(said))


def test_an_event_of_rows_of_its_user_is_none_of_that() -> None:
    mine = encode(SessionChanged(seq=1, sessions=[session_of(ADA)]))
    origin, frame = told(opened(f"1 durable x ada {ORIGIN}\n".encode() + mine), ADA)
    assert (origin, payload(frame)) == (ORIGIN, mine)


def _names(server: RedisServer) -> list[bytes]:
    return cast("list[bytes]", server.run("PUBSUB", "CHANNELS"))
