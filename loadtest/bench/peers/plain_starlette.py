"""Plain Starlette on uvicorn, as most tutorials write it: a loop that awaits each socket's `send_text`.

With a Redis, as they write that: redis-py, a channel for each session, an `await` for each `publish`, one task that
listens.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any, cast

import uvicorn
import uvloop
from redis.asyncio.client import PubSub, Redis
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


async def listen(pubsub: PubSub) -> None:
    async for message in cast("AsyncIterator[dict[str, Any]]", pubsub.listen()):
        if message["type"] == "message":
            await emit(int(message["channel"]), message["data"].decode())


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
        if (port := ORDER.get("redis")) is None:
            await obey(emit)
        else:
            async with Redis(port=port) as client, client.pubsub() as pubsub:
                await pubsub.subscribe(*map(str, range(ORDER["sessions"])))
                listening = group.create_task(listen(pubsub))
                await obey(lambda session, text: client.publish(str(session), text))
                listening.cancel()
        server.should_exit = True


uvloop.run(main())
