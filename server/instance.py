"""One server process, as a use case sees it: what it has at hand."""

from msgspec import Struct

from server.fanout.hub import Hub
from server.settings import Settings
from server.store.pool import Database
from server.turns import Turns
from server.tutor.tutor import Tutor


class Instance(Struct, frozen=True):
    """Made by app.py at start, and given to every use case."""

    settings: Settings
    database: Database
    hub: Hub
    turns: Turns
    tutor: Tutor
