"""How tutorhub listens, and how it leaves. Every limit of uvicorn is stated here; none is left to its default.

uvicorn answers a signal by closing every websocket at once, and waits for stuck peers for as long as they like. Here
the app is asked to drain first, everything has a time limit, and the signal is not raised again: `serve` returns, so
that whoever called it can clean up.
"""

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, cast

import structlog
import uvicorn

from server.edge.framing import HEAD_BYTES
from server.edge.handshake import Handshake
from server.edge.kernel import limit_socket
from server.edge.timely import TimelyHttp
from server.errors import StartupError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

BACKLOG = 2_048

log = structlog.get_logger()


def bind(host: str, port: int) -> socket.socket:
    """Listen, before anything costly starts. Port 0 takes a free one, see `getsockname`. Raises StartupError."""
    if port not in range(65_536):  # getaddrinfo would take another one.
        raise StartupError(f"cannot listen on {host}:{port}: there is no such port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError, OverflowError) as error:
        raise _cannot_listen(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        limit_socket(listener)
        listener.bind(address)
        listener.listen(BACKLOG)  # With SO_REUSEADDR only `listen` finds out that another process listens here.
    except (OSError, OverflowError) as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: Exception) -> StartupError:
    return StartupError(f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}")


def config(
    app: Callable[..., Any],
    *,
    http: type[TimelyHttp] = TimelyHttp,
    websocket: type[Handshake] = Handshake,
    proxies: Sequence[str] = (),
    certificate: Path | None = None,
    key: Path | None = None,
) -> uvicorn.Config:
    """What `Server` runs with. The address is that of the socket which `bind` made. TLS if there is a certificate.

    `proxies`: the addresses whose word is taken for where a request comes from; else nobody's is.

    Raises StartupError if that cannot be used.
    """
    if certificate is not None:
        _check(certificate, key)
    made = uvicorn.Config(
        app,
        http=http,
        h11_max_incomplete_event_size=HEAD_BYTES,
        ws=cast(Any, websocket),  # made by `TimelyHttp`, in its own way
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # a wire has its own, and its own limit of a message
        ws_ping_timeout=None,
        lifespan="on",
        interface="asgi3",
        workers=1,
        backlog=BACKLOG,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=2,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        log_config=None,
        log_level="warning",
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    logging.getLogger("uvicorn.error").addFilter(fit_to_log)
    return made


def _check(certificate: Path, key: Path | None) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except OSError as error:  # what is wrong with the files, and what is wrong in them
        reason = getattr(error, "reason", None) or error.strerror or error
        raise StartupError(f"TUTORHUB_TLS_CERT, TUTORHUB_TLS_KEY: cannot be used: {reason}") from error


def fit_to_log(record: logging.LogRecord) -> bool:
    """No query strings and no frames, whatever level someone sets; no traceback because the process leaves at once."""
    if record.msg == "ASGI callable returned without completing response.":
        return False  # the bytes of a file have failed in the middle
    if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
        return False
    if str(record.msg).rstrip().endswith("CancelledError"):
        return False  # the app's end was cut short, as promised; Starlette tells it by its traceback
    return record.levelno >= logging.WARNING


class Server(uvicorn.Server):
    """The first signal drains, the second leaves at once. Gone `LEAVE` seconds after the first, whatever peers do.

    `drain` says goodbye to everyone: refuses new sockets, releases turns, closes sockets. It is called once.
    """

    DRAIN = 26.5
    LEAVE = 28.0
    LAST_WORD = 0.5
    GIVE_UP = 1.0

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.leaving = False
        self._drain = drain
        self._leave_by: float | None = None
        self._waiting: asyncio.Timeout | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    @override
    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Until told to leave. Raises SystemExit if the app's lifespan does not start."""
        self._loop = asyncio.get_running_loop()
        self._task = task = asyncio.current_task()
        try:
            await super().serve(sockets)
        except asyncio.CancelledError:
            if not self._gives_up_starting() or task is None:
                raise
            task.uncancel()
            await self._end_app()
        finally:
            for listener in sockets or []:
                listener.close()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by a signal, in the middle of anything: only notes it and wakes the loop."""
        if self.leaving:
            self.should_exit = self.force_exit = True
        self.leaving = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hurry)

    def _hurry(self) -> None:
        if self._gives_up_starting() and self._task is not None:
            self._task.cancel()
        elif self.force_exit and self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    def _gives_up_starting(self) -> bool:
        return self.leaving and not self.ready.is_set()

    @override
    async def on_tick(self, counter: int) -> bool:
        if self.leaving and not self.should_exit:
            await self._say_goodbye()
            self.should_exit = True
        return await super().on_tick(counter)

    async def _say_goodbye(self) -> None:
        now = asyncio.get_running_loop().time()
        self._leave_by = now + self.LEAVE
        try:
            async with self._no_later_than(now + self.DRAIN):
                await self._drain()
        except TimeoutError:
            log.warning("drain_cut_short")
        except Exception:  # whatever it is, the process still has to leave
            log.exception("drain_failed")

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        stragglers = loop.call_later(self.LAST_WORD, self._abort_all)
        try:
            async with self._no_later_than(self._leave_by or loop.time() + self.LEAVE):
                await super().shutdown(sockets)
        except TimeoutError:
            log.warning("shutdown_cut_short")
        finally:
            stragglers.cancel()
            self._abort_all()
            if self.force_exit:  # uvicorn leaves out the app's end, which would then be cancelled in its midst
                await self._end_app()

    async def _end_app(self) -> None:
        """What has started is ended in order, as far as that goes at once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.GIVE_UP):
                await self.lifespan.shutdown()

    def _abort_all(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @asynccontextmanager
    async def _no_later_than(self, when: float) -> AsyncGenerator[None]:
        """A time limit that a second signal ends early. Raises TimeoutError."""
        async with asyncio.timeout_at(asyncio.get_running_loop().time() if self.force_exit else when) as limit:
            self._waiting = limit
            try:
                yield
            finally:
                self._waiting = None
