"""Which way who comes goes: sockets straight to the door, requests to the routes. An ASGI layer."""

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from server.edge.door import Door
from server.edge.requests import problem

SOCKETS = "/ws"


class Entrance:
    """The layers around the routes cost a socket more than the door does, and do nothing for it.

    `door`: of an instance that has begun and takes sockets.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.door: Door | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or scope["path"] != SOCKETS or self.door is None:
            await self.app(scope, receive, send)
        else:
            await _at(self.door, WebSocket(scope, receive, send))


async def _at(door: Door, socket: WebSocket) -> None:
    refusal = door.refusal(socket)
    if refusal is None:
        await door.enter(socket)
    else:
        await socket.send_denial_response(problem(refusal))
