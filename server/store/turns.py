"""The rows of turns: what is live. Nothing here is numbered, except that ending a turn is part of settling."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

from msgspec import Struct, structs
from psycopg.errors import UniqueViolation

from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Reply
from server.errors import SealedWithMissingKey
from server.sealing import Unsealed, UserKey, about, is_marked
from server.store import arrays
from server.store.keys import KeyColumns, key_in, key_of, opened
from server.store.pool import Connection, execute, fetch_all, fetch_one
from server.store.users import Change
from sql import load

_SQL = load("turns")

T = TypeVar("T", bound="Turn")


class Turn(Struct, frozen=True):
    """An open reply: who writes it (None: nobody), in which attempt, after how many lost owners; what was saved.

    `text` without `chunks` was saved by a former attempt; this one has not begun.
    """

    user_id: UserId
    message_id: MessageId
    session_id: SessionId
    attempt: int
    interrupted: int
    owner: str | None
    stop: bool
    text: str
    chunks: int

    @property
    def saved(self) -> Reply | None:
        """What was saved of the reply. None: its attempt has not begun."""
        if not self.attempt or (self.text and not self.chunks):
            return None
        return Reply(message=self.message_id, attempt=self.attempt, next=self.chunks, text=self.text)


class Claimed(Turn, frozen=True):
    """A turn that is ours now. `former` is the attempt before ours, 0 if there was none."""

    former: int


class _ClaimedRow(Claimed, frozen=True, kw_only=True):
    key: bytes | None
    key_name: str | None
    sealed: bool

    @property
    def columns(self) -> KeyColumns:
        return KeyColumns(key=self.key, key_name=self.key_name, sealed=self.sealed)


class Saved(Struct, frozen=True):
    """How much of a text is saved: letters, and the bytes that they are."""

    letters: int
    bytes: int


class Written(Struct, frozen=True):
    """A turn as it is written now, and how much of its text this attempt has saved, as far as is known."""

    turn: Turn
    saved: Saved


class Due(Struct, frozen=True):
    """A session whose earliest open reply nobody holds."""

    user_id: UserId
    session_id: SessionId


class _Kept(Struct, frozen=True):
    stop: bool


class _KeptMany(Struct, frozen=True):
    places: list[int]
    stops: list[int]


class _Count(Struct, frozen=True):
    count: int


async def insert(change: Change, message: MessageId, session: SessionId, position: int) -> None:
    parameters = {"user": change.user, "message": message, "session": session, "position": position}
    await execute(change.conn, _SQL["insert_turn"], parameters)


async def claim(
    conn: Connection, user: UserId, session: SessionId, *, owner: str, lease: float, take_over: bool, places: int
) -> Claimed | None:
    """The earliest open reply of a session, as the next attempt. None: there is none, or somebody holds it, or so many
    `places` of the user's are taken.

    The number of an attempt is given once, also by a database that has failed over and lost what was last.
    Without `take_over` it is only claimed if it has no owner, however long ago the owner's lease has expired.
    """
    parameters = {
        "user": user,
        "session": session,
        "owner": owner,
        "lease": lease,
        "take_over": take_over,
        "places": places,
        "key_names": conn.keys.ring.names,
    }
    try:
        row = await fetch_one(conn, _ClaimedRow, _SQL["claim"], parameters)
    except UniqueViolation:  # another took the place in this moment
        return None
    return row and opened_turn(key_in(conn, user, row.columns), row)


async def keep(conn: Connection, turn: Turn, *, lease: float) -> bool | None:
    """Renew the lease and save the text. Answers whether somebody asked to stop; None: the turn is no longer ours."""
    parameters = await _written(conn, turn) | {"lease": lease}
    kept = await fetch_one(conn, _Kept, _SQL["keep"], parameters)
    return kept.stop if kept else None


async def keep_of_users(conn: Connection, written: Sequence[Written], *, lease: float) -> dict[int, bool]:
    """As `keep`, of many at once: what it answers of those that were kept, by their places. One that is not among them
    is held by somebody else just now, or has not the text that was saved, or is no longer ours: to be kept alone.
    """
    turns = [each.turn for each in written]
    keys = await _keys(conn, turns)
    added = [_added(key, each) for key, each in zip(keys, written, strict=True)]
    given = {
        "users": arrays.texts(turn.user_id for turn in turns),
        "messages": arrays.uuids(turn.message_id for turn in turns),
        "attempts": arrays.integers(turn.attempt for turn in turns),
        "saved": arrays.integers(saved for saved, _ in added),
        "texts": arrays.texts(text for _, text in added),
        "chunks": arrays.integers(turn.chunks for turn in turns),
        "lease": lease,
    }
    kept = await fetch_one(conn, _KeptMany, _SQL["keep_of_users"], given)
    if kept is None:
        return {}
    return dict.fromkeys((place - 1 for place in kept.places), False) | {place - 1: True for place in kept.stops}


async def release(conn: Connection, turn: Turn) -> None:
    """Leave the turn, with what is written, to whoever comes next."""
    await execute(conn, _SQL["release"], await _written(conn, turn))


async def end(change: Change, turn: Turn) -> bool:
    """The first half of settling. False: the turn is another attempt's by now, or was settled."""
    return await execute(change.conn, _SQL["end_turn"], _attempt(turn)) == 1


async def ask_to_stop(conn: Connection, user: UserId, message: MessageId) -> Turn | None:
    """Leave word for the owner. None: the reply is not open."""
    return await _one(conn, user, await fetch_all(conn, Turn, _SQL["ask_to_stop"], {"user": user, "message": message}))


async def answering(conn: Connection, user: UserId, message: MessageId) -> list[Turn]:
    """The open replies to a message. Until the transaction ends, nobody else can claim one of them."""
    rows = await fetch_all(conn, Turn, _SQL["turns_answering"], {"user": user, "message": message})
    return await opened(conn, user, rows, opened_turn)


async def end_all(change: Change, session: SessionId) -> list[Turn]:
    """End every open turn of a session, whoever holds it."""
    parameters = {"user": change.user, "session": session}
    rows = await fetch_all(change.conn, Turn, _SQL["end_turns_of_session"], parameters)
    return await opened(change.conn, change.user, rows, opened_turn)


async def held(conn: Connection, user: UserId, message: MessageId) -> Turn | None:
    """The turn of an open reply. Until the transaction ends, nobody else can claim it."""
    return await _one(conn, user, await fetch_all(conn, Turn, _SQL["hold_turn"], {"user": user, "message": message}))


async def one(conn: Connection, user: UserId, message: MessageId) -> Turn | None:
    """The turn of an open reply, as it is at this moment."""
    return await _one(conn, user, await fetch_all(conn, Turn, _SQL["turn"], {"user": user, "message": message}))


async def pending(conn: Connection, user: UserId, session: SessionId) -> int:
    """How many replies of a session are open."""
    found = await fetch_one(conn, _Count, _SQL["pending"], {"user": user, "session": session})
    return found.count if found else 0


async def due_of_all_users(conn: Connection, limit: int, *, take_over: bool, places: int) -> list[Due]:
    """Sessions that wait for somebody to write, of any user who has one of so many `places` free.

    Without `take_over`: only those without an owner.
    """
    parameters = {"limit": limit, "take_over": take_over, "places": places, "key_names": conn.keys.ring.names}
    return await fetch_all(conn, Due, _SQL["due_of_all_users"], parameters)


async def open_in_sessions_of_users(conn: Connection, shown: list[tuple[UserId, SessionId]]) -> list[Turn]:
    """The open replies of these sessions, session by session, in the order in which they will be written; but for those
    of users whose key is missing here.
    """
    users, sessions = [user for user, _ in shown], [session for _, session in shown]
    found: list[Turn] = []
    for row in await fetch_all(conn, Turn, _SQL["open_in_sessions_of_users"], {"users": users, "sessions": sessions}):
        with suppress(SealedWithMissingKey):
            found += await opened(conn, row.user_id, [row], opened_turn)
    return found


def opened_turn(key: Unsealed, row: T) -> T:
    """Raises SealedWithMissingKey."""
    return structs.replace(row, text=key.open(row.text, _about(row))) if row.text else row


async def _one(conn: Connection, user: UserId, rows: list[Turn]) -> Turn | None:
    """The row, if there is one, opened."""
    return next(iter(await opened(conn, user, rows, opened_turn)), None)


async def _written(conn: Connection, turn: Turn) -> dict[str, object]:
    """What is saved, of which attempt."""
    return _attempt(turn) | {"text": await _sealed(conn, turn), "chunks": turn.chunks}


async def _sealed(conn: Connection, turn: Turn) -> str:
    """The text as it is saved."""
    (key,) = await _keys(conn, [turn])
    return key.seal(turn.text, _about(turn))


def _added(key: Unsealed, written: Written) -> tuple[int, str]:
    """How many bytes were saved, and what comes after them; after none it takes the place of what is there. What is
    sealed is so as a whole.
    """
    text, saved = written.turn.text, written.saved
    if not saved.bytes or is_marked(text) or isinstance(key, UserKey):
        return 0, key.seal(text, _about(written.turn))
    return saved.bytes, text[saved.letters :]


async def _keys(conn: Connection, written: Sequence[Turn]) -> list[Unsealed]:
    """Of each, the user's key, if they have one, which may be since a moment ago."""
    held = [conn.keys.held(turn.user_id) for turn in written]
    if not conn.keys.ring.names:
        return held
    return [
        key if isinstance(key, UserKey) else await key_of(conn, turn.user_id)
        for key, turn in zip(held, written, strict=True)
    ]


def _about(turn: Turn) -> bytes:
    return about("draft", turn.message_id)


def _attempt(turn: Turn) -> dict[str, object]:
    return {"user": turn.user_id, "message": turn.message_id, "attempt": turn.attempt}
