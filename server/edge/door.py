"""The door of the sockets: who is let in, who is inside, and how all of them are seen out."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import sample, uniform

from starlette.websockets import WebSocket

from server.edge.address import address_of
from server.edge.callers import Callers
from server.edge.connection import SUBPROTOCOL, Connection
from server.edge.handshake import EXTENSION
from server.errors import Leaving, Malformed, Overloaded, Refusal
from server.instance import Instance

JOINING = 200
"""So many sockets may be between their upgrade and being in step; who comes beyond them is asked to come again."""
SILENT_FOR = 1.0
"""Seconds for which one is counted that has not said a good hello: who is slower, or says none, takes no place."""
JOINING_FOR = 10.0
"""Seconds for which one is counted after its hello: who then still joins reads slowly, and takes no place either."""
COME_AGAIN_MS = (1_000, 3_000)
LEAVING_A_SECOND = 200
"""So many devices are seen out in a second, as long as there is time: they all have to join elsewhere."""


class Door:
    """All sockets of this instance. Once `leaving`, no more are let in."""

    def __init__(self, instance: Instance, callers: Callers) -> None:
        self.leaving = False
        self._instance = instance
        self._callers = callers
        self._inside: set[Connection] = set()
        self._strangers: Counter[str] = Counter()
        self._joining: dict[Connection, asyncio.TimerHandle] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def inside(self) -> int:
        """How many sockets there are."""
        return len(self._inside)

    @property
    def waiting_bytes(self) -> int:
        """What waits for the socket for which the most waits."""
        return max((connection.waiting_bytes for connection in self._inside), default=0)

    def refusal(self, websocket: WebSocket) -> Refusal | None:
        """Why this socket is not let in, as far as it is to be said before the upgrade."""
        if self.leaving:
            return Leaving(retry_after_ms=1_000)
        if websocket.scope["query_string"]:
            return Malformed("The address takes no parameters: a token goes into hello or the Authorization header.")
        offered = websocket.scope["subprotocols"]
        if offered and SUBPROTOCOL not in offered:
            return Malformed(f"The only subprotocol here is {SUBPROTOCOL}.")
        strangers = self._strangers[address_of(websocket)]
        if strangers >= self._instance.settings.limits.unauthenticated_per_address or len(self._joining) >= JOINING:
            return Overloaded(retry_after_ms=int(uniform(*COME_AGAIN_MS)))
        return None

    async def enter(self, websocket: WebSocket) -> None:
        """Accept one socket, which goes on by itself from then on."""
        await websocket.accept(subprotocol=SUBPROTOCOL if websocket.scope["subprotocols"] else None)
        address = address_of(websocket)
        connection = Connection(
            websocket.scope["extensions"][EXTENSION](),
            self._instance,
            self._callers,
            address=address,
            authorization=websocket.headers.get("authorization"),
        )
        known = self._stranger(address)
        connection.on_hello = partial(self._met, connection, known)
        connection.on_joined = partial(self._count_no_more, connection)
        self._count(connection, SILENT_FOR)
        self._inside.add(connection)
        self._empty.clear()
        self._instance.tasks.start(self._serve(connection, known), "a socket")

    async def _serve(self, connection: Connection, known: Callable[[], None]) -> None:
        try:
            await connection.serve()
        finally:
            known()
            self._count_no_more(connection)
            self._inside.discard(connection)
            if not self._inside:
                self._empty.set()

    def _stranger(self, address: str) -> Callable[[], None]:
        """Somebody has come. To be called once they have said who they are, or are gone; twice does no harm."""
        self._strangers[address] += 1
        is_one = True

        def known() -> None:
            nonlocal is_one
            if is_one:
                is_one = False
                self._strangers[address] -= 1
                if not self._strangers[address]:
                    del self._strangers[address]

        return known

    def _met(self, connection: Connection, known: Callable[[], None]) -> None:
        known()
        self._count(connection, JOINING_FOR)

    def _count(self, connection: Connection, seconds: float) -> None:
        """It is joining, for so many seconds from now at most."""
        self._count_no_more(connection)
        loop = asyncio.get_running_loop()
        self._joining[connection] = loop.call_later(seconds, self._count_no_more, connection)

    def _count_no_more(self, connection: Connection) -> None:
        if (too_long := self._joining.pop(connection, None)) is not None:
            too_long.cancel()

    async def see_out(self, within: float) -> None:
        """Let nobody in, tell each device its moment within so many seconds, and close its socket then.

        Returns when all have left; its wire aborts one that gives no answer.
        """
        self.leaving = True
        devices = len(self._inside)
        spread = min(within, devices / LEAVING_A_SECOND)
        for place, connection in enumerate(sample(list(self._inside), devices)):
            connection.leave(spread * place / devices)
        await self.empty()

    async def empty(self) -> None:
        """Until the last socket has ended, and what it had asked for is done."""
        await self._empty.wait()
