"""Where sockets queue before their upgrade: a few pass in each turn of the loop, so that a thousand that come at once
keep no request and no other socket waiting. Who is not let in is told so here, for a fifth of what an upgrade costs.

Built on names that uvicorn does not promise to keep; tests/edge/test_turnstile.py says so when one changes.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import h11
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

AT_ONCE = 4
"""Upgrades in one turn of the loop."""


class Turnstile:
    """What has entered goes on in its turn, in order. `refusal` says why nobody is let in just now, if so."""

    def __init__(self, refusal: Callable[[], Response | None]) -> None:
        self.refusal = refusal
        self._queue: deque[Callable[[], None]] = deque()

    def enter(self, go_on: Callable[[], None]) -> None:
        if not self._queue:
            asyncio.get_running_loop().call_soon(self._turn)
        self._queue.append(go_on)

    def _turn(self) -> None:
        for _ in range(min(AT_ONCE, len(self._queue))):
            self._queue.popleft()()
        if self._queue:
            asyncio.get_running_loop().call_soon(self._turn)


def queueing(turnstile: Turnstile) -> type[H11Protocol]:
    """Uvicorn's HTTP protocol, whose upgrades pass this turnstile."""

    class Queueing(H11Protocol):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._queues = False

        @override
        def handle_websocket_upgrade(self, event: h11.Request) -> None:
            self._queues = True
            if (refused := turnstile.refusal()) is None:
                turnstile.enter(partial(self._upgrade, event))
            else:
                self._refuse(refused)

        @override
        def data_received(self, data: bytes) -> None:
            if self._queues:
                self.transport.abort()  # who asked for an upgrade may not speak before it is answered
            else:
                super().data_received(data)

        def _upgrade(self, event: h11.Request) -> None:
            if not self.transport.is_closing():
                super().handle_websocket_upgrade(event)

        def _refuse(self, answer: Response) -> None:
            head = h11.Response(
                status_code=answer.status_code, headers=[*answer.raw_headers, (b"connection", b"close")]
            )
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return Queueing
