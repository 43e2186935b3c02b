"""What an instance holds just now, in numbers, as it says in its log on SIGUSR1. When nobody is here, all are small."""

import asyncio
from pathlib import Path

from msgspec import Struct

from server.instance import Instance

_OPEN_FILES = Path("/proc/self/fd")


class Counts(Struct, frozen=True):
    """`rooms` of users, `sockets` of devices, `subscriptions` with the broker, `tasks` of the loop, `pool_waiting` for
    a connection to the database, `attempts` at replies, `fds`: open files, 0 where the system does not tell;
    `waiting_bytes` for the socket for which the most waits.
    """

    rooms: int
    sockets: int
    subscriptions: int
    tasks: int
    pool_waiting: int
    attempts: int
    fds: int
    waiting_bytes: int


def counted(instance: Instance, *, sockets: int, waiting_bytes: int) -> Counts:
    return Counts(
        rooms=len(instance.hub.rooms),
        sockets=sockets,
        subscriptions=instance.broker.subscriptions,
        tasks=len(asyncio.all_tasks()),
        pool_waiting=instance.database.waiting,
        attempts=instance.turns.running,
        fds=len(list(_OPEN_FILES.iterdir())) if _OPEN_FILES.exists() else 0,
        waiting_bytes=waiting_bytes,
    )
