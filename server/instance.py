"""One server process, as a use case sees it: what it has at hand."""

from contextlib import AbstractAsyncContextManager

from msgspec import Struct

from protocol.events import Durable
from protocol.ids import UserId
from server.depot.depot import Depot
from server.depot.incoming import Incoming
from server.fanout.broker import Broker
from server.fanout.hub import Hub
from server.inspection.inspection import Inspection
from server.limits import Limits
from server.sending import Sender
from server.settings import Settings
from server.sightings import Sightings
from server.standing import Standing
from server.store.deployments import Deployment
from server.store.pool import Database
from server.store.reads import Reads
from server.store.users import Change
from server.tasks import Tasks
from server.telling import told
from server.timelines import Timelines
from server.turns import Turns
from server.tutor.scribe import Scribe
from server.tutor.tutor import Tutor


class Files(Struct, frozen=True):
    """Where pictures and sounds come in, are looked at, lie, and are listened to, if anybody does."""

    incoming: Incoming
    inspection: Inspection
    depot: Depot
    scribe: Scribe | None


class Instance(Struct, frozen=True):
    """Made by app.py at start, and given to every use case."""

    settings: Settings
    database: Database
    reads: Reads
    broker: Broker
    hub: Hub
    sender: Sender
    timelines: Timelines
    turns: Turns
    limits: Limits
    standing: Standing
    sightings: Sightings
    tutor: Tutor
    tasks: Tasks
    files: Files
    deployment: Deployment

    def change(self, user: UserId, kind: type[Durable]) -> AbstractAsyncContextManager[Change]:
        """A numbered transaction that is told, once it is committed, as an event of this kind."""
        return told(self.database, self.hub, user, kind)
