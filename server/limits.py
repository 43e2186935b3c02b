"""How much somebody may do: rates of what costs, and numbers of connections.

With Redis all instances count together, one round trip each time. When Redis is away each counts alone: what costs
money, and guessing who somebody is, by a share of the limit, so that all together stay near it; the rest by the whole
limit, so that nobody is hindered.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import TypeVar

from msgspec import structs

from protocol.ids import UserId
from server.buckets import Buckets, Rate, Short, Want
from server.errors import BudgetSpent, Overloaded, RateLimited, TooManyConnections
from server.fanout.shares import PLACE_SECONDS, Alone, Shares
from server.settings import LimitSettings
from server.tasks import Tasks

ALONE = 4
"""An instance that counts alone gives this part of what costs."""
COSTLY = frozenset({"tokens", "sign-ins"})
STAY_EVERY = PLACE_SECONDS / 3

T = TypeVar("T")
Seat = tuple[str, str]
"""Of whom, and for what."""
COME_AGAIN_MS = 5_000


class Limits:
    """`instance` is a name of its own among the others; `shared` is None where there are no others."""

    def __init__(self, settings: LimitSettings, tasks: Tasks, instance: str, shared: Shares | None) -> None:
        self._settings = settings
        self._tasks = tasks
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._own = Buckets()
        self._seats: defaultdict[Seat, Counter[str]] = defaultdict(Counter)
        self._taken = Counter[Seat]()
        self._names = (f"{instance}:{number}" for number in count())

    @property
    def places(self) -> int:
        """Replies of one user that are written at once."""
        return self._settings.running

    # Rates. Each raises RateLimited.

    async def ask(self, user: UserId) -> None:
        """A command or a request."""
        await self._take(user, _want("commands", self._settings.commands))

    async def ask_tutor(self, user: UserId) -> None:
        """Something that the tutor is to answer. Raises BudgetSpent, too: nothing is left of the day's tokens."""
        await self._take(user, _want("sends", self._settings.sends), _want("tokens", self._settings.tokens, amount=0))

    def spend(self, user: UserId, tokens: int) -> None:
        """The tutor has used so many. Who asks next pays for it."""
        want = _want("tokens", self._settings.tokens, amount=tokens, owed=True)
        self._tasks.start(self._take(user, want), "tokens spent")

    async def miss(self, user: UserId) -> None:
        """Asked for something that is not there: who tries many ids may be looking for those of others."""
        await self._take(user, _want("misses", self._settings.misses))

    async def upload(self, user: UserId) -> None:
        """A file."""
        await self._take(user, _want("uploads", self._settings.uploads))

    async def sign_in(self, address: str) -> None:
        """Signing in, or a token that is not good."""
        await self._take(_at(address), _want("sign-ins", self._settings.sign_ins))

    async def _take(self, owner: str, *wants: Want | None) -> None:
        limited = [want for want in wants if want is not None]
        if limited and (short := await self._short(owner, limited)) is not None:
            kind = BudgetSpent if short.name == "tokens" else RateLimited
            raise kind(retry_after_ms=int(short.seconds * 1_000) + 1)

    async def _short(self, owner: str, wants: list[Want]) -> Short | None:
        if self._shared is not None:
            try:
                return await self._shared.take(owner, wants)
            except Alone:
                wants = [_alone(want) for want in wants]
        return self._own.take(owner, wants, self._loop.time())

    # Connections.

    @asynccontextmanager
    async def connected(self, user: UserId, address: str, device: str) -> AsyncGenerator[None]:
        """A device is connected. Raises TooManyConnections, and Overloaded for an address, which others have too.

        A device that comes back has the place that it had, also if nobody knows yet that it was gone.
        """
        if not await self._enter((user, "connections"), self._settings.connections, device):
            raise TooManyConnections
        try:
            who, place = next(self._names), (_at(address), "connections")
            if not await self._enter(place, self._settings.connections_per_address, who):
                raise Overloaded(retry_after_ms=COME_AGAIN_MS)
            try:
                yield
            finally:
                self._leave(place, who)
        finally:
            self._leave((user, "connections"), device)

    async def _enter(self, seat: Seat, most: int, who: str) -> bool:
        """False: there is none left, by the count of all; and on this instance each socket counts."""
        self._seats[seat][who] += 1  # before anything is waited for: others come meanwhile
        self._taken[seat] += 1
        try:
            entered = self._taken[seat] <= most and await self._is_free(seat, most, who)
        except BaseException:
            self._leave(seat, who)  # the others may have counted it already
            raise
        if not entered:
            self._free_seat(seat, who)
        return entered

    def _leave(self, seat: Seat, who: str) -> None:
        if not self._free_seat(seat, who) and self._shared is not None:
            self._shared.leave(*seat, who)

    def _free_seat(self, seat: Seat, who: str) -> int:
        """One socket of theirs is gone: how many are left."""
        left = _count_down(self._seats[seat], who)
        if not _count_down(self._taken, seat):
            del self._seats[seat]
        return left

    async def _is_free(self, seat: Seat, most: int, who: str) -> bool:
        if self._shared is not None:
            with suppress(Alone):
                return await self._shared.enter(*seat, most, who)
        return True

    async def run(self) -> None:
        """For ever: hold the seats on."""
        while True:
            await asyncio.sleep(STAY_EVERY)
            if self._shared is not None:
                for seat, who in self._seats.items():
                    self._shared.stay(*seat, sorted(who))


def _count_down(counter: Counter[T], one: T) -> int:
    """What is left of it; nothing is kept of none."""
    counter[one] -= 1
    return counter[one] or counter.pop(one)


def _want(name: str, rate: str, *, amount: int = 1, owed: bool = False) -> Want | None:
    """None: there is no limit."""
    if rate == "none":
        return None
    most, seconds = rate.split("/")
    return Want(name, Rate(int(most), float(seconds)), amount, owed)


def _alone(want: Want) -> Want:
    if want.name not in COSTLY:
        return want
    return structs.replace(want, rate=Rate(max(1, want.rate.count // ALONE), want.rate.seconds))


def _at(address: str) -> str:
    """An address as an owner. No user has such a name."""
    return f"\0{address}"
