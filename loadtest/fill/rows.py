"""The rows of one user, as the hub would have written them one numbered transaction after the other. No I/O.

A session is created (one number), each exchange is a send (one number, for the message and its pending reply) and a
settled reply (another one), and in the end most sessions are read (one more). A row keeps the number that touched it
last. Columns that are not named here have the schema's defaults.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple
from uuid import UUID

from loadtest.corpus import Corpus, Voice, joined
from loadtest.fill.binary import Json, Vector, json, vector_of_pieces, vector_of_words
from loadtest.fill.shape import Member
from protocol.ids import MessageId, SessionId, UserId
from protocol.model import PREVIEW_LENGTH, Failure, MessageMetadata, Mode, Usage
from server import sessions, titles
from server.key_ring import UserKeys
from server.sealing import about
from server.store.sends import Draft

SPAN = timedelta(days=365)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
"""Everything was said in this year, whenever it is filled in."""
MODEL = "tutor-1"
STOPPED, FAILED, UNREAD = 0.04, 0.01, 0.1
"""How often a reply is stopped, or fails before it has said a word, and a session is not read to its end."""
LEARNING = 0.3
"""How many sessions are of the mode `learn`."""


class UserRow(NamedTuple):
    user_id: str
    seq: int
    incarnation: UUID
    created_at: datetime
    key: bytes | None
    key_name: str | None
    sealed: bool


class SessionRow(NamedTuple):
    user_id: str
    id: UUID
    title: str
    preview: str | None
    language: str
    mode: str
    created_at: datetime
    updated_at: datetime
    message_count: int
    last_position: int
    read_seq: int
    seq: int
    body_hash: bytes
    words: Vector


class MessageRow(NamedTuple):
    user_id: str
    id: UUID
    session_id: UUID
    position: int
    type: str
    content: str
    created_at: datetime
    seq: int
    created_seq: int
    words: Vector
    body_hash: bytes | None = None
    metadata: Json | None = None
    status: str | None = None
    reply_to: UUID | None = None


class Told(NamedTuple):
    """A session, and what was said in it."""

    session: SessionRow
    messages: list[MessageRow]


class Story:
    """One user's year. `told` is to be read to its end before `user` is asked.

    `keys` are those of the ring: if there is one, the user is given a key, and all is sealed.
    """

    def __init__(self, member: Member, corpus: Corpus, keys: UserKeys) -> None:
        name = UserId(member.name)
        self._member = member
        self._chance = member.chance
        self._corpus = corpus
        self._wrapped = keys.fresh(name)
        self._key = keys.of(name, self._wrapped, complete=True)
        self._seq = 0
        self._now = BEGIN

    @property
    def user(self) -> UserRow:
        wrapped = self._wrapped
        return UserRow(
            user_id=self._member.name,
            seq=self._seq,
            incarnation=_uuid(self._chance),
            created_at=BEGIN,
            key=wrapped and wrapped.key,
            key_name=wrapped and wrapped.key_name,
            sealed=wrapped is not None,
        )

    def told(self) -> Iterator[Told]:
        """Session after session, in the order of their numbers."""
        apart = SPAN / len(self._member.exchanges)
        for index, exchanges in enumerate(self._member.exchanges):
            self._now = max(self._now, BEGIN + (index + self._chance.random()) * apart)
            yield self._session(exchanges)

    def _session(self, exchanges: int) -> Told:
        chance, created_at, voice = self._chance, self._now, self._corpus.voice(self._chance)
        session, mode = SessionId(_uuid(chance)), _mode(chance)
        self._seq += 1
        rows: list[MessageRow] = []
        title = preview = ""
        for _ in range(exchanges):
            text = joined(asked := voice.question(chance))
            title = title or titles.of_message(text)
            preview = self._exchange(rows, session, asked, voice) or text
        read = chance.random() >= UNREAD
        self._seq += read
        key = self._key
        row = SessionRow(
            user_id=self._member.name,
            id=session,
            title=key.seal(title, about("title", session)),
            preview=key.seal(preview[:PREVIEW_LENGTH], about("preview", session)) or None,
            language=voice.code,
            mode=mode,
            created_at=created_at,
            updated_at=self._now,
            message_count=len(rows),
            last_position=len(rows),
            read_seq=self._seq - 1 if read else 0,
            seq=self._seq,
            body_hash=key.hashed(_session_hash(mode, voice.code)),
            words=self._words([title]),
        )
        return Told(row, rows)

    def _exchange(self, rows: list[MessageRow], session: SessionId, asked: list[str], voice: Voice) -> str:
        """A message and its settled reply; the text of the reply, which may be empty."""
        chance, key, user, content = self._chance, self._key, self._member.name, joined(asked)
        message, reply = MessageId(_uuid(chance)), MessageId(_uuid(chance))
        sent, sent_at = self._seq + 1, self._now + timedelta(seconds=5 + 60 * chance.random())
        said = MessageRow(
            user_id=user,
            id=message,
            session_id=session,
            position=len(rows) + 1,
            type="user",
            content=key.seal(content, about("text", message)),
            created_at=sent_at,
            seq=sent,
            created_seq=sent,
            words=self._words(asked),
            body_hash=key.hashed(Draft(session, message, content, None).body_hash()),
        )
        status, answer = _reply(chance, voice)
        text = joined(answer)
        settled = MessageRow(
            user_id=user,
            id=reply,
            session_id=session,
            position=len(rows) + 2,
            type="assistant",
            content=key.seal(text, about("text", reply)),
            created_at=sent_at,
            seq=sent + 1,
            created_seq=sent,
            words=self._words(answer),
            metadata=_metadata(status, len(content), len(text)),
            status=status,
            reply_to=message,
        )
        rows += said, settled
        self._seq = settled.seq
        self._now = sent_at + timedelta(seconds=1 + len(text) / 100)
        return text

    def _words(self, pieces: list[str]) -> Vector:
        if self._wrapped is None:
            return vector_of_pieces(pieces)
        return vector_of_words(self._key.words(joined(pieces)))


def _reply(chance: Random, voice: Voice) -> tuple[str, list[str]]:
    """How it ended, and what it says."""
    dice, answer = chance.random(), voice.answer(chance)
    if dice < FAILED:
        return "failed", []
    if dice < FAILED + STOPPED:
        return "stopped", answer[: max(1, len(answer) // 2)]
    return "complete", answer


def _metadata(status: str, asked: int, answered: int) -> Json:
    """What was stopped or has failed has no count of tokens."""
    failure = Failure(code="silent", detail="The tutor fell silent for 15 s.") if status == "failed" else None
    usage = Usage(50 + asked // 4, answered // 4) if status == "complete" else None
    return json(MessageMetadata(model=MODEL, usage=usage, failure=failure))


def _mode(chance: Random) -> Mode:
    return "learn" if chance.random() < LEARNING else "fun"


@cache
def _session_hash(mode: Mode, language: str) -> bytes:
    return sessions.body_hash(None, mode, language)


def _uuid(chance: Random) -> UUID:
    """As uuid4, of this chance."""
    return UUID(int=chance.getrandbits(128), version=4)
