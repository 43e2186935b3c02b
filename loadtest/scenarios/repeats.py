"""Every message is said five times, at instances at random, and two of the five answers are heard by nobody."""

import asyncio
from collections import Counter
from contextlib import suppress
from random import Random

import msgspec

from loadtest.dump import Dump, dump
from loadtest.measured import Figure
from loadtest.requests import OK, ask, leave_unanswered, request
from loadtest.scenarios.scenario import Say
from loadtest.tokens import token
from loadtest.world import World
from protocol.answers import Sent
from protocol.ids import MessageId, SessionId, fresh_message_id, fresh_session_id

TIMES = 5
UNHEARD = 2
OF_A_USER = 5
"""Messages; fewer than may wait for their replies in one session."""
AT_ONCE = 50
"""Requests under way."""
LEAVES_AFTER = 0.1
"""Seconds at most, by chance."""
SAYS_AGAIN_AFTER = 0.5
ENDS_WITHIN = 300.0
LOOKS_EVERY = 0.5


class Sender:
    """Of one message. What is heard in answer to it is kept."""

    def __init__(self, it: World, user: str, session: SessionId) -> None:
        self.message: MessageId = fresh_message_id()
        self.receipts: set[Sent] = set()
        self._ports = [each.door.target.port for each in it.instances]
        self._token = token(it.secret, user)
        self._path = f"/api/sessions/{session}/messages"
        self._body = {"id": self.message, "content": f"{user} asks {self.message}"}
        self._chance = Random(str(self.message))

    async def say(self) -> None:
        """Until it is answered."""
        while True:
            with suppress(OSError, EOFError):
                answered = await ask(self._port(), self._token, "POST", self._path, self._body)
                if answered.status in OK:
                    self.receipts.add(msgspec.json.decode(answered.body, type=Sent))
                    return
            await asyncio.sleep(SAYS_AGAIN_AFTER)

    async def say_and_leave(self) -> None:
        """Whatever becomes of it."""
        after = self._chance.uniform(0, LEAVES_AFTER)
        with suppress(OSError):
            await leave_unanswered(self._port(), self._token, "POST", self._path, self._body, after=after)

    def _port(self) -> int:
        return self._chance.choice(self._ports)


async def repeat_sends(it: World, sockets: int, say: Say) -> list[Figure]:
    """As many messages as there are sockets: each is there once, with one reply, and all were given one receipt."""
    senders: list[Sender] = []
    for number in range(max(1, sockets // OF_A_USER)):
        user = f"learner-{number}"
        session = await _session(it, user)
        senders += [Sender(it, user, session) for _ in range(OF_A_USER)]
    await _say_all(it.seed, senders)
    say(f"{len(senders):,} messages, each said {TIMES} times")
    await _all_have_ended(it)
    return _figures(senders, await dump(it.database.url), it.tutor.bills)


async def _session(it: World, user: str) -> SessionId:
    session = fresh_session_id()
    await request(it.instances[0].door.target.port, token(it.secret, user), "POST", "/api/sessions", {"id": session})
    return session


async def _say_all(seed: int, senders: list[Sender]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def say_once(sender: Sender, number: int) -> None:
        async with gate:
            await (sender.say_and_leave() if number < UNHEARD else sender.say())

    sayings = [(sender, number) for sender in senders for number in range(TIMES)]
    Random(seed).shuffle(sayings)
    async with asyncio.TaskGroup() as group:
        for sender, number in sayings:
            group.create_task(say_once(sender, number))


async def _all_have_ended(it: World) -> None:
    """Or the time is over: then the figures tell."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ENDS_WITHIN):
            while await it.database.ask("SELECT count(*) FROM turns") != "0":
                await asyncio.sleep(LOOKS_EVERY)


def _figures(senders: list[Sender], rows: Dump, bills: Counter[str]) -> list[Figure]:
    replies = Counter(row.message.reply_to for row in rows.messages if row.message.status == "complete")
    written = Counter(row.message.id for row in rows.messages if row.message.type == "user")
    wanted = {each.message for each in senders}
    return [
        Figure("messages", len(senders), "in all"),
        Figure("times that one was said", TIMES, "each"),
        Figure("messages that are not there exactly once", _not_once(wanted, written), "of them", 0),
        Figure("messages without exactly one complete reply", _not_once(wanted, replies), "of them", 0),
        Figure("messages with more than one receipt", sum(len(each.receipts) != 1 for each in senders), "of them", 0),
        Figure("questions to the tutor beyond one for each", bills.total() - len(senders), "in all", 0),
    ]


def _not_once(wanted: set[MessageId], found: Counter[MessageId | None] | Counter[MessageId]) -> int:
    strange = sum(each not in wanted for each in found)
    return strange + sum(found[each] != 1 for each in wanted)
