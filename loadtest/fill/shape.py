"""Who has how much. Pure: a user of a number is the same in every size, so that what grows is all around them."""

import math
from functools import cache
from itertools import accumulate, pairwise
from random import Random
from statistics import NormalDist

from msgspec import Struct

CYCLE = 100
"""Of so many users the sessions come out even; of so many sessions of a user, the messages."""
SKEW = 1.0
"""Of the logarithm: the largest of a hundred has eight times the mean, and half have less than six tenths of it."""
MANY_SESSIONS = "many-sessions"
LONG_SESSION = "long-session"
"""What the users are called, after the prefix, who are not like the others."""
SESSIONS_BESIDE_A_LONG_ONE = 10


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for. `sessions` are those of a user and `messages` those of a session, replies included, both in
    the mean; `many_sessions` and `long_session` are the sessions of the one user who has many, and the messages of the
    one session that is long, or 0: then there is no such user.
    """

    prefix: str
    seed: int
    users: int
    sessions: int
    messages: int
    many_sessions: int
    long_session: int

    def names(self) -> list[str]:
        """Of all users, in the order in which they are made."""
        kinds = [MANY_SESSIONS] * bool(self.many_sessions) + [LONG_SESSION] * bool(self.long_session)
        return [f"{self.prefix}-{kind}" for kind in [*kinds, *(f"{number:07}" for number in range(1, self.users + 1))]]

    def expected(self, names: list[str]) -> int:
        """How many messages these users have, roughly, without making them."""
        special = {MANY_SESSIONS: 2 * self.many_sessions, LONG_SESSION: self.long_session}
        mean = self.sessions * self.messages
        return sum(special.get(name.removeprefix(f"{self.prefix}-"), mean) for name in names)

    def member(self, name: str) -> "Member":
        """The user of this name."""
        kind, chance = name.removeprefix(f"{self.prefix}-"), Random(f"{self.seed} {name}")
        if kind == MANY_SESSIONS:
            return Member(name, [1] * self.many_sessions, chance)
        if kind == LONG_SESSION:
            return Member(name, [*self._lengths(SESSIONS_BESIDE_A_LONG_ONE, chance), self.long_session // 2], chance)
        cycle, place = divmod(int(kind) - 1, CYCLE)
        sessions = Random(f"{self.seed} {cycle}").sample(spread(self.sessions), CYCLE)[place]
        return Member(name, self._lengths(sessions, chance), chance)

    def _lengths(self, sessions: int, chance: Random) -> list[int]:
        """Of so many sessions, in exchanges."""
        cycles = [chance.sample(spread(self.messages // 2), CYCLE) for _ in range(0, sessions, CYCLE)]
        return [length for cycle in cycles for length in cycle][:sessions]


class Member(Struct, frozen=True):
    """One user: how many exchanges (a message and its reply) each session has, and what decides on all the rest."""

    name: str
    exchanges: list[int]
    chance: Random

    @property
    def messages(self) -> int:
        return 2 * sum(self.exchanges)


@cache
def spread(mean: int) -> tuple[int, ...]:
    """A hundred whole numbers of this mean: most are below it, a few far above, none below one."""
    bell = NormalDist(sigma=SKEW)
    weights = [math.exp(bell.inv_cdf((each + 0.5) / CYCLE)) for each in range(CYCLE)]
    more = (mean - 1) * CYCLE / sum(weights)
    ends = [round(each * more) for each in accumulate(weights)]
    return tuple(1 + end - begin for begin, end in pairwise([0, *ends]))
