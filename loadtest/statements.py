r"""The reads of the store against the same statements by psql: what asking through psycopg costs on top, and rows.

The same text with the same parameters, prepared and planned alike, of the same user, on a connection that is used for
nothing else: here executed as the store does, on the loop of a hub, there by `EXECUTE` in one session of psql, timed by
its `\timing`, which ends when the answer is there, before any of it is printed. So it is held against ours until the
answer is there. What the store's own function takes is told besides: psql makes no rows of an answer, we do, and may
ask for the user's key first (search).
"""

import re
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct
from psycopg import sql

from loadtest.measured import Figure, percentile
from loadtest.process import WorldFailed
from protocol.ids import SessionId, UserId
from protocol.model import Cursor
from server import cursors
from server.store import pages, search, sessions, timeline
from server.store.embedded import embedded
from server.store.keys import key_of
from server.store.pages import Span
from server.store.pool import Connection
from server.store.programs import programs, run
from sql import Statement, load

AT_MOST = 1.3
"""Times as long as psql takes."""
LIMIT = 51
WARMED = 6
"""Of each, so many are not counted: psycopg prepares a statement when it has been executed five times."""
PLANNED_ONCE = "SET plan_cache_mode = force_generic_plan;"
"""As the hub's own connections have it."""
_PARAMETER = re.compile(r"%\((\w+)\)[sb]")
_TOOK = re.compile(r"^Time: ([\d.]+) ms", re.MULTILINE)


class Asker(Struct, frozen=True):
    """Whose rows are read: a session of theirs, a word that they have said, and where a device of theirs stands."""

    user: UserId
    session: SessionId
    word: str
    since: Cursor


class Read(Struct, frozen=True):
    """A statement, its parameters, and the store's function that has it executed and makes rows of the answer."""

    statement: Statement
    parameters: Mapping[str, object]
    call: Callable[[], Awaitable[object]]


class Took(Struct, frozen=True):
    """Seconds of each execution: of the statement alone, by psql, and of the store's function."""

    ours: list[float]
    psql: list[float]
    store: list[float]


@contextmanager
def database_of(where: str) -> Generator[str]:
    """Of the PostgreSQL that a hub runs on this data: a folder's own is joined."""
    if Path(where).is_dir():
        with embedded(Path(where)) as conninfo:
            yield conninfo
    else:
        yield where


async def reads(conn: Connection, it: Asker) -> dict[str, Read]:
    """By the name of what a user does."""
    before, (rank, found) = cursors.place(None), cursors.found(None)[0]
    key = await key_of(conn, it.user)
    asked, whole = key.query(it.word), key.query(it.word, whole=True)
    if asked is None or whole is None:
        raise WorldFailed(f"{it.word} has no word to search for")
    of = {"user": it.user}
    listed = of | {"before_time": before[0], "before_id": before[1], "limit": LIMIT}
    last = Span(older=LIMIT - 1, newer=0)
    paged = of | {"session": it.session, "older": LIMIT, "newer": 1, "at": last.at, "around": None}
    changed = timeline.after([(it.user, it.since.seq)])
    sought = of | {"words": search.of_user(asked, it.user), "whole": whole, "before_rank": rank, "before_id": found}
    return {
        "session list": Read(load("sessions")["page"], listed, lambda: sessions.page(conn, it.user, before, LIMIT - 1)),
        "last page": Read(
            load("pages")["page"],
            paged,
            lambda: pages.page(conn, it.user, it.session, last),
        ),
        "changes since": Read(
            load("timeline")["changes_of_users"], changed, lambda: timeline.since_of_users(conn, [(it.user, it.since)])
        ),
        "search": Read(
            load("search")["search"],
            sought | {"limit": LIMIT},
            lambda: search.search_exact(conn, it.user, it.word, (rank, found), LIMIT),
        ),
    }


async def held_against_psql(conninfo: str, askers: list[Asker], rounds: int) -> list[Figure]:
    """What each read takes here and there, each so many `rounds` for each asker. Raises WorldFailed."""
    took: dict[str, Took] = {}
    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(await Connection.connect(conninfo, autocommit=True))
        await conn.execute(PLANNED_ONCE)
        for it in askers:
            asked = await reads(conn, it)
            by = by_psql(conninfo, list(asked.values()), WARMED + rounds)
            for (name, read), times in zip(asked.items(), by, strict=True):
                so_far = took.setdefault(name, Took([], [], []))
                so_far.psql.extend(times[WARMED:])
                for round_ in range(WARMED + rounds):
                    ours = await _timed(partial(conn.execute, read.statement, read.parameters))
                    store = await _timed(read.call)
                    if round_ >= WARMED:
                        so_far.ours.append(ours)
                        so_far.store.append(store)
    return [figure for name, each in took.items() for figure in figures(name, each)]


def figures(name: str, took: Took) -> list[Figure]:
    """Only the medians are held against each other: the rare slow one is the machine's."""
    told = [
        Figure(f"statement of {name}, p{part} {whose}", round(percentile(times, part / 100) * 1_000, 3), "ms")
        for whose, times in (
            ("executed", took.ours),
            ("by psql", took.psql),
            ("in the store, with its rows", took.store),
        )
        for part in (50, 95)
    ]
    executed, store = (percentile(times, 0.5) / percentile(took.psql, 0.5) for times in (took.ours, took.store))
    return [
        *told,
        Figure(f"statement of {name}, p50 in the store, with its rows, against psql", round(store, 2), "times"),
        Figure(f"statement of {name}, p50 executed against psql", round(executed, 2), "times", AT_MOST),
    ]


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


def by_psql(conninfo: str, asked: list[Read], times: int) -> list[list[float]]:
    """Seconds of each execution of each, in one session of psql. Raises WorldFailed."""
    script = ["\\set ON_ERROR_STOP on", PLANNED_ONCE, "\\o /dev/null"]
    for number, read in enumerate(asked):
        script += _prepared(f"read_{number}", read)
        script += ["\\timing on", *[f"EXECUTE read_{number}({_values(read)});"] * times, "\\timing off"]
    done = run(programs() / "psql", "--no-psqlrc", "--quiet", "--dbname", conninfo, stdin="\n".join(script))
    took = [float(each) / 1_000 for each in _TOOK.findall(done.stdout)]
    if done.returncode or len(took) != times * len(asked):
        raise WorldFailed(f"psql cannot do it: {done.stdout.strip()[-500:]}")
    return [took[first : first + times] for first in range(0, len(took), times)]


def _prepared(name: str, read: Read) -> list[str]:
    places = {parameter: f"${number}" for number, parameter in enumerate(read.parameters, start=1)}
    text = _PARAMETER.sub(lambda found: places[found[1]], read.statement.decode())
    return [f"PREPARE {name} AS {text}"]


def _values(read: Read) -> str:
    return ", ".join(sql.Literal(value).as_string() for value in read.parameters.values())
