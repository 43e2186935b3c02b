"""One websocket: hello, commands in, frames out, and a close whose number says whether to come back.

Reading never waits for work: it hands over, so that pings are answered while a command is carried out. A command
that was read is carried out to its end, whatever becomes of the socket, unless it only asks. Nothing is written but
through the writer. A device that reads slowly is caught up when it has read; what it asks waits while its answers would
pile up.
Long because the whole life of a socket is read in one place.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from sys import getsizeof

from msgspec import Raw, structs

from protocol.answers import Nothing
from protocol.codec import Undecodable, decode_command, encode
from protocol.commands import (
    AuthRefresh,
    Command,
    Hello,
    MessageList,
    Ping,
    SessionList,
    SessionOpen,
    SessionSearch,
    TypingSet,
)
from protocol.errors import CloseCode
from protocol.events import Accepted, Draining, Pong, Refused
from protocol.ids import UserId
from server import sync
from server.edge.callers import Callers
from server.edge.catching_up import CatchingUp
from server.edge.commands import obey
from server.edge.deadline import within
from server.edge.expiry import Expiry
from server.edge.identity import bearer
from server.edge.refusing import close_code, fault, undecodable
from server.edge.waiting import Mailbox, Signal
from server.edge.wire import Wire
from server.edge.writer import Writer
from server.errors import Forbidden, Invalid, Overloaded, Refusal, TooManyConnections
from server.fanout.member import Member
from server.identity import Identity
from server.instance import Instance
from server.store.devices import Sighting

NOTHING = encode(Nothing())
SUBPROTOCOL = "tutorhub.v1"
UNSUPPORTED_DATA = 1003
HELLO_WITHIN = 5.0
MALFORMED_BORNE = 3
"""So many frames that are no command are refused; then the connection is closed."""
WAITING_COMMANDS = 256
WAITING_BYTES = 4 * 1024 * 1024
"""What a device may have said that is not yet carried out: as much as a client says at once after a long time away."""
BARRED = (CloseCode.SIGNED_OUT, CloseCode.ERASED, CloseCode.RESYNC, CloseCode.RATE_LIMITED)
"""What was said before a close like this is not done any more: the user may not, or the database has forgotten what it
followed, which the device says again first; or it was too much, and is all said again.
"""
OnlyAnswered = SessionOpen | SessionList | SessionSearch | MessageList
"""What is of no use to a device that is gone: it changes nothing, and who comes back asks anew."""
AtOnce = TypingSet | Ping
"""What waits for nothing, and has a limit of its own or costs nothing."""
CATCH_UP_AGAIN = 1.0
"""Seconds until a device that could not be caught up is tried again."""


class Connection:
    """One accepted socket, to its end. `address` is where it comes from, `authorization` what its upgrade said of who
    it is.

    `on_hello` is called once the device has said who it is, `on_joined` once it is in step for the first time.
    """

    __slots__ = (
        "_address",
        "_authorization",
        "_barred",
        "_callers",
        "_catching_up",
        "_commands",
        "_commands_size",
        "_expiry",
        "_identity",
        "_idle",
        "_instance",
        "_loop",
        "_malformed",
        "_member",
        "_wire",
        "_writer",
        "on_hello",
        "on_joined",
    )

    def __init__(
        self,
        wire: Wire,
        instance: Instance,
        callers: Callers,
        *,
        address: str,
        authorization: str | None,
    ) -> None:
        self.on_hello: Callable[[], None] = _nothing
        self.on_joined: Callable[[], None] = _nothing
        self._address = address
        self._authorization = authorization
        self._instance = instance
        self._callers = callers
        self._loop = asyncio.get_running_loop()
        self._wire = wire
        self._wire.on_message = self._hear
        self._wire.on_end = self._end
        self._writer = Writer(self._wire)
        self._commands = Mailbox[str | None]()
        self._commands_size = 0
        self._idle = False
        self._catching_up: Signal | None = None
        self._malformed = 0
        self._member: Member | None = None
        self._identity: Identity | None = None
        self._expiry = Expiry(self._writer.say, self.close)
        self._barred = False

    async def serve(self) -> None:
        """Until the socket has ended and what it asked for is done."""
        try:
            await self._converse()
        except Exception as error:  # a fault of ours: the device may come back
            self._fail(error)
        finally:
            self._expiry.end()
            self._wire.close(CloseCode.SERVER_ERROR)  # whatever has happened: nobody listens any more
            self._let_go()

    def _let_go(self) -> None:
        """Of what holds us: the collector of cycles looks rarely."""
        self.on_hello = self.on_joined = _nothing
        self._writer.on_behind = self._member = None

    @property
    def waiting_bytes(self) -> int:
        """What this process holds of what is to be written, and of what is to be carried out."""
        held = self._member.held_bytes if self._member else 0
        return self._writer.waiting_bytes + held + self._commands_size

    def leave(self, seconds: float) -> None:
        """The instance leaves: tell the device when its moment is, and close then."""
        self._writer.say(Draining(reconnect_in_ms=int(seconds * 1_000)))
        self._loop.call_later(seconds, self.close, CloseCode.DRAINING)

    def close(self, code: int, reason: str = "") -> None:
        """End the connection; what waits is written before, as far as the socket takes it."""
        self._barred |= code in BARRED
        self._writer.stop()
        self._wire.close(code, reason)

    # Reading: hands over, never waits for work. What has to wait for nothing is done at once, if nothing waits.

    def _end(self, _code: int) -> None:
        """No more is heard: what was is still carried out."""
        self._writer.stop()
        self._commands.put_nowait(None)

    def _hear(self, text: str | None) -> None:
        if text is None:
            self.close(UNSUPPORTED_DATA, "text is expected")
        elif len(self._commands) >= WAITING_COMMANDS or self._commands_size + getsizeof(text) > WAITING_BYTES:
            self.close(CloseCode.RATE_LIMITED, "too many commands at once")
        elif not (self._idle and self._done_at_once(text)):
            self._idle = False
            self._commands_size += getsizeof(text)
            self._commands.put_nowait(text)

    def _done_at_once(self, text: str) -> bool:
        """False: it has to wait for something, or its answer has."""
        if self._writer.outbox.full or self._member is None:
            return False
        command = self._decoded(text)
        if isinstance(command, AtOnce):
            self._carry_out_at_once(command, self._member)
        return command is None or isinstance(command, AtOnce)

    async def _next(self) -> str | None:
        """What is to be carried out next; None: the socket has ended."""
        self._idle = self._commands.empty()
        text = await self._commands.get()
        self._idle = False
        self._commands_size -= 0 if text is None else getsizeof(text)
        return text

    # Work: one command after the other.

    def _fail(self, error: Exception) -> None:
        self._refuse(None, fault("connection", error))
        self.close(CloseCode.SERVER_ERROR, "a fault of ours")

    async def _converse(self) -> None:
        hello = await self._hello()
        if hello is None or self._identity is None:
            return
        self.on_hello()
        try:
            async with self._instance.limits.connected(self._identity.user, self._address, hello.device.id):
                await self._be_a_device(hello, self._identity)
        except (TooManyConnections, Overloaded) as refusal:
            self._refuse(hello.ref, refusal)
            self.close(close_code(refusal), refusal.title)

    async def _be_a_device(self, hello: Hello, identity: Identity) -> None:
        user = identity.user
        member = self._member = Member(hello.device, identity, self._writer.outbox, self._writer.offer, self.close)
        self._saw(member, identity)
        async with self._instance.hub.joined(user, member) as room:
            catching_up = CatchingUp(self._instance, self._writer, hello=hello, room=room, member=member)
            if await self._join(hello, catching_up):
                self._writer.on_behind = partial(self._fell_behind, catching_up)
                try:
                    while (text := await self._next()) is not None:
                        await self._writer.room()
                        if not self._barred:
                            await self._carry_out(text, user, member)
                except Exception as error:  # a fault of ours: the device may come back
                    self._fail(error)
                await self._caught_up()

    async def _join(self, hello: Hello, catching_up: CatchingUp) -> bool:
        """Welcome the device and bring it up to the head. False: it could not be done."""
        try:
            await catching_up.run()
        except Refusal as refusal:
            self._refuse(hello.ref, refusal)
            self.close(close_code(refusal), refusal.title)
            return False
        self.on_joined()
        return True

    def _fell_behind(self, catching_up: CatchingUp) -> None:
        if self._catching_up is None and not self._writer.stopped:
            self._catching_up = Signal()
            self._instance.tasks.start(self._get_in_step(catching_up, self._catching_up), "a device that reads slowly")

    async def _get_in_step(self, catching_up: CatchingUp, done: Signal) -> None:
        """Until the device is in step again, or its socket ends. While the database is away, it waits."""
        try:
            while self._writer.outbox.behind and not self._writer.stopped:
                try:
                    await catching_up.run()
                except Refusal:
                    self._writer.outbox.fall_behind()
                    await asyncio.sleep(CATCH_UP_AGAIN)
        except Exception as error:  # a fault of ours: the device may come back
            self._fail(error)
        finally:
            self._catching_up = None
            done.set()

    async def _caught_up(self) -> None:
        if self._catching_up is not None:
            await self._catching_up.wait()

    async def _hello(self) -> Hello | None:
        """The first command, with a good token. None: there was none, and the socket is closed or closing."""
        text = await self._first()
        if text is None:
            return None
        command = self._decoded(text)
        if command is None:
            self.close(CloseCode.BAD_REQUEST, "the first command is hello")
            return None
        try:
            if not isinstance(command, Hello):
                raise Invalid.field("type", "order", "the first command is hello")
            token = command.token or bearer(self._authorization)
            self._authorization = None
            self._identity = await self._callers.known(token, self._address, command.device.id)
            self._expiry.watch(self._identity.expires_at)
        except Refusal as refusal:
            self._refuse(command.ref, refusal)
            self.close(close_code(refusal), refusal.title)
            return None
        return command

    async def _first(self) -> str | None:
        """What is said first. None: the socket has ended, as that of a device does which says nothing."""
        deadline = within(HELLO_WITHIN, self._silent)
        try:
            return await self._next()
        finally:
            deadline.cancel()

    def _silent(self) -> None:
        if self._commands.empty():
            self.close(CloseCode.NO_HELLO, "no hello in time")

    async def _carry_out(self, text: str, user: UserId, member: Member) -> None:
        command = self._decoded(text)
        if command is None or (self._writer.stopped and isinstance(command, OnlyAnswered)):
            return
        try:
            match command:
                case TypingSet() | Ping():
                    self._carry_out_at_once(command, member)
                case Hello():
                    self._refuse(command.ref, Invalid.field("type", "order", "hello was said before"))
                case AuthRefresh():
                    await self._refresh(command, user, member)
                    self._accept(command, NOTHING)
                case _:
                    await self._instance.limits.ask(user)
                    self._accept(command, encode(await obey(self._instance, user, member, command)))
        except Exception as error:
            self._not_done(command, error)

    def _carry_out_at_once(self, command: AtOnce, member: Member) -> None:
        if isinstance(command, Ping):
            self._writer.say(Pong(ref=command.ref))
            return
        try:
            sync.type_in(self._instance, member, command.session, active=command.active)
            self._accept(command, NOTHING)
        except Exception as error:
            self._not_done(command, error)

    def _not_done(self, command: Command, error: Exception) -> None:
        """A fault of ours costs the device this command, not its connection."""
        self._refuse(command.ref, error if isinstance(error, Refusal) else fault(type(command).__name__, error))

    def _decoded(self, text: str) -> Command | None:
        """The command; None: it was none, and that was said."""
        try:
            return decode_command(text)
        except Undecodable as error:
            self._refuse(error.ref, undecodable(error))
            self._malformed += error.ref is None
            if self._malformed >= MALFORMED_BORNE:
                self.close(CloseCode.BAD_REQUEST, "frames that are no commands")
            return None

    def _accept(self, command: Command, answer: bytes) -> None:
        self._writer.say(Accepted(ref=command.ref, result=Raw(answer)))

    def _refuse(self, ref: int | None, refusal: Refusal) -> None:
        problem = structs.asdict(refusal.problem())
        self._writer.say(Refused(ref=ref, problem=problem.pop("type"), **problem))

    # Identity: believed until its token expires.

    async def _refresh(self, command: AuthRefresh, user: UserId, member: Member) -> None:
        identity = await self._callers.known(command.token, self._address, member.device.id)
        if identity.user != user:
            raise Forbidden("This token is of another user.")
        self._expiry.watch(identity.expires_at)
        self._saw(member, identity)

    def _saw(self, member: Member, identity: Identity) -> None:
        """The device is here, by this token."""
        member.identity = identity
        self._instance.sightings.saw(Sighting(identity, member.device))


def _nothing() -> None:
    """Nobody wants to know."""
