"""A hub that bears any number of frames, and of frames that are no commands, on a connection: for those who throw a
million of them at it. All else is the real one's.

    python -m tests.fuzz.lenient serve
"""

import sys
from functools import partial
from typing import Any

from server import cli
from server.edge import connection, serve
from server.edge.guard import BudgetedConnection, GuardedProtocol


class Unbudgeted(BudgetedConnection):
    BURST = PER_SECOND = 10**9


class Lenient(GuardedProtocol):
    def __init__(self, config: Any, *rest: Any, **more: Any) -> None:
        super().__init__(config, *rest, **more)
        self.conn = Unbudgeted(config, self.logger, self.loop.time())


if __name__ == "__main__":
    connection.MALFORMED_BORNE = sys.maxsize
    serve.config = partial(serve.config, websocket=Lenient)
    cli.main()
