"""The synthetic tutor: an OpenAI-compatible server that keeps time. `python -m loadtest.run.synthetic SCENARIO.json`.

Each token is due at a moment that its reply's stamp tells (speech.py); it says how late it was itself.
"""

import asyncio
import sys
from pathlib import Path
from time import monotonic

import msgspec
import uvloop
from msgspec import Struct

from loadtest.run.reports import Late, tell
from loadtest.run.scenario import Scenario, read_corpus
from loadtest.run.speech import Speech, Stamp

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
MODELS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    b'{"object":"list","data":[{"id":"the-synthetic-tutor","object":"model"}]}'
)
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class _Said(Struct):
    role: str
    content: str


class _Prompt(Struct):
    messages: list[_Said]


class Synthetic:
    """It answers whoever asks, at the pace of the scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.lag = 0.0
        """The most that a token was late, since this was set to 0."""
        self._pace = scenario.world.tokens_per_second
        self._speech = Speech(read_corpus(scenario), scenario.seed, scenario.world.answer_tokens)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path, body = await _request(reader)
            if path.endswith("/models"):
                writer.write(MODELS)
            else:
                await self._answer(writer, msgspec.json.decode(body, type=_Prompt))
            await writer.drain()
        except (OSError, EOFError):
            pass  # whoever asked has gone
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, prompt: _Prompt) -> None:
        asked = next(said.content for said in reversed(prompt.messages) if said.role == "user")
        body = self._speech.body(asked)
        stamp = Stamp(round(monotonic(), 6), self._pace)
        writer.write(HEAD)
        for number, token in enumerate(stamp.tokens(body)):
            due = stamp.at + number / self._pace
            if (early := due - monotonic()) > 0:
                await asyncio.sleep(early)
            self.lag = max(self.lag, monotonic() - due)
            if writer.is_closing():
                return
            writer.write(b'data: {"choices":[{"index":0,"delta":{"content":%b}}]}\n\n' % msgspec.json.encode(token))
        writer.write(END)


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Path and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    sizes = [int(line.partition(":")[2]) for line in head if line.startswith("content-length:")]
    return head[0].split()[1], await reader.readexactly(sum(sizes))


async def serve(scenario: Scenario) -> None:
    """For ever. The first line that it says is its port."""
    synthetic = Synthetic(scenario)
    server = await asyncio.start_server(synthetic.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        while True:
            await asyncio.sleep(1.0)
            tell(Late(round(synthetic.lag, 4)))
            synthetic.lag = 0.0


def main() -> None:
    """Serve for the scenario in the file that is the argument."""
    uvloop.run(serve(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Scenario)))


if __name__ == "__main__":
    main()
