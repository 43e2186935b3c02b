"""The rows of turns: what is live. Nothing here is numbered, except that ending a turn is part of settling."""

from msgspec import Struct
from psycopg.errors import UniqueViolation

from protocol.ids import MessageId, SessionId, UserId
from protocol.model import Reply
from server.store.pool import Connection, execute, fetch_all, fetch_one
from server.store.users import Change
from sql import load

_SQL = load("turns")


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


class Due(Struct, frozen=True):
    """A session whose earliest open reply nobody holds."""

    user_id: UserId
    session_id: SessionId


class _Kept(Struct, frozen=True):
    stop: bool


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
    }
    try:
        return await fetch_one(conn, Claimed, _SQL["claim"], parameters)
    except UniqueViolation:  # another took the place in this moment
        return None


async def keep(conn: Connection, turn: Turn, *, lease: float) -> bool | None:
    """Renew the lease and save the text. Answers whether somebody asked to stop; None: the turn is no longer ours."""
    kept = await fetch_one(conn, _Kept, _SQL["keep"], _attempt(turn) | _written(turn) | {"lease": lease})
    return kept.stop if kept else None


async def release(conn: Connection, turn: Turn) -> None:
    """Leave the turn, with what is written, to whoever comes next."""
    await execute(conn, _SQL["release"], _attempt(turn) | _written(turn))


async def end(change: Change, turn: Turn) -> bool:
    """The first half of settling. False: the turn is another attempt's by now, or was settled."""
    return await execute(change.conn, _SQL["end_turn"], _attempt(turn)) == 1


async def ask_to_stop(conn: Connection, user: UserId, message: MessageId) -> Turn | None:
    """Leave word for the owner. None: the reply is not open."""
    return await fetch_one(conn, Turn, _SQL["ask_to_stop"], {"user": user, "message": message})


async def of_session(conn: Connection, user: UserId, session: SessionId) -> list[Turn]:
    """The open replies, in the order in which they will be written."""
    return await fetch_all(conn, Turn, _SQL["turns_of_session"], {"user": user, "session": session})


async def answering(conn: Connection, user: UserId, message: MessageId) -> list[Turn]:
    """The open replies to a message. Until the transaction ends, nobody else can claim one of them."""
    return await fetch_all(conn, Turn, _SQL["turns_answering"], {"user": user, "message": message})


async def end_all(change: Change, session: SessionId) -> list[Turn]:
    """End every open turn of a session, whoever holds it."""
    return await fetch_all(change.conn, Turn, _SQL["end_turns_of_session"], {"user": change.user, "session": session})


async def held(conn: Connection, user: UserId, message: MessageId) -> Turn | None:
    """The turn of an open reply. Until the transaction ends, nobody else can claim it."""
    return await fetch_one(conn, Turn, _SQL["hold_turn"], {"user": user, "message": message})


async def one(conn: Connection, user: UserId, message: MessageId) -> Turn | None:
    """The turn of an open reply, as it is at this moment."""
    return await fetch_one(conn, Turn, _SQL["turn"], {"user": user, "message": message})


async def pending(conn: Connection, user: UserId, session: SessionId) -> int:
    """How many replies of a session are open."""
    found = await fetch_one(conn, _Count, _SQL["pending"], {"user": user, "session": session})
    return found.count if found else 0


async def due_of_all_users(conn: Connection, limit: int, *, take_over: bool, places: int) -> list[Due]:
    """Sessions that wait for somebody to write, of any user who has one of so many `places` free.

    Without `take_over`: only those without an owner.
    """
    parameters = {"limit": limit, "take_over": take_over, "places": places}
    return await fetch_all(conn, Due, _SQL["due_of_all_users"], parameters)


async def open_in_sessions_of_users(conn: Connection, opened: list[tuple[UserId, SessionId]]) -> list[Turn]:
    """The open replies of these sessions, session by session, in the order in which they will be written."""
    users, sessions = [user for user, _ in opened], [session for _, session in opened]
    return await fetch_all(conn, Turn, _SQL["open_in_sessions_of_users"], {"users": users, "sessions": sessions})


def _written(turn: Turn) -> dict[str, object]:
    return {"text": turn.text, "chunks": turn.chunks}


def _attempt(turn: Turn) -> dict[str, object]:
    return {"user": turn.user_id, "message": turn.message_id, "attempt": turn.attempt}
