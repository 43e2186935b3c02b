"""The composition root: makes everything an instance consists of, wires it, and ends it in reverse."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from uuid import uuid4

import structlog
from msgspec import structs
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from protocol import schema
from server import erasure
from server.counts import counted
from server.depot.connect import check as check_depot
from server.depot.connect import depot
from server.depot.incoming import Incoming
from server.edge.account import Account
from server.edge.callers import Callers
from server.edge.door import Door
from server.edge.entrance import Entrance
from server.edge.framing import Framing
from server.edge.http import Rest, dev_sign_in
from server.edge.identity import Verifier, verifier
from server.edge.media import MediaRest
from server.edge.origins import Origins
from server.edge.requests import http_error, problem
from server.edge.sealed_links import Links
from server.edge.web import Web
from server.errors import Leaving, NotFound, Unavailable
from server.fanout.broker_memory import MemoryBroker
from server.fanout.broker_redis import RedisBroker
from server.fanout.hub import Hub
from server.fanout.shares import RedisShares
from server.fanout.watch import TROUBLE_LASTS, Watch
from server.hearing import Hearing
from server.inspection.inspection import Inspection
from server.instance import Files, Instance
from server.key_ring import KeyRing, parsed
from server.limits import Limits
from server.orphans import keep_collecting
from server.pulse import Pulse
from server.sending import Sender
from server.settings import Settings
from server.showing import Showing
from server.sightings import Sightings
from server.standing import Standing
from server.store.deployments import Deployment, deployment
from server.store.pool import Database
from server.store.reads import Reads, reads
from server.store.rotation import say_what_is_not_sealed
from server.tasks import Tasks
from server.timelines import Timelines
from server.turns import Turns
from server.tutor.connect import check, connect, scribe
from server.tutor.tutor import Tutor

log = structlog.get_logger()

LOOKS_AGAIN = 0.5
"""Seconds until the database is tried again, at the start."""
RELEASE_WITHIN = 5.0
"""Seconds that turns have to be released in, and the last sockets to end, when the instance leaves."""
DONE_WITHIN = 0.5
"""Seconds for what sockets that were closed had asked for: less than an end that is hurried has in all."""


class App:
    """One instance as an ASGI application. `announce` is called with it once it is ready. `tutor`: who answers,
    instead of the one that the settings name.

    Raises StartupError if some settings cannot be meant.
    """

    def __init__(
        self, settings: Settings, conninfo: str, announce: Callable[[Instance], None], tutor: Tutor | None = None
    ) -> None:
        check(settings)
        check_depot(settings)
        self._checks = verifier(settings)
        self._web = Web(settings.web_dir)
        self._settings = settings
        self._conninfo = conninfo
        self._announce = announce
        self._tutor = tutor
        self._instance: Instance | None = None
        self._door: Door | None = None
        routes = Starlette(
            lifespan=self._lifespan,
            exception_handlers={404: self._nowhere, HTTPException: http_error, Exception: http_error},
        )
        routes.router.redirect_slashes = False
        self._entrance = Entrance(routes)
        self.asgi = Origins(Framing(self._entrance), settings.origins)

    async def drain(self) -> None:
        """Leave: nobody new, each device at its own moment; replies may end meanwhile, and the rest is released."""
        if self._door is None or self._instance is None:
            return
        within = self._settings.drain
        with suppress(TimeoutError):
            async with asyncio.timeout(within + RELEASE_WITHIN), asyncio.TaskGroup() as group:
                group.create_task(self._door.see_out(within))
                group.create_task(self._instance.turns.leave(within))

    def say_counts(self) -> None:
        """Say in the log what this instance holds."""
        if self._door is not None and self._instance is not None:
            found = counted(self._instance, sockets=self._door.inside, waiting_bytes=self._door.waiting_bytes)
            log.info(
                "counts",
                **structs.asdict(found),
                broker=dict(self._instance.broker.counts),
                reads=dict(self._instance.reads.counts),
            )

    @asynccontextmanager
    async def begun(self) -> AsyncGenerator[Instance]:
        """All that an instance is made of, but for its doors."""
        async with AsyncExitStack() as stack:
            ring = _ring(self._settings)
            database = await stack.enter_async_context(Database(self._conninfo, self._settings.pool_size, ring))
            reading = await stack.enter_async_context(reads(database, self._settings.replica_urls, ring))
            pulse, merge = Pulse(), self._settings.turns.merge
            tutor = self._tutor or await stack.enter_async_context(
                connect(self._settings, gather=lambda: pulse.stretched(merge))
            )
            tasks = await stack.enter_async_context(Tasks())
            yield self._begin(database, reading, tutor, tasks, await self._common(database), pulse=pulse)

    @asynccontextmanager
    async def _lifespan(self, asgi: Starlette) -> AsyncGenerator[None]:
        async with self.begun() as instance:
            self._instance = instance
            door = self._wire(asgi, instance, self._checks)
            instance.tasks.start(erasure.look_out(instance), "look-out for erasures")
            instance.tasks.start(keep_collecting(instance), "orphans")
            self._announce(instance)
            yield
            with suppress(TimeoutError):
                async with asyncio.timeout(DONE_WITHIN):
                    await door.empty()

    async def _nowhere(self, request: Request, error: Exception) -> Response:
        is_hub = "hub" in self._settings.roles
        return await (self._web.nowhere(request, error) if is_hub else http_error(request, error))

    async def _common(self, database: Database) -> Deployment:
        """What is shared with the other instances: the database is waited for."""
        while True:
            with suppress(Unavailable):
                async with database.connection() as conn:
                    return await deployment(conn)
            await asyncio.sleep(LOOKS_AGAIN)

    def _begin(
        self, database: Database, reading: Reads, tutor: Tutor, tasks: Tasks, common: Deployment, *, pulse: Pulse
    ) -> Instance:
        """Make the parts, each of what was made before it, and start what goes on by itself."""
        settings, owner = self._settings, uuid4().hex[:12]
        broker, shares = MemoryBroker(), None
        if settings.redis_url:
            broker = RedisBroker(settings.redis_url, owner, common)
            shares = RedisShares(broker)
        limits = Limits(settings.limits, tasks, owner, shares)
        files = _files(settings, common)
        hub = Hub(broker, tasks, database)
        turns = Turns(
            database,
            hub,
            broker,
            tutor,
            tasks,
            limits=limits,
            show=Showing(database, files.depot, sees=settings.openai_images).shown,
            pulse=pulse,
            settings=settings.turns,
            owner=owner,
            writes="tutor" in settings.roles,
        )
        instance = Instance(
            settings=settings,
            database=database,
            reads=reading,
            broker=broker,
            hub=hub,
            timelines=Timelines(database, tasks, settings.pool_size),
            sender=Sender(database, hub, tasks, pending=settings.turns.pending),
            turns=turns,
            limits=limits,
            standing=Standing(database, hub, tasks),
            sightings=Sightings(database, tasks),
            tutor=tutor,
            tasks=tasks,
            files=files,
            deployment=common,
        )
        _start(instance, pulse)
        return instance

    def _wire(self, asgi: Starlette, instance: Instance, checks: Verifier) -> Door:
        callers = Callers(checks, instance.standing, instance.limits)
        door = self._door = Door(instance, callers)

        asgi.router.routes += [Route("/livez", _alive), Route("/readyz", _ready(instance.database, door))]
        if "hub" not in self._settings.roles:
            return door
        self._entrance.door = door
        asgi.router.routes += [
            WebSocketRoute("/{path:path}", _no_socket_here),
            *Rest(instance, callers).routes(),
            *Account(instance, callers).routes(),
            *MediaRest(instance, callers, Links(instance.deployment.secret)).routes(),
            Route("/openapi.json", JSONResponse(schema.openapi())),
            Route("/asyncapi.json", JSONResponse(schema.asyncapi())),
            *self._web.routes(),
        ]
        if self._settings.dev_sign_in and self._settings.jwt_secret:
            asgi.router.routes.append(dev_sign_in(self._settings.jwt_secret, self._settings, instance.limits))
        return door


def _files(settings: Settings, common: Deployment) -> Files:
    incoming = Incoming(settings.media_dir / "incoming")
    return Files(incoming, Inspection(settings.media), depot(settings, common.id), scribe(settings))


def _start(instance: Instance, pulse: Pulse) -> None:
    """What goes on by itself, as long as the instance lives."""
    hub, turns, tasks = instance.hub, instance.turns, instance.tasks
    watch = Watch(hub, instance.broker, tasks, instance.database)
    tasks.start(pulse.run(), "pulse")
    tasks.start(instance.broker.run(Hearing(hub, turns, watch)), "broker")
    tasks.start(watch.run(), "watch")
    tasks.start(turns.look_out(), "look-out for open replies")
    tasks.start(turns.keep_on(), "leases")
    tasks.start(instance.standing.run(), "look-out for revoked tokens")
    tasks.start(instance.sightings.run(), "devices seen")
    tasks.start(instance.limits.run(), "places of connections")
    tasks.start(say_what_is_not_sealed(instance.database), "look at keys")


async def _no_socket_here(socket: WebSocket) -> None:
    await socket.send_denial_response(problem(NotFound()))


def _ring(settings: Settings) -> KeyRing:
    return parsed(settings.encryption_keys) if settings.encryption_keys else KeyRing({})


async def _alive(request: Request) -> Response:
    return PlainTextResponse("alive")


def _ready(database: Database, door: Door) -> Callable[[Request], Awaitable[Response]]:
    async def ready(request: Request) -> Response:
        if door.leaving:
            return problem(Leaving())
        try:
            await database.ping()
        except Unavailable as refusal:
            return problem(refusal)
        if database.full_within(TROUBLE_LASTS):
            return PlainTextResponse("ready, but read-only: storage is full")
        return PlainTextResponse("ready")

    return ready
