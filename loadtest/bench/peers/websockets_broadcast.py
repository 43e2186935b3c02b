"""The websockets library, with the function that it has for this."""

from collections import defaultdict

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from loadtest.bench.peers.obeying import ORDER, answer, obey, session_of

rooms: defaultdict[int, set[ServerConnection]] = defaultdict(set)


async def endpoint(websocket: ServerConnection) -> None:
    assert websocket.request is not None
    room = rooms[session_of(websocket.request.path)]
    room.add(websocket)
    try:
        async for said in websocket:
            await websocket.send(answer(said))
    finally:
        room.discard(websocket)


def emit(session: int, text: str) -> None:
    broadcast(rooms[session], text)


async def main() -> None:
    async with serve(endpoint, "127.0.0.1", ORDER["port"], compression=None, backlog=4_096):
        await obey(emit)


uvloop.run(main())
