"""What a device would read of its user's timeline."""

from protocol.ids import UserId
from protocol.model import Cursor
from server.store.pool import Database
from server.store.timeline import Page
from server.tasks import Tasks
from server.timelines import Timelines


async def since(database: Database, user: UserId, cursor: Cursor | None) -> Page:
    """As `Timelines.since`."""
    async with Tasks() as tasks:
        return await Timelines(database, tasks, 4).since(user, cursor)
