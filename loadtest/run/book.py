"""What a learner said, and what came of it, held against what they should have been: the promises, while all is loaded.

Decided on the fly from what the frames say, and in the end from what the hub still has; so lean that it can be done for
each frame of thousands of sockets. `python -m loadtest prove` keeps everything, and decides more. No clock.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from loadtest.run.speech import stamp_in
from loadtest.run.timings import Timing, Timings
from protocol.answers import Sent
from protocol.ids import MessageId, SessionId
from protocol.model import Message

Wrong = Literal["lost", "doubled", "reordered", "unequal"]
WRONGS: tuple[Wrong, ...] = ("lost", "doubled", "reordered", "unequal")
EXAMPLES = 10


class Asked(Struct):
    """A message: when it was meant to be said, when it was (0: not yet), and what came of it. `device` said it."""

    message: MessageId
    content: str
    device: str
    intended: float
    said: float = 0.0
    sent: Sent | None = None
    failed: str = ""
    has_begun: bool = False


class Tally:
    """What one process has counted, of all its learners. `broken`: how often which promise was, with some `examples`;
    `findings`: what else went wrong; `frames_per_second`: the most of one reply on one socket.
    """

    def __init__(self) -> None:
        self.timings = Timings()
        self.counts: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.examples: list[str] = []
        self.findings: list[str] = []
        self.frames_per_second = 0.0

    def found(self, wrong: Wrong, what: str) -> None:
        self.broken[wrong] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{wrong}: {what}")


class Book:
    """Of one learner, for all devices. `body` is what the tutor must have answered after its stamp; None: whoever
    answers is not ours.
    """

    def __init__(self, user: str, tally: Tally, body: Callable[[str], str] | None) -> None:
        self.user = user
        self.tally = tally
        self.has_session = asyncio.Event()
        self.asked: dict[MessageId, Asked] = {}
        self.replies: dict[MessageId, Asked] = {}
        """What each reply answers."""
        self.settled: dict[MessageId, tuple[str | None, int]] = {}
        """The end of each reply, as it was told first."""
        self._body = body
        self._rows: dict[tuple[MessageId, int], int] = {}

    def broken(self, wrong: Wrong, what: str) -> None:
        self.tally.found(wrong, f"{self.user} {what}")

    def accepted(self, asked: Asked, sent: Sent, at: float) -> None:
        """A send was, perhaps again."""
        if asked.sent is None:
            asked.sent = sent
            self.tally.timings.took(Timing.ACCEPTED, at - asked.intended, at - asked.said)
            self.tally.counts["accepted"] += 1
        elif asked.sent != sent:
            self.broken("unequal", f"{asked.message} was acknowledged in two ways")
        self.replies.setdefault(sent.reply, asked)

    def row(self, row: Message) -> None:
        """A number means the same to all, and a reply ends as the tutor said it."""
        content = hash((row.content, row.status, row.deleted_at is None))
        if self._rows.setdefault((row.id, row.seq), content) != content:
            self.broken("unequal", f"{row.id} as of {row.seq} is told in two ways")
        if row.reply_to is not None and (asked := self.asked.get(row.reply_to)) is not None:
            self.replies.setdefault(row.id, asked)
        if row.type == "assistant" and row.status != "pending" and row.id not in self.settled:
            self._settle(row)

    def _settle(self, row: Message) -> None:
        self.settled[row.id] = (row.status, hash(row.content))
        asked = self.replies.get(row.id)
        if row.status != "complete":
            self.tally.counts["failed replies"] += 1
        elif self._body and asked:
            stamp = stamp_in(row.content)
            if stamp is None or row.content != stamp.text + self._body(asked.content):
                self.broken("unequal", f"the reply {row.id} is not what the tutor said")

    def kept(self, session: SessionId, rows: list[Message]) -> None:
        """In the end: what the hub has of the session, whole. Each acknowledged send once, with one reply, in order."""
        places = [row.position for row in rows]
        if places != list(range(1, len(rows) + 1)):
            self.broken("reordered", f"the messages of {session} have the places {places}")
        replies = Counter(row.reply_to for row in rows if row.reply_to is not None)
        users = [row.content for row in rows if row.type == "user"]
        for content, times in Counter(users).items():
            if times > 1:
                self.broken("doubled", f"{content!r} is kept {times} times")
        found = {row.id: row for row in rows}
        for each in self.asked.values():
            if each.sent is not None:
                self._kept(each, each.sent, found, replies)

    def _kept(self, asked: Asked, sent: Sent, found: dict[MessageId, Message], replies: Counter[MessageId]) -> None:
        message, reply = found.get(asked.message), found.get(sent.reply)
        if message is None or reply is None:
            self.broken("lost", f"{asked.message} was acknowledged, and is not there with its reply")
            return
        if message.content != asked.content:
            self.broken("unequal", f"{asked.message} is not what was said")
        if replies[asked.message] != 1:
            self.broken("doubled", f"{asked.message} has {replies[asked.message]} replies")
        if (ended := self.settled.get(sent.reply)) and ended != (reply.status, hash(reply.content)):
            self.broken("unequal", f"the reply {sent.reply} is kept otherwise than it was told")
