"""The way to change something durable and have it heard: whoever changes can not forget to tell."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from protocol.events import Durable
from protocol.ids import UserId
from server.errors import ConnectionBroken
from server.fanout.hub import Hub
from server.store.pool import Database
from server.store.users import Change, numbered


@asynccontextmanager
async def told(database: Database, hub: Hub, user: UserId, kind: type[Durable]) -> AsyncGenerator[Change]:
    """A numbered transaction. Once it is committed, and if it has changed something, the user's devices hear of it.

    When the database went away at COMMIT, nobody knows whether it was done: then the room reads what there is.
    """
    try:
        async with numbered(database, user) as change:
            yield change
    except ConnectionBroken as broken:
        if broken.unsure:
            hub.doubt(user)
        raise
    if not change.empty:
        hub.tell(user, change.origin, kind(seq=change.seq, sessions=change.sessions, messages=change.messages))
