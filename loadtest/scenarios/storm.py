"""All sockets break at once: how soon everybody is back, what that costs the database, what others feel."""

import asyncio
from collections.abc import Iterable

from loadtest.crowd import Listener, ignore
from loadtest.measured import Figure, percentile
from loadtest.requests import asked_again_and_again, request
from loadtest.scenarios.scenario import Say
from loadtest.tokens import token
from loadtest.world import World

DEVICES_EACH = 5
JOINED_WITHIN = 120.0
BACK_WITHIN = 30.0
ONE_QUESTION = 1.05
"""Statements for each socket, when there are many; a few more are those of new connections of the pools."""
REQUESTS_WITHIN = 0.5
ASKS_EVERY = 0.05
COUNTED_AFTER = 11.0
"""Seconds after which a connection that is idle has told PostgreSQL what it did: 10 s, from its source."""


async def reconnect_storm(it: World, sockets: int, say: Say) -> list[Figure]:
    """Everybody joins, is dropped, and comes back; a fifth of the users have missed something meanwhile."""
    users = [f"learner-{number}" for number in range(max(1, sockets // DEVICES_EACH))]
    ports = [each.door.target.port for each in it.instances]
    crowd = [
        Listener(ports[number % len(ports)], it.secret, users[number % len(users)], f"device-{number}", hear=ignore)
        for number in range(sockets)
    ]
    await _each_begins_a_session(it, users)
    asking = asked_again_and_again(
        ports[0], token(it.secret, users[0]), "/api/sessions", every=ASKS_EVERY, log=it.folder / "requests.log"
    )
    async with asking as seconds, asyncio.TaskGroup() as group:
        others = [group.create_task(each.stay()) for each in crowd]
        joined = await _all_in_step(crowd, JOINED_WITHIN)
        say(f"{sockets:,} sockets have joined in {joined:.1f} s")
        usual = await _statements_a_second(it)
        figures = await _dropped(it, crowd, users, usual=usual, seconds=seconds)
        say(f"all are back after {figures[0].value:.1f} s")
        for each in others:
            each.cancel()
    return figures


async def _dropped(
    it: World, crowd: list[Listener], users: list[str], *, usual: float, seconds: list[float]
) -> list[Figure]:
    """`usual`: statements a second while nothing happens; `seconds`: of each request that is done by the way."""
    loop = asyncio.get_running_loop()
    refused = sum(each.refused for each in crowd)
    before, began = await _statements(it), loop.time()
    seconds.clear()
    for each in crowd:
        each.drop()
    async with asyncio.TaskGroup() as group:
        group.create_task(_each_begins_a_session(it, users[::DEVICES_EACH]))
        back = await _all_in_step(crowd, JOINED_WITHIN)
    requests = percentile(seconds, 0.99)
    await asyncio.sleep(COUNTED_AFTER)
    asked = await _statements(it) - before - usual * (loop.time() - began)
    return [
        Figure("all sockets are back", round(back, 2), at_most=BACK_WITHIN),
        Figure("asked to come again", sum(each.refused for each in crowd) - refused, "times"),
        Figure("questions to the database", round(asked / len(crowd), 3), "for each socket", ONE_QUESTION),
        Figure("a request meanwhile, p99", round(requests, 3), at_most=REQUESTS_WITHIN),
    ]


async def _statements_a_second(it: World) -> float:
    """While nothing happens but the requests."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(COUNTED_AFTER)
    before, began = await _statements(it), loop.time()
    await asyncio.sleep(COUNTED_AFTER)
    return (await _statements(it) - before) / (loop.time() - began)


async def _statements(it: World) -> int:
    """Outside transactions each is one."""
    counted = "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database"
    return int(await it.database.ask(counted))


async def _each_begins_a_session(it: World, users: Iterable[str]) -> None:
    for number, user in enumerate(users):
        port = it.instances[number % len(it.instances)].door.target.port
        await request(port, token(it.secret, user), "POST", "/api/sessions", {"title": "Pho"})


async def _all_in_step(crowd: list[Listener], within: float) -> float:
    """Seconds until they are."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(within):
        for each in crowd:
            await each.in_step.wait()
    return loop.time() - began
