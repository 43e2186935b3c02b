"""What an attempt has told so far, kept in Redis: a list for each attempt. No I/O.

Its items are the attempt's pieces, each sealed: the number of the piece, that of the next one, and the text.

Another attempt writes under another key, where nobody reads. A piece is written before it is published, so whoever
has heard of one finds it; a batch that was lost shows as a hole, and what is after a hole is not read.

No list is there without a time to live. The first piece makes it together with that, in one transaction; a later one
is only added to a list that is there: what was flushed or evicted would be read no more, and is not begun again.
"""

import math
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

from msgspec import Struct

from protocol.events import Event, ReplySnapshot, TokenAdded
from protocol.ids import MessageId, UserId
from protocol.model import Reply
from server.fanout.redis_seal import NAMES, Junk, RedisSeal
from server.fanout.redis_wire import Beginning, packed

KEPT = 150
"""Seconds, renewed while there are pieces. Less `RENEWED`: longer than a tutor may be silent and a lease may run, and a
take-over after them."""
RENEWED = 30
"""Seconds between two renewals of the same list. One that was lost is made up for by the next."""


class _List(Struct):
    """Of an attempt. `add` is the command that adds an item."""

    attempt: int
    name: bytes
    add: Beginning
    renewed_at: float = -math.inf


class Drafts:
    """Those that this instance writes. Of one that it does not remember, the time to live is renewed at once."""

    def __init__(self, seal: RedisSeal) -> None:
        self._seal = seal
        self._lists: dict[tuple[UserId, MessageId], _List] = {}

    def commands(self, user: UserId, event: Event) -> tuple[bytes, int]:
        """What keeps the text in a live event, packed, and the number of replies. None, for an event without."""
        if isinstance(event, TokenAdded):
            number = event.chunk
        elif isinstance(event, ReplySnapshot):
            number = 0  # what the attempt began with
        else:
            return b"", 0
        now = time.monotonic()
        kept = self._list(user, event.message, event.attempt)
        item = self._seal.seal(kept.name, b"%d %d %b" % (number, event.next, event.text.encode()))
        if number and now < kept.renewed_at + RENEWED:
            return kept.add.followed_by(item), 1
        kept.renewed_at = now
        renew = packed("EXPIRE", kept.name, KEPT)
        if number:
            return kept.add.followed_by(item) + renew, 2
        return packed("MULTI") + packed("RPUSH", kept.name, item) + renew + packed("EXEC"), 4

    def _list(self, user: UserId, message: MessageId, attempt: int) -> _List:
        kept = self._lists.get((user, message))
        if kept is None or kept.attempt != attempt:
            name = self._seal.draft(user, message, attempt)
            kept = self._lists[user, message] = _List(attempt, name, Beginning("RPUSHX", name))
            if len(self._lists) > NAMES:
                del self._lists[next(iter(self._lists))]
        return kept


def opened(seal: RedisSeal, name: bytes, items: Iterable[bytes]) -> dict[int, tuple[int, str]]:
    """The pieces that instances have sealed: by their numbers, that of the next one and the text.

    The first may be there twice: an attempt says that it begins, and then its first words.
    """
    found = dict[int, tuple[int, str]]()
    for item in items:
        with suppress(Junk, ValueError):
            number, following, text = seal.open(name, item).split(b" ", 2)
            piece = int(following), text.decode()
            found[int(number)] = max(piece, found.get(int(number), piece))
    return found


def joined(message: MessageId, attempt: int, pieces: Mapping[int, tuple[int, str]]) -> Reply | None:
    """The text up to the first hole. None: nothing is there."""
    number, texts = 0, list[str]()
    while (piece := pieces.get(number)) is not None and (piece[0] > number or piece[0] == number == 0):
        before, (number, text) = number, piece
        texts.append(text)
        if number == before:  # an attempt that has only begun
            break
    return Reply(message=message, attempt=attempt, next=number, text="".join(texts)) if texts else None
