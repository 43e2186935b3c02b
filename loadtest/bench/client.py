"""The load client, a process of its own: many websockets on one loop, their frames read by hand.

`python -m loadtest.bench.client ORDER` opens its sockets as the contract says that `told` names, prints how many there
are, and obeys: `begin` and `end` bound the moments that are measured, `start RATE` and `stop` have the sockets speak.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, cast

import msgspec
import uvloop
from msgspec import Struct

from loadtest.bench.clock import every, now, stamp, ticks

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

AT_ONCE = 100
UP_WITHIN = 60.0
PING, TEXT = 9, 1


class Wanted(Struct, frozen=True):
    """The first `stalled` of the sockets never read once they are up. A session's are on one port after the other."""

    ports: list[int]
    sockets: int
    stalled: int
    told: str


class Contract(Struct, frozen=True):
    """See contract.py: what is in braces is filled in, of the entry of `sessions` that a socket belongs to."""

    path: str
    headers: str
    first: list[str]
    up: str
    mark: str
    say: str
    sessions: list[dict[str, str]]


class Load:
    """All sockets. `taken`: microseconds that each thing took that was heard while it is `recording`."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.mark = contract.mark.encode()
        self.sockets: list[Socket] = []
        self.recording = False
        self.speaking = False
        self.taken: list[int] = []
        self.heard = self.said = self.lost = 0

    async def open(self, wanted: Wanted) -> None:
        gate, loop = asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop()

        async def one(number: int) -> None:
            device, session = divmod(number, len(self.contract.sessions))
            values, port = self.contract.sessions[session], wanted.ports[device % len(wanted.ports)]
            async with gate, asyncio.timeout(UP_WITHIN):
                _, socket = await loop.create_connection(lambda: Socket(self, values), "127.0.0.1", port)
                self.sockets.append(socket)
                await socket.up

        async with asyncio.TaskGroup() as group:
            for number in range(wanted.sockets):
                group.create_task(one(number))
        for socket in self.sockets[: wanted.stalled]:
            socket.transport.pause_reading()

    async def speak(self, rate: float) -> None:
        """Each socket says so many commands a second, until it is stopped."""
        groups = every(rate)
        async for tick, due in ticks(lambda: self.speaking):
            for socket in self.sockets[tick % groups :: groups]:
                socket.say(self.contract.say.replace("{ts}", stamp(due)))
                self.said += 1


class Socket(asyncio.Protocol):
    """`up` is done once it is let in, and what it has to say first was answered."""

    def __init__(self, load: Load, values: dict[str, str]) -> None:
        self.up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._load = load
        self._values = values
        self._rest: bytes = b""
        self._is_open = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        contract = self._load.contract
        self.transport.write(
            self._filled(
                f"GET {contract.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{contract.headers}\r\n"
            ).encode()
        )

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost += 1
        if not self.up.done():
            self.up.set_exception(ConnectionError("closed before it was up"))

    @override
    def data_received(self, data: bytes) -> None:
        data, self._rest = self._rest + data, b""
        if not self._is_open:
            head, complete, rest = data.partition(b"\r\n\r\n")
            if not complete:
                self._rest = data
                return
            self._let_in(head)
            data = rest
        begin, moment = 0, now()
        while (found := _frame(data, begin)) is not None:
            opcode, body, end = found
            self._hear(opcode, data[body:end], moment)
            begin = end
        self._rest = data[begin:]

    def say(self, text: str) -> None:
        self._write(TEXT, self._filled(text).encode())

    def _let_in(self, head: bytes) -> None:
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head[:80])
        self._is_open = True
        for text in self._load.contract.first:
            self.say(text)
        if not self._load.contract.up:
            self.up.set_result(None)

    def _hear(self, opcode: int, said: bytes, moment: int) -> None:
        load, mark = self._load, self._load.mark
        if opcode == PING:
            self._write(PING + 1, said)
        at = said.find(mark)
        if at < 0 and not self.up.done() and load.contract.up.encode() in said:
            self.up.set_result(None)
        while at >= 0:
            begin = at + len(mark)
            if load.recording:
                load.taken.append(moment - int(said[begin : begin + 16]))
            load.heard += 1
            at = said.find(mark, begin)

    def _write(self, opcode: int, data: bytes) -> None:
        """Masked with nothing, which costs a server the same."""
        length = bytes((0x80 | len(data),)) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        self.transport.write(bytes((0x80 | opcode,)) + length + bytes(4) + data)

    def _filled(self, text: str) -> str:
        for name, value in self._values.items():
            text = text.replace("{" + name + "}", value)
        return text


def _frame(data: bytes, begin: int) -> tuple[int, int, int] | None:
    """Its opcode, and where its body begins and ends. None: it is not whole yet."""
    if len(data) - begin < 2:
        return None
    length, body = data[begin + 1], begin + 2
    if length > 125:
        body += 2 if length == 126 else 8
        length = int.from_bytes(data[begin + 2 : body], "big")
    return (data[begin] & 15, body, body + length) if len(data) >= body + length else None


async def main(wanted: Wanted) -> None:
    told = await asyncio.to_thread(Path(wanted.told).read_bytes)
    load, orders = Load(msgspec.json.decode(told, type=Contract)), asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    await load.open(wanted)
    _say(connected=len(load.sockets))
    async with asyncio.TaskGroup() as group:
        while words := (await orders.readline()).decode().split():
            match words:
                case ["begin"]:
                    load.taken, load.recording = [], True
                    _say(began=True)
                case ["end"]:
                    load.recording = False
                    _say(heard=len(load.taken), **_percentiles(sorted(load.taken)))
                case ["start", rate]:
                    load.speaking = True
                    group.create_task(load.speak(float(rate)))
                case _:
                    load.speaking = False
                    _say(heard=load.heard, said=load.said, lost=load.lost)
        load.speaking = False


def _percentiles(taken: list[int]) -> dict[str, float]:
    """In milliseconds."""
    if not taken:
        return {"p50": 0.0, "p99": 0.0}
    return {name: taken[int(len(taken) * share)] / 1_000 for name, share in (("p50", 0.5), ("p99", 0.99))}


def _say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Wanted)))
