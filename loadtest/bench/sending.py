"""The hub's sends without its doors: `python -m loadtest.bench.sending URL FOLDER USERS TEXT` obeys what it reads,
`together 3` or `in-turn 3` (seconds), and prints how many were acknowledged.

What every door calls is called (`server.messages.send`), in an instance that is made as by `tutorhub serve`, on a
database that is there: no socket is in the way, and no load client takes the time that is measured.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from uuid import UUID

import uvloop

from loadtest.bench.door import SECRET, UNLIMITED
from protocol.ids import SessionId, UserId, fresh_message_id
from server import messages, sessions
from server.app import App
from server.instance import Instance
from server.settings import Settings, TurnSettings
from server.store import migrations
from server.store.sends import Draft

SESSIONS = 20
"""Of each user, who says something in one after the other. Their ids are 0, 1, 2 …"""
MANY = 1_000_000


class Crowd:
    """Users who say the next thing once the last was acknowledged."""

    def __init__(self, instance: Instance, places: list[tuple[UserId, list[SessionId]]], text: str) -> None:
        self._instance = instance
        self._places = places
        self._text = text
        self._turn = count()

    async def together(self, seconds: float) -> int:
        async with asyncio.TaskGroup() as group:
            sending = [group.create_task(self._send([place], seconds)) for place in self._places]
        return sum(each.result() for each in sending)

    async def in_turn(self, seconds: float) -> int:
        return await self._send(self._places, seconds)

    async def _send(self, places: list[tuple[UserId, list[SessionId]]], seconds: float) -> int:
        """One after the other; how many were acknowledged in this time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        for sent in count():
            user, own = places[sent % len(places)]
            draft = Draft(own[next(self._turn) % SESSIONS], fresh_message_id(), self._text, None)
            await messages.send(self._instance, user, draft)
            if loop.time() >= end:
                return sent
        raise AssertionError("there is no last number")


async def _crowd(instance: Instance, users: int, text: str) -> Crowd:
    places = [
        (UserId(f"learner-{number}"), [SessionId(UUID(int=number * SESSIONS + each)) for each in range(SESSIONS)])
        for number in range(users)
    ]
    for user, own in places:
        for session in own:
            await sessions.create(instance, user, session, title="Pho", mode="learn", language="en")
    return Crowd(instance, places, text)


async def _obey(conninfo: str, folder: Path, users: int, text: str) -> None:
    settings = Settings(
        data_dir=folder, jwt_secret=SECRET, roles="hub", limits=UNLIMITED, turns=TurnSettings(pending=MANY)
    )
    await migrations.migrate(conninfo)
    async with App(settings, conninfo, lambda _: None).begun() as instance:
        crowd = await _crowd(instance, users, text)
        orders: dict[str, Callable[[float], Coroutine[None, None, int]]] = {
            "together": crowd.together,
            "in-turn": crowd.in_turn,
        }
        print(json.dumps({"ready": True}), flush=True)
        while words := (await asyncio.to_thread(sys.stdin.readline)).split():
            sent = await orders[words[0]](float(words[1]))
            print(json.dumps({"sent": sent}), flush=True)


if __name__ == "__main__":
    uvloop.run(_obey(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
