"""What is found by its words: sessions, and the words that are like those that were asked for."""

import re
from datetime import datetime
from hashlib import md5

from msgspec import Struct, structs

from protocol.ids import MessageId, UserId
from protocol.model import Session
from server import words
from server.cursors import Place
from server.sealing import Unsealed, about
from server.store.keys import key_of, opened
from server.store.pool import Connection, fetch_all
from server.store.sessions import opened_session
from sql import load

_SQL = load("search")

LATEST = 2_000
"""Of the messages, and of the titles, the latest ones, whose words may be meant by one that is found nowhere."""
LIKE = 0.35
"""The least share of trigrams of a word that may be meant: of `equation`, `euqation` has 0.38."""
CHOICES = 3
"""Words that may be meant by one."""
_TERM = re.compile("'([^']+)'")


class Found(Session, frozen=True, kw_only=True):
    """A session that was found, with the best and latest of its messages that matches, if one does."""

    rank: datetime
    message: MessageId | None
    content: str | None


class _Similar(Struct, frozen=True):
    """A word that may be meant by the one at this place, counted from 1. `likeness` 1 or more: that one is known."""

    place: int
    word: str
    likeness: float


async def search_exact(conn: Connection, user: UserId, query: str, before: Place, limit: int) -> list[Found]:
    """Sessions after a place that hold the words of a query, the best and latest first; none if it has no words."""
    key = await key_of(conn, user)
    asked, whole = key.query(query), key.query(query, whole=True)
    return [] if asked is None or whole is None else await _found(conn, user, (asked, whole), before, limit)


async def search_similar(
    conn: Connection, user: UserId, query: str, before: Place, limit: int
) -> tuple[list[str], list[Found]]:
    """As `search_exact`, with words that are like those of the query in place of unknown ones; and which those are.

    Nothing of a user whose words are hidden.
    """
    terms = (await key_of(conn, user)).terms(query)
    choices = await _choices(conn, user, terms)
    meant = [word for term, known in zip(terms, choices, strict=True) for word in known if word != term]
    if not meant or not all(choices):
        return [], []
    asked = words.either(choices)
    return meant, await _found(conn, user, (asked, asked), before, limit)


async def _choices(conn: Connection, user: UserId, terms: list[str]) -> list[list[str]]:
    """For each term what it may mean, the likeliest first: itself, if it is known."""
    parameters = {"user": user, "words": terms, "messages": LATEST, "least": LIKE, "limit": CHOICES}
    found = await fetch_all(conn, _Similar, _SQL["similar"], parameters) if terms else []
    known = {each.place for each in found if each.likeness >= 1}
    return [
        [term] if place in known else [each.word for each in found if each.place == place]
        for place, term in enumerate(terms, start=1)
    ]


async def _found(conn: Connection, user: UserId, query: tuple[str, str], before: Place, limit: int) -> list[Found]:
    """`query`: the words as they are asked for, and as they are whole."""
    parameters = {
        "user": user,
        "words": of_user(query[0], user),
        "whole": query[1],
        "before_rank": before[0],
        "before_id": before[1],
        "limit": limit,
    }
    return await opened(conn, user, await fetch_all(conn, Found, _SQL["search"], parameters), _opened_found)


def of_user(query: str, user: UserId) -> str:
    """The text of a tsquery, each word with the mark that the schema's function of_user puts before it."""
    mark = md5(user.encode(), usedforsecurity=False).hexdigest()[:8]
    return _TERM.sub(rf"'{mark}\1'", query)


def _opened_found(key: Unsealed, row: Found) -> Found:
    row = opened_session(key, row)
    if row.message is None or row.content is None:
        return row
    return structs.replace(row, content=key.open(row.content, about("text", row.message)))
