"""A device that behaves, in a process of its own, so that what it measures is the hub's time and not the attacker's.

    python -m tests.threats.control PORT TOKEN

It pings and sends until its standard input ends. Then it prints what it has waited for, in milliseconds.
"""

import asyncio
import json
import sys
import time
from uuid import uuid4

from msgspec import Struct

from tests.hostile import Speaker, silent
from tests.hub import Hub

PING_EVERY = 0.025
PINGS_A_SEND = 80


class Waited(Struct):
    """For pongs, and for messages to be acknowledged; and by how much it came late itself, its machine being busy."""

    pongs: list[float] = []
    sends: list[float] = []
    own: list[float] = []


async def behave(speaker: Speaker, over: asyncio.Event, waited: Waited) -> None:
    session = (await speaker.ask(type="session.create"))["result"]["id"]
    while not over.is_set():
        for _ in range(PINGS_A_SEND):
            waited.pongs.append(await _waits(speaker, "pong", type="ping"))
            if not over.is_set():
                waited.own.append(await _pause())
        said = {"session": session, "message": str(uuid4()), "content": "I mind my own business."}
        waited.sends.append(await _waits(speaker, "accepted", type="message.send", **said))
        speaker.heard.clear()


async def _waits(speaker: Speaker, for_what: str, **said: str) -> float:
    began = time.perf_counter()
    answer = await speaker.ask(**said)
    assert answer["type"] == for_what, answer
    return (time.perf_counter() - began) * 1_000


async def _pause() -> float:
    began = time.perf_counter()
    await asyncio.sleep(PING_EVERY)
    return (time.perf_counter() - began - PING_EVERY) * 1_000


async def _until_the_end(over: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    over.set()


async def main(port: int, token: str) -> None:
    over, waited = asyncio.Event(), Waited()
    async with silent(Hub(port), "control") as speaker, asyncio.TaskGroup() as group:
        await speaker.hello(token)
        print("ready", flush=True)  # noqa: T201  # whoever started it waits for it
        group.create_task(_until_the_end(over))
        await behave(speaker, over, waited)
    print(json.dumps({"pongs": waited.pongs, "sends": waited.sends, "own": waited.own}), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
