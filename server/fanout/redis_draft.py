"""What an attempt has told so far, kept in Redis: a hash for each attempt. No I/O.

Its fields are the attempt's pieces: at the number of a piece stand the number of the next one, and the text, sealed as
this piece of this attempt.

Another attempt writes under another key, where nobody reads. A piece is written before it is published, so whoever
has heard of one finds it; a batch that was lost shows as a hole, and what is after a hole is not read.
"""

from collections.abc import Mapping
from contextlib import suppress

from protocol.events import Event, ReplySnapshot, TokenAdded
from protocol.ids import MessageId, UserId
from protocol.model import Reply
from server.fanout.redis_seal import Junk, RedisSeal
from server.fanout.redis_wire import packed

KEPT = 120
"""Seconds after its last piece: longer than a tutor may be silent and a lease may run, and a take-over after them."""


def commands(seal: RedisSeal, user: UserId, event: Event) -> tuple[bytes, int]:
    """What keeps the text in a live event, packed, and the number of commands. None, for an event without."""
    if isinstance(event, TokenAdded):
        number = event.chunk
    elif isinstance(event, ReplySnapshot):
        number = 0  # what the attempt began with
    else:
        return b"", 0
    name = seal.draft(user, event.message, event.attempt)
    value = seal.seal(_place(name, number), b"%d %b" % (event.next, event.text.encode()))
    return packed("HSET", name, number, value) + packed("EXPIRE", name, KEPT), 2


def opened(seal: RedisSeal, name: bytes, pieces: Mapping[bytes, bytes]) -> dict[int, bytes]:
    """The pieces that instances have sealed, by their numbers."""
    found = dict[int, bytes]()
    for number, piece in pieces.items():
        with suppress(Junk, ValueError):
            found[int(number)] = seal.open(_place(name, int(number)), piece)
    return found


def joined(message: MessageId, attempt: int, pieces: Mapping[int, bytes]) -> Reply | None:
    """The text up to the first hole. None: nothing is there."""
    following, texts = 0, list[str]()
    while (found := _piece(pieces, following)) is not None:
        before, (following, text) = following, found
        texts.append(text)
        if following == before:
            break
    return Reply(message=message, attempt=attempt, next=following, text="".join(texts)) if texts else None


def _place(name: bytes, number: int) -> bytes:
    return b"%b %d" % (name, number)


def _piece(pieces: Mapping[int, bytes], number: int) -> tuple[int, str] | None:
    """The number of the piece after this one, and the text. The next is the same for an attempt that has only begun."""
    following, _, text = pieces.get(number, b"").partition(b" ")
    try:
        found = int(following), text.decode()
    except ValueError:
        return None
    return found if found[0] > number or found[0] == number == 0 else None
