"""The door of the sockets: who is let in, who is inside, and how all of them are seen out."""

import asyncio
from random import uniform

from starlette.websockets import WebSocket

from protocol.errors import CloseCode
from protocol.events import Draining
from server.edge.connection import SUBPROTOCOL, Connection
from server.edge.identity import Verifier
from server.errors import Leaving, Malformed, Refusal
from server.instance import Instance

COME_BACK_WITHIN = 2.0
"""Seconds over which the devices of an instance that leaves come back elsewhere."""


class Door:
    """All sockets of this instance. Once `leaving`, no more are let in."""

    def __init__(self, instance: Instance, verifier: Verifier) -> None:
        self.leaving = False
        self._instance = instance
        self._verifier = verifier
        self._inside: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def refusal(self, websocket: WebSocket) -> Refusal | None:
        """Why this socket is not let in, as far as it is to be said before the upgrade."""
        if self.leaving:
            return Leaving(retry_after_ms=1_000)
        if websocket.scope["query_string"]:
            return Malformed("The address takes no parameters: a token goes into hello or the Authorization header.")
        offered = websocket.scope["subprotocols"]
        if offered and SUBPROTOCOL not in offered:
            return Malformed(f"The only subprotocol here is {SUBPROTOCOL}.")
        return None

    async def enter(self, websocket: WebSocket) -> None:
        """Serve one socket until it ends."""
        connection = Connection(websocket, self._instance, self._verifier)
        self._inside.add(connection)
        self._empty.clear()
        try:
            await connection.serve()
        finally:
            self._inside.discard(connection)
            if not self._inside:
                self._empty.set()

    def announce_leaving(self) -> None:
        """Let nobody in, and tell each device when to come back, elsewhere."""
        self.leaving = True
        for connection in self._inside:
            connection.offer(Draining(reconnect_in_ms=int(uniform(0, COME_BACK_WITHIN) * 1_000)))

    async def close(self) -> None:
        """Close every socket, and wait for their ends; the websocket protocol aborts those that give no answer."""
        for connection in self._inside:
            connection.close(CloseCode.DRAINING)
        await self._empty.wait()
