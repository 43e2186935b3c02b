"""What nobody needs is collected: files that no message names, or that never came in whole, bytes without a row, and
revocations of tokens that have expired.

Every instance looks through all of them now and then, some at a time. Two at once do no harm: a row is deleted only
under its user's lock, where it is looked at again, and bytes only when no row knows them and they are not new.
"""

import asyncio
import random
import time
from uuid import UUID

import structlog

from server import media
from server.depot.depot import Lying
from server.depot.names import names_of
from server.errors import NotFound, SealedWithMissingKey, Unavailable
from server.instance import Instance
from server.store.media import Candidate, candidates_of_all_users, delete_orphan, known_of_all_users
from server.store.revocations import forget_expired_of_all_users
from server.store.users import numbered

EVERY = (1_800.0, 3_600.0)
"""Seconds between two looks, by chance: several instances take turns."""
PENDING = 3_600.0
"""Seconds after which a file that has not come in whole never will."""
AT_ONCE = 200

log = structlog.get_logger()


async def keep_collecting(instance: Instance) -> None:
    """For ever."""
    while True:
        await asyncio.sleep(random.uniform(*EVERY))
        try:
            rows, strays = await collect(instance)
            if rows or strays:
                log.info("orphans_collected", rows=rows, strays=strays)
        except Unavailable:
            log.info("orphans_left")
        except Exception:  # whatever it is, the next look must come
            log.exception("orphans_failed")


async def collect(instance: Instance) -> tuple[int, int]:
    """One look through everything: how many rows, and how many bytes without a row, were thrown away."""
    await instance.files.incoming.sweep()
    async with instance.database.connection() as conn:
        await forget_expired_of_all_users(conn)
    return await _collect_rows(instance), await _collect_bytes(instance)


async def _collect_rows(instance: Instance) -> int:
    collected, after = 0, None
    while candidates := await _candidates(instance, after):
        for each in candidates:
            if each.orphan and await _collected(instance, each):
                collected += 1
        after = candidates[-1]
    return collected


async def _candidates(instance: Instance, after: Candidate | None) -> list[Candidate]:
    async with instance.database.connection() as conn:
        return await candidates_of_all_users(conn, after, AT_ONCE, age=_age(instance), pending_age=PENDING)


async def _collected(instance: Instance, orphan: Candidate) -> bool:
    try:
        gone = await _deleted(instance, orphan)
    except (NotFound, SealedWithMissingKey):  # the user is gone, or only who has their key may touch what is theirs
        return False
    if gone:
        await media.remove_bytes(instance, orphan.user_id, orphan.id)
    return gone


async def _deleted(instance: Instance, orphan: Candidate) -> bool:
    async with numbered(instance.database, orphan.user_id, known=True) as change:
        age = _age(instance)
        return await delete_orphan(change.conn, orphan.user_id, orphan.id, age=age, pending_age=PENDING)


def _age(instance: Instance) -> float:
    return instance.settings.media.orphan_hours * 3_600


async def _collect_bytes(instance: Instance) -> int:
    """A file is written down before its bytes are put there, so that old ones without a row are nobody's."""
    collected = 0
    async for lying in instance.files.depot.everything():
        old = [each for each in lying if time.time() - each.since > PENDING]
        for begin in range(0, len(old), AT_ONCE):
            for name in await _unknown(instance, old[begin : begin + AT_ONCE]):
                await instance.files.depot.remove(name)
                collected += 1
    return collected


async def _unknown(instance: Instance, lying: list[Lying]) -> list[str]:
    ids = {UUID(each.name.partition("/")[2].partition(".")[0]) for each in lying}
    async with instance.database.connection() as conn:
        known = await known_of_all_users(conn, list(ids))
    names = {name for each in known for name in names_of(each.user_id, each.id)}
    return [each.name for each in lying if each.name not in names]
