"""How both doors have a use case done: in a limited time, and again where the database went away in the middle.

The work is not cancelled at the limit, it goes on to its end: to cancel what waits for the database takes longer than
to have it done. So whoever is refused here may find it done, and may say it again under the same id.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from protocol.ids import UserId
from server.errors import ConnectionBroken, NotFound
from server.instance import Instance
from server.tasks import ANSWERED_WITHIN

T = TypeVar("T")

STOP_WITHIN = 6.0
"""A stop waits to see its reply settled."""
TRIES = 3
"""Each waits for a connection for a second, so that a database which comes back within the limit is met."""


async def carried_out(
    instance: Instance,
    user: UserId | None,
    work: Callable[[], Coroutine[Any, Any, T]],
    *,
    repeatable: bool = False,
    within: float = ANSWERED_WITHIN,
) -> T:
    """The result of a use case. `work` begins it; `repeatable`: done twice, it is as if it was done once.

    `user`: whose miss it is when nothing is found; None: nobody's.

    Raises what it raises, Unavailable when it takes too long, and RateLimited in the place of one NotFound too many.
    """
    try:
        return await instance.tasks.soon(_persisted(instance, work, repeatable=repeatable), "a use case", within=within)
    except NotFound:
        if user is not None:
            await instance.limits.miss(user)
        raise


async def _persisted(instance: Instance, work: Callable[[], Coroutine[Any, Any, T]], *, repeatable: bool) -> T:
    """Not again in another database: what came before this may be missing there, and is to be said again first."""
    origin = instance.database.origin
    for _ in range(1, TRIES):
        try:
            return await work()
        except ConnectionBroken as broken:
            if (broken.unsure and not repeatable) or instance.database.origin != origin:
                raise
    return await work()
