"""Whether a token is still good: what was revoked, and that every instance hears of it within two seconds.

A user's revocations are read once and then held, those of all who come at the same moment in one statement; what is new
is looked for every second, a little further back than the last time, because a change may be committed later than it
was made. So it works without Redis, and whoever was let in while somebody revoked is found at the next look.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

import structlog

from protocol.errors import CloseCode
from protocol.ids import UserId
from server.errors import Refusal, SignedOut, Unavailable
from server.fanout.hub import Hub
from server.fanout.room import Room
from server.identity import Identity
from server.pace import Pace
from server.store import revocations
from server.store.pool import Database
from server.store.revocations import Revocation, subject
from server.tasks import Tasks

LOOKED_EVERY = 1.0
LOOKED_BACK = 10.0
"""Seconds: longer than a transaction may take."""
HELD_USERS = 10_000

Held = dict[str, Revocation]
"""By the ids of the tokens."""

log = structlog.get_logger()


class Standing:
    """Of the users whom this instance knows. `run` looks for what others have revoked."""

    def __init__(self, database: Database, hub: Hub, tasks: Tasks) -> None:
        self._database = database
        self._hub = hub
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._looked_at = self._loop.time()
        self._held: dict[bytes, Held] = {}
        self._asked: dict[bytes, asyncio.Future[Held | Refusal]] = {}
        self._reading = False
        self._pace = Pace()

    async def check(self, identity: Identity, device: str | None = None) -> None:
        """Raises SignedOut, or Unavailable where that cannot be known. `device`: where that is known."""
        held = self._held.get(subject(identity.user))
        if held is None:
            held = await self._read(subject(identity.user))
        if any(revocation.takes(identity, device) for revocation in held.values()):
            raise SignedOut

    async def revoke(self, user: UserId, token_id: str, expires_at: float | None) -> None:
        """One token of a user, or EVERY_TOKEN that was issued until now: the sockets that it let in are closed."""
        async with self._database.connection() as conn:
            self.hear([await revocations.revoke(conn, user, token_id, expires_at)])

    def hear(self, made: Iterable[Revocation]) -> None:
        """They were made: whom they mean is out. One pass over the rooms, however many there are."""
        of = defaultdict[bytes, list[Revocation]](list)
        for revocation in made:
            of[revocation.subject].append(revocation)
            if (held := self._held.get(revocation.subject)) is not None:
                held[revocation.token_id] = revocation
        if not of:
            return
        for room in self._hub.rooms:
            for revocation in of.get(subject(room.user), ()):
                _close(room, revocation)

    async def run(self) -> None:
        """For ever: hear what others have revoked. While the database is away nobody can revoke."""
        while True:
            asked_at = self._loop.time()
            try:
                self.hear(await self._tasks.soon(self._lately(asked_at), "revocations"))
            except Refusal:
                pass
            except Exception:  # whatever it is, the next look must come
                log.exception("revocations_not_read")
            else:
                self._looked_at = asked_at
            await asyncio.sleep(LOOKED_EVERY)

    async def _lately(self, asked_at: float) -> list[Revocation]:
        async with self._database.reserved() as conn:
            return await revocations.lately_of_all_users(conn, asked_at - self._looked_at + LOOKED_BACK)

    async def _read(self, whose: bytes) -> Held:
        """Together with whoever else is asked for meanwhile. Raises Unavailable."""
        answer = self._asked.setdefault(whose, self._loop.create_future())
        if not self._reading:
            self._reading = True
            self._tasks.start(self._read_asked(), "revocations of who comes")
        await asyncio.wait([answer])
        found = answer.result()
        if isinstance(found, Refusal):
            raise found
        return found

    async def _read_asked(self) -> None:
        try:
            while self._asked:
                await self._pace.begin()
                asked, self._asked = self._asked, {}
                try:
                    held = await self._tasks.soon(self._held_of(list(asked)), "revocations of users")
                except Refusal:
                    held = None
                except Exception:  # whatever it is, nobody may wait for ever
                    log.exception("revocations_not_read")
                    held = None
                for whose, answer in asked.items():
                    answer.set_result(Unavailable(retry_after_ms=1_000) if held is None else held[whose])
                self._hold(held or {})
        finally:
            self._reading = False

    async def _held_of(self, subjects: list[bytes]) -> dict[bytes, Held]:
        async with self._database.reserved() as conn:
            found = await revocations.of_users(conn, subjects)
        held: dict[bytes, Held] = {whose: {} for whose in subjects}
        for revocation in found:
            held[revocation.subject][revocation.token_id] = revocation
        return held

    def _hold(self, held: dict[bytes, Held]) -> None:
        self._held.update(held)
        while len(self._held) > HELD_USERS:
            del self._held[next(iter(self._held))]


def _close(room: Room, revocation: Revocation) -> None:
    code, reason = (CloseCode.ERASED, "erased") if revocation.erasing else (CloseCode.SIGNED_OUT, "signed out")
    for member in list(room.members):
        if revocation.takes(member.identity, member.device.id):
            member.close(code, reason)
