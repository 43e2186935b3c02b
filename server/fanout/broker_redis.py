"""The broker of many instances, over Redis, Valkey, or a cluster of either. A server says by itself which it is.

Carries copies and rings bells. What is published may be lost, and is never waited for; what is listened to is heard
exactly, until `hearing` says that it was not. There is one way to mend anything: connect anew, subscribe to everything,
and only when all of that is confirmed say `well`, which means that anything may have been missed.
"""

import asyncio
import random
from collections import Counter
from typing import Any, cast

import structlog
from msgspec import Struct

from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Reply
from server.errors import Unavailable
from server.fanout import redis_draft
from server.fanout.broker import Ears
from server.fanout.frames import Frame, payload
from server.fanout.redis_envelope import (
    DURABLE,
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
from server.fanout.redis_primaries import Primaries, Speaker, find
from server.fanout.redis_seal import OVERHEAD, Junk, RedisSeal
from server.fanout.redis_wire import ReplyError, WireError, address, packed
from server.store.deployments import Deployment

SCANNED = 1_000
"""Keys at once."""

CONFIRMED_WITHIN = 1.0
"""Seconds that somebody waits to be heard."""

BACK_OFF = (0.05, 0.5)
"""Seconds before connecting again, at random between these, so that instances do not come back all at once."""

log = structlog.get_logger()


class _Channel(Struct):
    """What is listened to, and for whom. `confirmed`: it is heard."""

    users: set[UserId]
    confirmed: "asyncio.Future[None]"


class RedisBroker:
    """`owner` names this instance among the others, in one word. The others of its deployment are heard.

    Raises StartupError if the URL cannot be one.

    `counts`, for operators: published, heard, own (messages of ours that came back), rebuilt, failed_batches, refused
    (a command, by Redis), and what was dropped: going out dropped_down, dropped_full, dropped_large; coming in also
    dropped_junk, dropped_version, dropped_foreign; failed_ears.
    """

    def __init__(self, url: str, owner: str, deployment: Deployment) -> None:
        self.counts: Counter[str] = Counter()
        self.well = False
        self.seal = RedisSeal(deployment)
        self._drafts = redis_draft.Drafts(self.seal)
        self._speaker = Speaker(owner, self.seal, self.counts)
        self._address = address(url)
        self._seeds = [self._address]
        self._listening: dict[bytes, UserId] = {}
        self._channels: dict[bytes, _Channel] = {}
        self._primaries: Primaries | None = None
        self._ears: Ears | None = None
        self._said: bool | None = None
        self._reason = ""

    @property
    def subscriptions(self) -> int:
        """How many users are listened to."""
        return len(self._listening)

    async def run(self, ears: Ears) -> None:
        """For ever: be connected, and hand over what is heard."""
        self._ears = ears
        while True:
            try:
                await self._be_connected()
            except Exception as error:  # whatever it is, the instance must hear again
                self._explain(error)
                self._say_how_it_is(well=False)
            await asyncio.sleep(random.uniform(*BACK_OFF))

    def tell(self, user: UserId, origin: str, told: Frame) -> None:
        self._say(user, written(DURABLE, user, origin.encode(), payload(told)))

    def tell_live(self, user: UserId, session: SessionId, told: Frame) -> None:
        """Before the frame, the text of a reply in it goes out, for the draft of its attempt."""
        self._say(user, written(LIVE, user, session.bytes, payload(told)), told)

    def stop(self, user: UserId, message: MessageId) -> None:
        self._say(user, written(STOPPING, user, message.bytes))

    def wake(self, user: UserId, session: SessionId) -> None:
        self._say(None, written(WAKING, user, session.bytes))

    async def listen(self, user: UserId) -> None:
        """Returns once the user is heard; at once without a connection; after a second in any case.

        If it was confirmed later than that, `hearing` is said again.
        """
        self._listening[user.encode()] = user
        if self._primaries is None:
            return
        confirmed = self._subscribe(user, self._primaries)
        if not confirmed.done():
            done, _ = await asyncio.wait([confirmed], timeout=CONFIRMED_WITHIN)
            if not done:
                confirmed.add_done_callback(self._came_late)

    def leave(self, user: UserId) -> None:
        self._listening.pop(user.encode(), None)
        if self._primaries is None:
            return
        name = self._channel(user, self._primaries)
        channel = self._channels.get(name)
        if channel is not None and user in channel.users:
            channel.users.remove(user)
            if not channel.users:
                del self._channels[name]
                self._primaries.of(name).subscriber.unsubscribe(name)

    async def draft(self, user: UserId, message: MessageId, attempt: int) -> Reply | None:
        """What an attempt has told so far, up to the first piece that was lost. None: nothing is known."""
        key = self.seal.draft(user, message, attempt)
        try:
            items = await self.ask(key, packed("LRANGE", key, 0, -1))
        except (WireError, ReplyError, OSError):
            return None
        return redis_draft.joined(message, attempt, redis_draft.opened(self.seal, key, items))

    async def erase(self, user: UserId) -> None:
        """Delete every draft of theirs. What they have taken of their limits is a number under a hash, and expires.

        A scan is answered by any server of a cluster, with what it has; so first a key is named, as the right one does.
        """
        cursor, name, pattern = b"0", self.seal.channel(user), self.seal.drafts(user)
        try:
            await self.ask(name, packed("UNLINK", name))
            while True:
                cursor, keys = await self.ask(name, packed("SCAN", cursor, "MATCH", pattern, "COUNT", SCANNED))
                if keys:
                    await self.ask(name, packed("UNLINK", *keys))
                if cursor == b"0":
                    return
        except (WireError, ReplyError, OSError) as error:
            raise Unavailable(retry_after_ms=1_000) from error

    async def ask(self, key: bytes, command: bytes) -> Any:
        """The answer to a command about a key. Raises WireError, ReplyError, TimeoutError."""
        if self._primaries is None:
            raise WireError("not connected")
        return await self._primaries.of(key).publisher.ask(command)

    def order(self, key: bytes, command: bytes) -> None:
        """A command about a key, of whose answer nothing depends. It may be lost."""
        if self._primaries is not None:
            self._primaries.of(key).publisher.offer(command, 1)

    def _say(self, user: UserId | None, envelope: bytes, kept: Frame | None = None) -> None:
        """To who listens to a user, or to all; before it, the text in a frame is kept."""
        if self._primaries is None:
            self.counts["dropped_down"] += 1
        elif len(envelope) + OVERHEAD > LARGEST:
            self.counts["dropped_large"] += 1
        else:
            name = self.seal.wake if user is None else self._channel(user, self._primaries)
            draft, replies = self._drafts.commands(user, kept.event) if user and kept else (b"", 0)
            self._primaries.of(name).publisher.offer(draft, replies, name, envelope)

    def _channel(self, user: UserId, primaries: Primaries) -> bytes:
        """A lone server is told of many users at once, in one channel; in a cluster each user has their own."""
        return self.seal.channel(user) if primaries.sharded else self.seal.everybody

    # Being connected.

    async def _be_connected(self) -> None:
        """Until something may have been missed, which is raised."""
        primaries = await find(self._seeds, self._speaker, self._hear)
        try:
            await primaries.open()
            self._seeds = [self._address, *primaries.addresses]
            self._primaries = primaries
            async with asyncio.TaskGroup() as group:
                group.create_task(primaries.live())
                group.create_task(self._subscribe_to_all(primaries))
        finally:
            self._primaries = None
            primaries.end()
            self._channels.clear()
            self._say_how_it_is(well=False)

    async def _subscribe_to_all(self, primaries: Primaries) -> None:
        confirmed = [primaries.of(self.seal.wake).subscriber.subscribe(self.seal.wake)]
        confirmed += [self._subscribe(user, primaries) for user in self._listening.values()]
        await asyncio.wait(confirmed)
        self.counts["rebuilt"] += self._said is not None
        self._reason = ""
        self._say_how_it_is(well=True)

    def _subscribe(self, user: UserId, primaries: Primaries) -> "asyncio.Future[None]":
        """Done once the user's channel is heard."""
        name = self._channel(user, primaries)
        channel = self._channels.get(name)
        if channel is None:
            confirmed = primaries.of(name).subscriber.subscribe(name)
            channel = self._channels[name] = _Channel(set(), confirmed)
        channel.users.add(user)
        return channel.confirmed

    def _came_late(self, confirmed: "asyncio.Future[None]") -> None:
        """Somebody has given up waiting, and may have missed something before this."""
        if self.well:
            self._say_how_it_is(well=True)

    def _say_how_it_is(self, *, well: bool) -> None:
        self.well = well
        if (well or self._said is not False) and self._ears is not None:
            self._said = well
            self._ears.hearing(well=well)

    def _explain(self, error: Exception) -> None:
        """Once for each reason, not for each attempt."""
        first = _first(error)
        reason = str(first) or type(first).__name__
        if reason != self._reason:
            self._reason = reason
            expected = isinstance(first, WireError | OSError)
            log.warning("redis_lost", reason=reason, exc_info=None if expected else error)

    # Hearing.

    def _hear(self, name: bytes, data: bytes) -> None:
        """A message has come: of users, for all, or, unknown here, a pulse or of somebody who has just left."""
        channel = self._channels.get(name)
        if (channel is None and name != self.seal.wake) or self._ears is None:
            return
        if self.seal.is_ours(data):
            self.counts["own"] += 1
            return
        try:
            for envelope in read(self._opened(name, data)):
                self._hear_one(self._ears, channel, envelope)
        except Junk as junk:
            self.counts[str(junk)] += 1

    def _hear_one(self, ears: Ears, channel: _Channel | None, envelope: Envelope) -> None:
        try:
            if channel is None:
                ears.hear_wake(*woken(envelope))
            elif (user := self._listening.get(envelope.user)) is None:
                return
            else:
                _hear_of(ears, channel, user, envelope)
            self.counts["heard"] += 1
        except Junk as junk:
            self.counts[str(junk)] += 1
        except Exception:  # one user's trouble must not end the hearing of all
            self.counts["failed_ears"] += 1
            log.exception("ears_failed")

    def _opened(self, name: bytes, data: bytes) -> bytes:
        if len(data) > LARGEST:
            raise Junk("dropped_large")
        return self.seal.open(name, data)


def _hear_of(ears: Ears, channel: _Channel, user: UserId, envelope: Envelope) -> None:
    if user not in channel.users:
        raise Junk("dropped_foreign")
    if envelope.kind == LIVE:
        ears.hear_live(user, *told_live(envelope))
    elif envelope.kind == STOPPING:
        ears.hear_stop(user, stopped(envelope))
    else:
        ears.hear(user, *told(envelope, user))


def _first(error: Exception) -> Exception:
    """The cause, out of the groups that it went through."""
    if isinstance(error, ExceptionGroup):
        return _first(cast("ExceptionGroup[Exception]", error).exceptions[0])
    return error
