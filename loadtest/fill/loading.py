"""Batches of whole users: made and copied by several processes at once, each batch in one transaction."""

import gc
import signal
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from functools import cache
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct
from psycopg.adapt import Dumper
from psycopg.pq import Format

from loadtest.corpus import Corpus
from loadtest.fill.binary import Json, Vector
from loadtest.fill.rows import Story
from loadtest.fill.shape import Member, Wanted
from server import key_ring
from server.key_ring import KeyRing, UserKeys

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

BATCH = 20_000
"""Messages that a process holds at once: about 50 MB. The sessions of the users of a batch lie among each other, by
their time, as in a database that has grown.
"""

Connection = psycopg.Connection[tuple[Any, ...]]


class Order(Struct, frozen=True, kw_only=True):
    """What all processes are told. `ring` is the key ring, as the environment has it."""

    conninfo: str
    wanted: Wanted
    corpus: Path | None
    ring: str | None


class Filled(Struct, frozen=True):
    """What was committed."""

    users: int = 0
    sessions: int = 0
    messages: int = 0

    def __add__(self, other: "Filled") -> "Filled":
        return Filled(self.users + other.users, self.sessions + other.sessions, self.messages + other.messages)


COMMIT_LATER = "SET synchronous_commit = off"
TRUST_US = """
SELECT set_config('session_replication_role', 'replica', false)
WHERE has_parameter_privilege('session_replication_role', 'SET')
"""
"""Foreign keys are not looked up for each row, as rows are made to fit: half of PostgreSQL's time. A superuser may."""
COPY_USERS = """
COPY users (user_id, seq, incarnation, created_at, key, key_name, sealed)
FROM STDIN (FORMAT BINARY)
"""
COPY_SESSIONS = """
COPY sessions (
    user_id, id, title, preview, language, mode, created_at, updated_at, message_count, last_position, read_seq, seq,
    body_hash, words
)
FROM STDIN (FORMAT BINARY)
"""
COPY_MESSAGES = """
COPY messages (
    user_id, id, session_id, position, type, content, created_at, seq, created_seq, words, body_hash, metadata, status,
    reply_to
)
FROM STDIN (FORMAT BINARY)
"""
_USER_TYPES = "varchar int8 uuid timestamptz bytea text bool"
_SESSION_TYPES = "varchar uuid varchar text varchar varchar timestamptz timestamptz int4 int4 int8 int8 bytea tsvector"
_MESSAGE_TYPES = "varchar uuid uuid int4 varchar text timestamptz int8 int8 tsvector bytea jsonb varchar uuid"


def fill(order: Order, names: Iterable[str], processes: int) -> Iterator[Filled]:
    """Make these users, a batch after the other; says of each when it is committed. Raises psycopg.Error.

    If it is left early, the batches that are under way come to their end: a user is there as a whole or not at all.
    """
    batches = _batches(order.wanted, names)
    with ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    ) as pool:
        try:
            running = {pool.submit(_fill, order, batch) for batch in islice(batches, processes + 1)}
            while running:
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(_fill, order, batch) for batch in islice(batches, len(ended))}
                yield from (each.result() for each in ended)
        finally:
            pool.shutdown(cancel_futures=True)


def _batches(wanted: Wanted, names: Iterable[str]) -> Iterator[list[Member]]:
    batch: list[Member] = []
    for name in names:
        batch.append(wanted.member(name))
        if sum(each.messages for each in batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _fill(order: Order, members: list[Member]) -> Filled:
    """In a process of its own."""
    return _filler(order).fill(members)


@cache
def _filler(order: Order) -> "_Filler":
    return _Filler(order)


class _Filler:
    """What one process works with: a connection, and the words that it has met."""

    def __init__(self, order: Order) -> None:
        gc.disable()  # rows hold nothing that holds them, and there are a hundred thousand at a time
        self._corpus = Corpus.read(order.corpus)
        self._keys = UserKeys(key_ring.parsed(order.ring) if order.ring else KeyRing({}))
        self._conn: Connection = psycopg.connect(order.conninfo, autocommit=True, application_name="tutorhub fill")
        self._conn.execute(COMMIT_LATER)
        self._conn.execute(TRUST_US)
        for kind, name in ((Vector, "tsvector"), (Json, "jsonb")):
            self._conn.adapters.register_dumper(kind, _as_it_is(self._conn.adapters.types[name].oid))

    def fill(self, members: list[Member]) -> Filled:
        stories = [Story(member, self._corpus, self._keys) for member in members]
        told = sorted(chain.from_iterable(story.told() for story in stories), key=lambda each: each.session.created_at)
        with self._conn.transaction(), self._conn.cursor() as cursor:
            with cursor.copy(COPY_USERS) as copy:
                _write(copy, _USER_TYPES, [story.user for story in stories])
            with cursor.copy(COPY_SESSIONS) as copy:
                _write(copy, _SESSION_TYPES, [each.session for each in told])
            with cursor.copy(COPY_MESSAGES) as copy:
                _write(copy, _MESSAGE_TYPES, chain.from_iterable(each.messages for each in told))
        return Filled(len(stories), len(told), sum(len(each.messages) for each in told))


def _write(copy: psycopg.Copy, types: str, rows: Iterable[tuple[Any, ...]]) -> None:
    copy.set_types(types.split())
    for row in rows:
        copy.write_row(row)


def _as_it_is(type_oid: int) -> type[Dumper]:
    """Of a value that is its own binary form."""

    class AsItIs(Dumper):
        format = Format.BINARY
        oid = type_oid

        @override
        def dump(self, obj: bytes) -> bytes:
            return obj

    return AsItIs
