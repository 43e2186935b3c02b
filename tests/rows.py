"""Rows as a hub tells them, for tests that have none."""

from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from protocol.ids import SessionId, UserId
from protocol.model import Session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def session_row(session: SessionId, user: str, seq: int = 1, **fields: Any) -> Session:
    """One that is new, but for some fields."""
    row = Session(
        id=session,
        user_id=UserId(user),
        title="",
        language="en",
        mode="fun",
        created_at=NOON,
        updated_at=NOON,
        message_count=0,
        read_seq=0,
        seq=seq,
    )
    return structs.replace(row, **fields)
