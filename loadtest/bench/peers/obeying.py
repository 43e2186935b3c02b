"""What the Python peers share: their order, what they send, and how they obey."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

from loadtest.bench.clock import MARK, every, ticks, token

ORDER: dict[str, Any] = json.loads(sys.argv[1])
PAD = "x" * int(ORDER.get("pad") or 0)

Emit = Callable[[int, str], Awaitable[object] | None]
"""Send a text to all sockets of a session."""


def contract() -> dict[str, object]:
    """Who comes says its session in the path, and is ready once it is let in."""
    return {
        "path": "/ws?session={session}",
        "headers": "",
        "first": [],
        "up": "",
        "mark": '"accepted","ref":' if ORDER["scenario"] == "S5" else MARK,
        "say": '{"type":"typing.set","ref":{ts},"session":"{session}","active":true}',
        "sessions": [{"session": str(number)} for number in range(ORDER["sessions"])],
    }


def session_of(path: str) -> int:
    return int(path.rpartition("=")[2])


def answer(said: str | bytes) -> str:
    """A command is parsed, and accepted."""
    return f'{{"type":"accepted","ref":{json.loads(said)["ref"]},"result":{{}}}}'


async def obey(emit: Emit) -> None:
    """Say that we listen; then emit what is asked for, until standard input ends."""
    with tempfile.NamedTemporaryFile("w", prefix="bench-", suffix=".json") as told:
        told.write(json.dumps(contract()))
        told.flush()
        orders = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
        print(json.dumps({"told": told.name}), flush=True)
        speaks = False

        async def speak(rate: float) -> None:
            emitted, groups = 0, every(rate)
            async for tick, due in ticks(lambda: speaks):
                for session in range(tick % groups, ORDER["sessions"], groups):
                    sent = emit(session, _event(session, tick, due))
                    if sent is not None:
                        await sent
                    emitted += 1
            print(json.dumps({"emitted": emitted}), flush=True)

        async with asyncio.TaskGroup() as group:
            while words := (await orders.readline()).split():
                speaks = words[0] == b"start"
                if speaks:
                    group.create_task(speak(float(words[1])))


def _event(session: int, number: int, due: float) -> str:
    """As long as the hub's."""
    message = f"{session:08d}-0000-4000-8000-000000000000"
    return (
        f'{{"type":"token.added","message":"{message}","attempt":1,"chunk":{number},"next":{number + 1},'
        f'"text":"{token(due)}{PAD}"}}'
    )
