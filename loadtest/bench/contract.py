"""What is there when a load client comes, and what it is to say. No I/O."""

from uuid import UUID, uuid5

from msgspec import Struct

from loadtest.bench.clock import MARK
from loadtest.tokens import token
from protocol.ids import MessageId, SessionId, UserId

NAMES = UUID("b0a7c0de-0000-4000-8000-000000000000")
"""Where ids come from: all instances of a run know them."""
LONG = "S6"
"""The scenario whose tokens are as long as a reply may be, so each is a reply."""
SESSIONS_OF_LONG = 100
"""The replies are in one session after the other, as each is written from all that was said in its own."""
IDLE = "S3"
"""The scenario whose devices join, and open nothing."""
PLACE = '"{session}"'
"""Filled in by the client."""


class Order(Struct, frozen=True):
    """What is to be measured. `pad`: by how many bytes a token is longer; `redis`: a port."""

    scenario: str
    port: int
    sessions: int
    pad: int = 0
    redis: int | None = None

    @property
    def places(self) -> list[tuple[UserId, SessionId]]:
        """The sessions that there are, and whose they are."""
        if self.scenario == LONG:
            return [(_user(0), _session(number)) for number in range(SESSIONS_OF_LONG)]
        return [(_user(number), _session(number)) for number in range(self.sessions)]


def message(session: SessionId, number: int) -> MessageId:
    """The id of a session's message."""
    return MessageId(uuid5(session, f"message {number}"))


def contract(order: Order, secret: str) -> dict[str, object]:
    """For a client that fills in what is in braces. It is ready when its last word was answered."""
    opened = {LONG: [f'"{session}"' for _, session in order.places], IDLE: []}.get(order.scenario, [PLACE])
    return {
        "path": "/ws",
        "headers": "Authorization: Bearer {token}\r\n",
        "first": [
            '{"type":"hello","ref":1,"device":{"id":"{device}","name":"Bench"}}',
            *(f'{{"type":"session.open","ref":2,"session":{session},"limit":1}}' for session in opened),
            '{"type":"ping","ref":3}',
        ],
        "up": '"pong"',
        "mark": {LONG: f'"text":"{MARK}', "S5": '"accepted","ref":'}.get(order.scenario, MARK),
        "say": f'{{"type":"typing.set","ref":{{ts}},"session":{PLACE},"active":true}}',
        "sessions": [
            {"token": token(secret, _user(number)), "session": str(_session(number)), "device": f"device-{number}"}
            for number in range(order.sessions)
        ],
    }


def _user(number: int) -> UserId:
    return UserId(f"learner-{number}")


def _session(number: int) -> SessionId:
    return SessionId(uuid5(NAMES, f"session {number}"))
