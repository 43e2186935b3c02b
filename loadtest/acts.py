"""What a device does: send, stop, edit, delete, retry, open, close, come and go. Each act chooses what it is about
from what the device sees; if there is nothing of the kind, it does nothing.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from random import Random

from msgspec import Struct

from client.device import Device
from client.errors import CommandRefused, DeviceError
from loadtest.history import History, Told, now
from loadtest.line import Line
from protocol.answers import Sent
from protocol.ids import MessageId, SessionId, fresh_message_id
from protocol.model import Message

SESSIONS = 4
"""That a learner has at once."""
RECENT = 40
TRIES_AGAIN_AFTER = 0.5
WORDS = (
    "bones",
    "broth",
    "star anise",
    "how long",
    "why",
    "Kräuter",
    "汤",
    "фо",
    "🍜",
    "x²",
    "fish sauce",
    "lime",
    "again",
)

Act = Callable[[], Awaitable[object]]


class Written(Struct, frozen=True):
    """What a learner has said on one of the devices, to be repeated on another."""

    session: SessionId
    message: MessageId
    content: str


class Notebook:
    """What the devices of one user share: the name, which is in all that they say, and what they said lately."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.recent: deque[Written] = deque(maxlen=RECENT)
        self._said = 0

    def words(self, chance: Random) -> str:
        """Something to say, never the same twice: one paragraph, as the tutor answers the last one."""
        self._said += 1
        return f"{self.name} asks {self._said}: {' '.join(chance.choices(WORDS, k=chance.randint(1, 12)))}?"


class Acts:
    """Of one device. `finishing`, once set: what is refused is not tried again. Unless it `deletes`, no send has a
    reason to be refused for good.
    """

    def __init__(
        self,
        device: Device,
        *,
        line: Line,
        history: History,
        notebook: Notebook,
        chance: Random,
        counts: Counter[str],
        finishing: asyncio.Event,
        deletes: bool,
    ) -> None:
        self._device = device
        self._line = line
        self._history = history
        self._notebook = notebook
        self._chance = chance
        self._counts = counts
        self._finishing = finishing
        self._deleted: SessionId | None = None
        self._weighted: list[tuple[int, Act]] = [
            (34, self._send),
            (5, self._send_again),
            (4, self._send_burst),
            (7, self._stop),
            (4, self._edit),
            (4, self._retry),
            (3, self._rename),
            (4, self._create),
            (5, self._mark_read),
            (8, self._open),
            (3, self._open_older),
            (2, self._close),
            (2, self._search),
            (4, self._type),
            (3, self._drop),
            (1, self._stay_away),
        ]
        if deletes:
            self._weighted += [(3, self._delete), (1, self._delete_session), (2, self._restore_session)]

    def any(self) -> Act:
        """One of them, at random; a device that has nothing opened gets itself something first."""
        if not self._device.timeline.opened:
            return self._open if self._device.timeline.shown_sessions() else self._create
        [(_, act)] = self._chance.choices(self._weighted, [weight for weight, _ in self._weighted])
        return act

    async def _send(self) -> None:
        if (session := self._some_session()) is not None:
            written = Written(session, fresh_message_id(), self._notebook.words(self._chance))
            self._notebook.recent.append(written)
            await self._send_until_sure(written)

    async def _send_again(self) -> None:
        """The same send as before, perhaps of another device and through another hub."""
        if self._notebook.recent:
            await self._send_until_sure(self._chance.choice(self._notebook.recent))

    async def _send_burst(self) -> None:
        """Follow-ups while the tutor answers."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._chance.randint(2, 5)):
                group.create_task(self._send())

    async def _send_until_sure(self, written: Written) -> None:
        """What is refused only for now is said again, with the same id, until this device is to come to rest."""
        receipt: Sent | None = None
        reason: str | None = None
        try:
            while receipt is None and reason is None:
                receipt, reason = await self._send_once(written)
        except DeviceError:
            pass  # it will not be known here
        finally:
            outcome = "acknowledged" if receipt else "refused" if reason else "unknown"
            self._counts[outcome] += 1
            self._history.write(
                Told(
                    at=now(),
                    message=written.message,
                    session=written.session,
                    content=written.content,
                    outcome=outcome,
                    receipt=receipt,
                    reason=reason,
                )
            )

    async def _send_once(self, written: Written) -> tuple[Sent | None, str | None]:
        """The receipt, or why it is refused; neither: to be tried again."""
        try:
            sent = await self._device.send(written.session, written.content, message=written.message)
        except CommandRefused as refused:
            if not refused.problem.retryable or self._finishing.is_set():
                return None, refused.problem.code
            await asyncio.sleep((refused.problem.retry_after_ms or 0) / 1_000 or TRIES_AGAIN_AFTER)
            return None, None
        return sent, None

    async def _stop(self) -> None:
        """The reply that is being written, or one that waits for its turn."""
        if pending := self._messages(lambda row: row.status == "pending"):
            await self._device.stop(self._chance.choice(pending).id)

    async def _edit(self) -> None:
        if mine := self._messages(lambda row: row.type == "user"):
            await self._device.edit(self._chance.choice(mine).id, self._notebook.words(self._chance))

    async def _delete(self) -> None:
        if rows := self._messages(lambda row: row.status != "pending" or self._chance.random() < 0.3):
            await self._device.delete(self._chance.choice(rows).id)

    async def _retry(self) -> None:
        if ended := self._messages(lambda row: row.status not in (None, "pending")):
            await self._device.retry(self._chance.choice(ended).id)

    async def _rename(self) -> None:
        if (session := self._some_session()) is not None:
            await self._device.update_session(session, title=self._notebook.words(self._chance))

    async def _create(self) -> None:
        if len(self._device.timeline.shown_sessions()) < SESSIONS:
            session = await self._device.create_session(title=self._notebook.words(self._chance))
            await self._device.open(session.id)

    async def _delete_session(self) -> None:
        if (session := self._some_session()) is not None:
            self._deleted = session
            await self._device.delete_session(session)

    async def _restore_session(self) -> None:
        if (session := self._deleted) is not None:
            self._deleted = None
            await self._device.restore_session(session)
            await self._device.open(session)

    async def _mark_read(self) -> None:
        if (session := self._some_session()) is not None:
            await self._device.mark_read(session, self._device.timeline.seq)

    async def _open(self) -> None:
        """Often in the middle of a reply that another device has asked for."""
        closed = [
            row.id for row in self._device.timeline.shown_sessions() if row.id not in self._device.timeline.opened
        ]
        if closed:
            await self._device.open(self._chance.choice(closed), limit=self._chance.choice((5, 20, 50)))

    async def _open_older(self) -> None:
        if (session := self._some_session()) is not None:
            await self._device.open_older(session)

    async def _close(self) -> None:
        if len(self._device.timeline.opened) > 1:
            await self._device.close(self._chance.choice(list(self._device.timeline.opened)))

    async def _search(self) -> None:
        await self._device.search(self._chance.choice(("broth", "lime", self._notebook.name)))

    async def _type(self) -> None:
        if (session := self._some_session()) is not None:
            self._device.typing(session, active=self._chance.random() < 0.7)

    async def _drop(self) -> None:
        self._line.drop()

    async def _stay_away(self) -> None:
        self._line.drop(absent=self._chance.uniform(1, 8))

    # What it acts on.

    def _some_session(self) -> SessionId | None:
        """One that is opened here, if any is."""
        listed = {row.id for row in self._device.timeline.shown_sessions()}
        opened = [session for session in self._device.timeline.opened if session in listed]
        return self._chance.choice(opened) if opened else None

    def _messages(self, wanted: Callable[[Message], bool]) -> list[Message]:
        """Of the sessions that are opened here."""
        timeline = self._device.timeline
        return [row for session in timeline.opened for row in timeline.shown_messages(session) if wanted(row)]
