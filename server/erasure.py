"""Erasing a user: everything of theirs is deleted, wherever it lies, and cannot be brought back.

It is marked first, in one moment: from then on no token of theirs is good, their devices are closed, and nobody can
make them anew. Then it is deleted piece by piece, and in the end once more, when nobody can have added anything any
more. One instance is at it, and says so; when it is lost, another one goes on. Redis holds nothing for long: where it
is away, what it holds expires by itself.
"""

import asyncio

import structlog

from protocol.ids import UserId
from server import media
from server.errors import Refusal
from server.identity import LEEWAY
from server.instance import Instance
from server.store import erasure

NOBODY_ADDS_AFTER = 5.0
"""Seconds: instances hear of it within two, and what was begun before that is done soon after."""
LEFT_AFTER = 15.0
"""Seconds in which nobody has gone on with it: whoever did is lost."""
LOOKED_EVERY = 5.0

log = structlog.get_logger()


async def begin(instance: Instance, user: UserId) -> None:
    """The user is to be erased. Returns once that cannot be forgotten any more."""
    if await _mark(instance, user):
        instance.tasks.start(_erase(instance, user), "erasure")


async def wait_for(instance: Instance, user: UserId) -> None:
    """The user is erased when this returns, by us or by whoever is at it. Raises Refusal; then it may be said again."""
    ours = await _mark(instance, user)
    while not ours and await _is_marked(instance, user):
        await asyncio.sleep(1.0)
        ours = await _take_up(instance, user)
    if ours:
        await erase(instance, user)


async def look_out(instance: Instance) -> None:
    """For ever: go on with what was left."""
    while True:
        await asyncio.sleep(LOOKED_EVERY)
        try:
            for user in await instance.tasks.soon(_left(instance), "erasures"):
                if await _take_up(instance, user):
                    instance.tasks.start(_erase(instance, user), "erasure")
        except Refusal:
            pass
        except Exception:  # whatever it is, the next look must come
            log.exception("erasures_not_read")


async def erase(instance: Instance, user: UserId) -> None:
    """Delete everything of a user who was marked. Raises Refusal where that cannot be done now."""
    if await _delete(instance, user):
        await media.erase(instance, user)
    await asyncio.sleep(NOBODY_ADDS_AFTER)
    if not await _delete(instance, user):
        return
    await media.erase(instance, user)
    try:
        await instance.broker.erase(user)
    except Refusal:
        log.info("drafts_left_to_expire")
    async with instance.database.reserved() as conn:
        await erasure.finish(conn, user, LEEWAY)
    log.info("user_erased")


async def _erase(instance: Instance, user: UserId) -> None:
    try:
        await erase(instance, user)
    except Refusal:
        log.warning("erasure_postponed")


async def _delete(instance: Instance, user: UserId) -> bool:
    """All that there is now. False: somebody has finished it."""
    async with instance.database.reserved() as conn:
        if not await erasure.go_on(conn, user):
            return False
        ended = await erasure.turns(conn, user)
    instance.turns.lost(user, ended)
    for some in (erasure.messages, erasure.sessions):
        left = True
        while left:
            async with instance.database.reserved() as conn:
                left = await erasure.go_on(conn, user) and await some(conn, user)
    return True


async def _mark(instance: Instance, user: UserId) -> bool:
    async with instance.database.connection() as conn:
        marked = await erasure.mark(conn, user)
    if marked is not None:
        instance.standing.hear([marked])
    return marked is not None


async def _is_marked(instance: Instance, user: UserId) -> bool:
    async with instance.database.connection() as conn:
        return await erasure.is_marked(conn, user)


async def _take_up(instance: Instance, user: UserId) -> bool:
    async with instance.database.reserved() as conn:
        return await erasure.take_up(conn, user, LEFT_AFTER)


async def _left(instance: Instance) -> list[UserId]:
    async with instance.database.reserved() as conn:
        return await erasure.left_of_all_users(conn, LEFT_AFTER)
