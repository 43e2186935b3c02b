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
from server.fanout.redis_envelope import (
    DURABLE,
    HEAD,
    LARGEST,
    LIVE,
    STOPPING,
    WAKING,
    Envelope,
    read,
    stopped,
    told,
    told_live,
    woken,
    written,
)
from server.fanout.redis_seal import Junk, RedisSeal
from server.store.deployments import Deployment
from tests.fanout.instances import (
    ADA,
    BOB,
    DEPLOYMENT,
    ORIGIN,
    REPLY,
    SEAL,
    SESSION,
    changed,
    instance,
    pair,
    session_of,
    token,
)
from tests.redis_server import RedisServer

HERE = SEAL.everybody
FOREIGN_SEAL = RedisSeal(Deployment(DEPLOYMENT.id, b"another"))
TOKEN = payload(token(0, "a"))
LIVE_TOKEN = written(LIVE, ADA, SESSION.bytes, TOKEN)
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


def _flipped(said: bytes) -> bytes:
    return said[:-1] + bytes([said[-1] ^ 1])


FOREIGN = encode(SessionChanged(seq=1, sessions=[session_of(ADA), session_of(BOB)]))

UNSEALED = {
    "nothing": (b"", "dropped_junk"),
    "noise": (b"\x00\xff\r\n\x81\x05", "dropped_junk"),
    "what was said before it was sealed": (b"1 live x " + LIVE_TOKEN, "dropped_version"),
    "a newer version": (b"4" + SEAL.seal(HERE, LIVE_TOKEN)[1:], "dropped_version"),
    "something that is only a version": (b"3", "dropped_junk"),
    "the beginning of something sealed": (SEAL.seal(HERE, LIVE_TOKEN)[:40], "dropped_junk"),
    "what another deployment has sealed": (FOREIGN_SEAL.seal(HERE, LIVE_TOKEN), "dropped_junk"),
    "what was said in another channel": (SEAL.seal(SEAL.channel(ADA), LIVE_TOKEN), "dropped_junk"),
    "what was said to all": (SEAL.seal(SEAL.wake, LIVE_TOKEN), "dropped_junk"),
    "something that was changed": (_flipped(SEAL.seal(HERE, LIVE_TOKEN)), "dropped_junk"),
    "a huge one": (SEAL.seal(HERE, written(LIVE, ADA, SESSION.bytes, TOKEN + b" " * LARGEST)), "dropped_large"),
}


def durable(payload: bytes, origin: bytes = b"7:1") -> bytes:
    return written(DURABLE, ADA, origin, payload)


def live(payload: bytes, session: bytes = SESSION.bytes) -> bytes:
    return written(LIVE, ADA, session, payload)


SEALED = {
    "nothing, sealed": (b"", "dropped_junk"),
    "an event without an envelope": (TOKEN, "dropped_junk"),
    "the beginning of a head": (LIVE_TOKEN[:5], "dropped_junk"),
    "the beginning of an envelope": (LIVE_TOKEN[:-1], "dropped_junk"),
    "a length beyond all that there is": (HEAD.pack(LIVE, 3, 16, 2**32 - 1) + LIVE_TOKEN[HEAD.size :], "dropped_junk"),
    "an unknown kind": (written(99, ADA, SESSION.bytes, TOKEN), "dropped_junk"),
    "a bell in the wrong place": (written(WAKING, ADA, SESSION.bytes), "dropped_junk"),
    "a stop of nothing": (written(STOPPING, ADA, b""), "dropped_junk"),
    "another user's row": (durable(FOREIGN), "dropped_foreign"),
    "live without a session": (live(TOKEN, b""), "dropped_junk"),
    "live in no session": (live(TOKEN, b"12"), "dropped_junk"),
    "typing in another session": (live(TYPING), "dropped_junk"),
    "live as durable": (durable(TOKEN), "dropped_junk"),
    "durable as live": (live(payload(changed())), "dropped_junk"),
    "an answer": (durable(encode(Pong(ref=1))), "dropped_junk"),
    "a welcome": (live(encode(WELCOME)), "dropped_junk"),
    "a notice": (durable(encode(Degraded(what=[]))), "dropped_junk"),
    "a notice, live": (live(encode(Degraded(what=[]))), "dropped_junk"),
    "an event of another time": (durable(b'{"type":"from.the.future","seq":1}'), "dropped_junk"),
    "an event with a wrong field": (durable(b'{"type":"session.changed","seq":"1"}'), "dropped_junk"),
    "a change of nothing": (durable(encode(SessionChanged(seq=999_999))), "dropped_junk"),
    "a row of another number": (durable(encode(SessionChanged(seq=2, sessions=[session_of(ADA, 1)]))), "dropped_junk"),
    "an attempt beyond all": (live(payload(token(0, "a", attempt=2**31))), "dropped_junk"),
    "no JSON": (live(b"{"), "dropped_junk"),
    "deep JSON": (live(b"[" * 100_000), "dropped_junk"),
}

JUNK = UNSEALED | {what: (SEAL.seal(HERE, said), counted) for what, (said, counted) in SEALED.items()}


@pytest.mark.parametrize("what", JUNK)
async def test_junk_in_a_users_channel_is_counted_and_nobody_receives_it(server: RedisServer, what: str) -> None:
    said, counted = JUNK[what]
    async with pair(server.url) as (teller, listener):
        server.run("PUBLISH", HERE, said)
        teller.broker.tell(ADA, ORIGIN, changed())
        await listener.ears.until_heard(ADA, ORIGIN, changed().data)
        assert listener.ears.calls == [("well",), (ADA, ORIGIN, changed().data)]
    assert {name: n for name, n in listener.broker.counts.items() if "dropped" in name} == {counted: 1}


@pytest.mark.parametrize("said", [STOPPING, LIVE])
async def test_what_is_said_of_somebody_who_is_not_here_is_passed_over(server: RedisServer, said: int) -> None:
    """A lone server's instances hear of all users."""
    async with pair(server.url) as (_, listener):
        told = written(said, BOB, REPLY.bytes, TOKEN) + durable(payload(changed()), ORIGIN.encode())
        server.run("PUBLISH", HERE, SEAL.seal(HERE, told))
        await listener.ears.until_heard(ADA, ORIGIN, changed().data)
        assert listener.ears.calls == [("well",), (ADA, ORIGIN, changed().data)]
    assert not any("dropped" in name for name in listener.broker.counts)


async def test_what_is_behind_junk_in_the_same_message_is_heard(server: RedisServer) -> None:
    async with pair(server.url) as (_, listener):
        told = live(b"{") + durable(payload(changed()), ORIGIN.encode()) + b"\0"
        server.run("PUBLISH", HERE, SEAL.seal(HERE, told))
        await listener.ears.until_heard(ADA, ORIGIN, changed().data)
    assert listener.broker.counts["dropped_junk"] == 2


@pytest.mark.parametrize(
    "said",
    [
        b"",
        written(WAKING, ADA, b"1"),
        HEAD.pack(WAKING, 1, 16, 0) + b"\xff" + SESSION.bytes,
        HEAD.pack(WAKING, 0, 16, 0) + SESSION.bytes,
        written(STOPPING, ADA, REPLY.bytes),
        LIVE_TOKEN,
    ],
)
async def test_junk_in_the_channel_of_all_wakes_nobody(server: RedisServer, said: bytes) -> None:
    async with pair(server.url) as (teller, listener):
        server.run("PUBLISH", SEAL.wake, SEAL.seal(SEAL.wake, said))
        teller.broker.wake(ADA, SESSION)
        await listener.ears.until_heard("wake", ADA, SESSION)
        assert listener.ears.calls == [("well",), ("wake", ADA, SESSION)]
    assert listener.broker.counts["dropped_junk"] == 1


async def test_junk_in_the_channel_of_a_pulse_is_nothing(server: RedisServer) -> None:
    async with instance(server.url, "b") as listener:
        [pulse] = [name for name in _names(server) if b":pulse:b:" in name]
        server.run("PUBLISH", pulse, SEAL.seal(pulse, written(STOPPING, ADA, REPLY.bytes)))
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
    said = live(data) if whole else data
    reads: list[Callable[[Envelope], object]] = [lambda envelope: told(envelope, ADA), told_live, stopped, woken]
    for understand in reads:
        with suppress(Junk):
            for envelope in read(said):
                understand(envelope)


@settings(suppress_health_check=[HealthCheck.differing_executors])
@given(data=st.binary(max_size=200))
def test_no_bytes_are_taken_for_something_sealed(data: bytes) -> None:
    for said in (data, b"3" + data):
        with pytest.raises(Junk):
            SEAL.open(HERE, said)


def test_what_is_sealed_says_nothing_and_opens_for_all_of_the_deployment() -> None:
    said = [SEAL.seal(HERE, b"live ada canary") for _ in range(2)]
    assert said[0] != said[1]
    assert b"canary" not in said[0]
    assert RedisSeal(DEPLOYMENT).open(HERE, said[0]) == b"live ada canary"
    assert not RedisSeal(DEPLOYMENT).is_ours(said[0])
    assert SEAL.is_ours(said[0])


def test_names_tell_no_user_and_are_those_of_the_deployment() -> None:
    names = {SEAL.channel(UserId("ada")), SEAL.draft(UserId("ada"), REPLY, 1), SEAL.wake, SEAL.everybody}
    assert not any(b"ada" in name or str(REPLY).encode() in name for name in names)
    other = RedisSeal(Deployment(UUID(int=4), DEPLOYMENT.secret))
    assert not names & {other.channel(ADA), other.draft(ADA, REPLY, 1), other.wake, other.everybody}


def test_an_event_of_rows_of_its_user_is_none_of_that() -> None:
    mine = encode(SessionChanged(seq=1, sessions=[session_of(ADA)]))
    [envelope] = read(durable(mine, ORIGIN.encode()))
    origin, frame = told(envelope, ADA)
    assert (origin, payload(frame)) == (ORIGIN, mine)


def _names(server: RedisServer) -> list[bytes]:
    return cast("list[bytes]", server.run("PUBSUB", "CHANNELS"))
