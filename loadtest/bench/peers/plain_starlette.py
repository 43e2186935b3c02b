"""Plain Starlette on uvicorn, as most tutorials write it: a loop that awaits each socket's `send_text`."""

import asyncio
from collections import defaultdict

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from loadtest.bench.peers.obeying import ORDER, answer, obey, session_of

rooms: defaultdict[int, set[WebSocket]] = defaultdict(set)


async def endpoint(websocket: WebSocket) -> None:
    await websocket.accept()
    room = rooms[session_of(websocket.url.query)]
    room.add(websocket)
    try:
        while True:
            await websocket.send_text(answer(await websocket.receive_text()))
    except WebSocketDisconnect:
        pass
    finally:
        room.discard(websocket)


async def emit(session: int, text: str) -> None:
    for websocket in list(rooms[session]):
        await websocket.send_text(text)


async def main() -> None:
    app = Starlette(routes=[WebSocketRoute("/ws", endpoint)])
    config = uvicorn.Config(
        app,
        port=ORDER["port"],
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="warning",
        backlog=4_096,
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.02)
        await obey(emit)
        server.should_exit = True


uvloop.run(main())
