"""What a device was told, from its client, looked at piece by piece: all of it once, and in order."""

from collections import Counter
from collections.abc import Iterable

from client.watchers import Away, Happening
from protocol.events import Changes, Degraded, Durable, ReplySnapshot, Snapshot, TokenAdded
from protocol.ids import MessageId


class Witness:
    """Every reply was to be `whole`. `pieces` counts those of each, `degraded` is what was said of the live lane.

    Raises AssertionError where something is missing, doubled or in another order, or if the socket was lost.
    """

    def __init__(self, heard: Iterable[Happening], whole: str) -> None:
        self._whole = whole
        self.degraded = list[bool]()
        self.pieces = Counter[MessageId]()
        self._seq: int | None = None
        self._texts: dict[MessageId, tuple[int, str]] = {}
        for event in heard:
            self._take(event)

    def _take(self, event: Happening) -> None:
        assert not isinstance(event, Away | Snapshot), "a socket was lost"
        if isinstance(event, Changes):
            assert self._seq is None or event.since <= self._seq < event.seq
            self._seq = event.seq
        elif isinstance(event, Durable):
            assert self._seq is None or event.seq == self._seq + 1
            self._seq = event.seq
        elif isinstance(event, ReplySnapshot):
            assert self._texts.get(event.message, (0, ""))[0] <= event.next
            self._texts[event.message] = event.next, event.text
        elif isinstance(event, TokenAdded):
            self._add(event)
        elif isinstance(event, Degraded):
            self.degraded.append("live" in event.what)

    def _add(self, event: TokenAdded) -> None:
        following, text = self._texts[event.message]
        assert event.chunk == following
        assert self._whole.startswith(text + event.text)
        self._texts[event.message] = event.next, text + event.text
        self.pieces[event.message] += 1
