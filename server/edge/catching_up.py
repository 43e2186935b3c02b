"""How one device gets in step: joining, resuming, and coming back after it was slow are one thing.

What is told is held back; the changes since its cursor are read in one snapshot of the database, page by page, and
given to it as its socket takes them; then what was held above the last number; then the text so far of the replies
that it shows. Each round has written a page, so that whatever comes meanwhile, the device comes nearer.
"""

from protocol.commands import Hello
from protocol.events import Degraded, Event, Snapshot, Welcome
from protocol.model import CONTENT_LENGTH, TITLE_LENGTH, Cursor, Limits
from server import sync
from server.edge.frame_reader import MESSAGE_BYTES, FrameReader
from server.edge.wire import Wire
from server.edge.writer import Writer
from server.fanout.member import Member
from server.fanout.replies import snapshot
from server.fanout.room import Room
from server.instance import Instance
from server.store.users import Head


class CatchingUp:
    """Of the member of a room who said this hello."""

    def __init__(
        self,
        instance: Instance,
        writer: Writer,
        *,
        hello: Hello,
        room: Room,
        member: Member,
    ) -> None:
        self._instance = instance
        self._writer = writer
        self._hello = hello
        self._room = room
        self._member = member
        self._epoch: str | None = None

    @property
    def cursor(self) -> Cursor | None:
        """Where the device stands, by what was written to it; before that, by what it said."""
        seq = self._writer.outbox.seq
        return self._hello.since if seq is None or self._epoch is None else Cursor(epoch=self._epoch, seq=seq)

    async def run(self) -> None:
        """Until the device is in step, or its socket ends. Raises Refusal; then it may be called again."""
        while not self._writer.stopped:
            if await self._give_page() and await self._give_replies():
                return

    async def _give_page(self) -> bool:
        """One more page. True: it was the last one, and the device is told from now on."""
        await self._writer.written()
        self._member.hold()
        head, page = await sync.since(self._instance, self._room.user, self.cursor)
        self._instance.hub.reach(self._room, head.seq, head.epoch)
        await self._writer.written()  # answers, too: a page that is larger than the outbox goes alone
        greeting = self._greeting(head) if self._epoch is None else []
        self._epoch = head.epoch
        for event in (*greeting, page):
            self._writer.say(event)
        await self._writer.written()
        whole = isinstance(page, Snapshot) or not page.more
        return whole and page.seq >= self._room.began and self._member.caught_up(page.seq)

    async def _give_replies(self) -> bool:
        """The text so far of each open reply that the device shows. False: it has fallen behind again."""
        hub, user = self._instance.hub, self._room.user
        shown = [(session, message) for session in self._member.opened for message in hub.replies(user, session)]
        for where, message in shown:
            await self._writer.written()
            reply = hub.replies(user, where).get(message)
            if reply is not None:
                self._writer.say(snapshot(reply))
        return not self._writer.outbox.behind

    def _greeting(self, head: Head) -> list[Event]:
        limits = Limits(
            frame_bytes=MESSAGE_BYTES,
            frames_at_once=FrameReader.BURST,
            frames_per_second=FrameReader.PER_SECOND,
            content_length=CONTENT_LENGTH,
            title_length=TITLE_LENGTH,
            pending_replies=self._instance.settings.turns.pending,
        )
        welcome = Welcome(
            ref=self._hello.ref,
            epoch=head.epoch,
            seq=head.seq,
            device=self._hello.device.id,
            limits=limits,
            heartbeat_ms=int(Wire.BEAT * 1_000),
            tutor=self._instance.tutor.name,
        )
        troubles = self._instance.hub.degraded
        return [welcome, Degraded(what=troubles)] if troubles else [welcome]
