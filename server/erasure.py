"""Erasing a user: everything of theirs is deleted, wherever it lies, and cannot be brought back.

It is marked first, in one moment: from then on no token of theirs is good, and their devices are closed. Then it is
deleted piece by piece, and in the end once more, when nobody can have added anything any more. What a lost instance
has begun another one ends.
"""

import asyncio

import structlog

from protocol.ids import UserId
from server import media
from server.errors import Refusal
from server.instance import Instance
from server.store import erasure

NOBODY_ADDS_AFTER = 5.0
"""Seconds: instances hear of it within two, and a command that was read takes as long at most."""
TAKEN_UP_AFTER = 15.0
"""Seconds after which whoever has begun it may be lost."""
LOOKED_EVERY = 5.0
WITHIN = 60.0

log = structlog.get_logger()


async def begin(instance: Instance, user: UserId) -> None:
    """The user is to be erased. Returns once that cannot be forgotten any more."""
    async with instance.database.connection() as conn:
        instance.standing.hear(await erasure.mark(conn, user))
    instance.tasks.start(_erase(instance, user), "erasure")


async def wait_for(instance: Instance, user: UserId) -> None:
    """The user is erased when this returns. Raises Refusal; then an instance that runs ends it, or this said again."""
    async with instance.database.connection() as conn:
        instance.standing.hear(await erasure.mark(conn, user))
    await erase(instance, user)


async def look_out(instance: Instance) -> None:
    """For ever: end what others have begun."""
    while True:
        await asyncio.sleep(LOOKED_EVERY)
        try:
            for user in await instance.tasks.within(WITHIN, _marked(instance), "erasures"):
                await instance.tasks.within(WITHIN, erase(instance, user), "erasure")
        except (Refusal, TimeoutError):
            pass
        except Exception:  # whatever it is, the next look must come
            log.exception("erasure_failed")


async def erase(instance: Instance, user: UserId) -> None:
    """Delete everything of a user who was marked. Raises Refusal where that cannot be done now."""
    await _delete(instance, user)
    await asyncio.sleep(NOBODY_ADDS_AFTER)
    await _delete(instance, user)
    await media.erase(instance, user)
    await instance.broker.erase(user)
    async with instance.database.reserved() as conn:
        await erasure.user(conn, user)
        await erasure.done(conn, user)
    log.info("user_erased")


async def _erase(instance: Instance, user: UserId) -> None:
    try:
        await erase(instance, user)
    except Refusal:
        log.warning("erasure_postponed")


async def _delete(instance: Instance, user: UserId) -> None:
    async with instance.database.reserved() as conn:
        ended = await erasure.turns(conn, user)
    instance.turns.lost(user, ended)
    for some in (erasure.messages, erasure.sessions):
        left = True
        while left:
            async with instance.database.reserved() as conn:
                left = await some(conn, user)


async def _marked(instance: Instance) -> list[UserId]:
    async with instance.database.reserved() as conn:
        return await erasure.marked_of_all_users(conn, TAKEN_UP_AFTER)
