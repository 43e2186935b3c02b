"""A real server of ours around a small app, and a client that may break every rule."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.frames import Frame, Opcode

from server.edge import serve
from server.edge.handshake import EXTENSION, Handshake
from server.edge.timely import TimelyHttp
from server.edge.wire import Wire

BOTH_LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
PATIENCE = 5.0


def text_frame(data: bytes) -> bytes:
    return Frame(Opcode.TEXT, data).serialize(mask=False)


class Socket:
    """What the app holds of one websocket."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.heard: asyncio.Queue[str | None] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.code: int | None = None
        wire.on_message = self._hear
        wire.on_end = self._end

    def _hear(self, text: str | None) -> None:
        self.heard.put_nowait(text)
        if text == "echo":
            self.wire.write(text_frame(b"echo"))

    def _end(self, code: int) -> None:
        assert self.code is None, "it ends once"
        self.code = code
        self.gone.set()


class App:
    """Accepts every websocket, puts what it hears into a queue, and answers "echo" through the wire."""

    def __init__(self) -> None:
        self.sockets: asyncio.Queue[Socket] = asyncio.Queue()
        self.asked = asyncio.Event()
        self.hold = asyncio.Event()
        self.stopped = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            self.sockets.put_nowait(Socket(scope["extensions"][EXTENSION]()))
        else:
            self.asked.set()
            await self.hold.wait()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.stopped = True
        await send({"type": "lifespan.shutdown.complete"})


class Running:
    """A server that runs, and the app in it."""

    def __init__(self, server: serve.Server, app: App, port: int, trust: ssl.SSLContext | None) -> None:
        self.server = server
        self.app = app
        self.port = port
        self.trust = trust

    @property
    def url(self) -> str:
        return f"{'wss' if self.trust else 'ws'}://127.0.0.1:{self.port}/"

    async def next_socket(self) -> Socket:
        async with asyncio.timeout(PATIENCE):
            return await self.app.sockets.get()

    async def gone(self) -> None:
        """Until the server has no connection left."""
        async with asyncio.timeout(PATIENCE):
            while self.server.server_state.connections:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(
    *,
    app: App | None = None,
    http: type[TimelyHttp] = TimelyHttp,
    wire: type[Wire] = Wire,
    folder: Path | None = None,
    drain: Any = None,
) -> AsyncGenerator[Running]:
    """On a free port; over TLS if there is a folder for a certificate."""
    app = app or App()
    certificate, key, trust = certified(folder) if folder else (None, None, None)
    listener = serve.bind("127.0.0.1", 0)
    port = listener.getsockname()[1]

    class Shaken(Handshake):
        """By a handshake that makes wires of this kind."""

    Shaken.wire = wire
    settings = serve.config(app, http=http, websocket=Shaken, certificate=certificate, key=key)
    server = serve.Server(settings, drain or nothing)
    async with asyncio.timeout(40), asyncio.TaskGroup() as group:
        group.create_task(server.serve([listener]))
        await server.ready.wait()
        try:
            yield Running(server, app, port, trust)
        finally:
            server.should_exit = True


async def nothing() -> None:
    """No one to say goodbye to."""


class Listening(Protocol):
    """What can be connected to: over TLS, if there is something to trust."""

    @property
    def port(self) -> int: ...
    @property
    def trust(self) -> ssl.SSLContext | None: ...


class Rude:
    """A websocket client made by hand, that sends whatever bytes it is given and reads only when it is told to."""

    def __init__(self, running: Listening, *, receive_buffer: int | None = None) -> None:
        self._running = running
        self._receive_buffer = receive_buffer

    async def __aenter__(self) -> Self:
        import socket

        raw = socket.socket()
        if self._receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self._running.port))
        trust = self._running.trust
        self.reader, self.writer = await asyncio.open_connection(
            sock=raw, ssl=trust, server_hostname="127.0.0.1" if trust else None, limit=1024
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.transport.abort()
        with suppress(OSError):
            await self.writer.wait_closed()

    async def upgrade(self, path: str = "/") -> bytes:
        """The head of the answer."""
        self.writer.write(
            f"GET {path} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readuntil(b"\r\n\r\n")

    def say(self, opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> None:
        self.writer.write(Frame(opcode, data, fin).serialize(mask=True))

    async def everything(self) -> bytes:
        """What the server sends until it ends the connection."""
        got = bytearray()
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                while piece := await self.reader.read(65_536):
                    got += piece
        return bytes(got)

    async def close_code(self) -> int | None:
        """The code of the close frame that ends what the server sends."""
        return last_close_code(await self.everything())


def last_close_code(said: bytes) -> int | None:
    code = None
    while len(said) >= 2:
        length, start = said[1], 2
        if length == 126:
            length, start = int.from_bytes(said[2:4]), 4
        elif length == 127:
            length, start = int.from_bytes(said[2:10]), 10
        if said[0] == 0x88:
            code = int.from_bytes(said[start : start + 2])
        said = said[start + length :]
    return code


def certified(folder: Path) -> tuple[Path, Path, ssl.SSLContext]:
    """A certificate for this machine, its key, and a client's trust in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file, ssl.create_default_context(cafile=str(certificate_file))
