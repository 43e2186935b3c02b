"""The SQL of the product: text, and the loader that is the only way to a Statement.

A file of `queries/` holds blocks that begin with `-- name: what_it_does`. A Statement comes from
here and nowhere else, so that no SQL is ever put together from strings.
"""

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NewType

Statement = NewType("Statement", bytes)
"""SQL text from this package. `execute` takes nothing else (tests/sql/test_queries.py)."""

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def load(table: str) -> dict[str, Statement]:
    """The named statements of `queries/{table}.sql`. Raises ValueError on a name used twice."""
    text = (files("sql") / "queries" / f"{table}.sql").read_text(encoding="utf-8")
    _, *blocks = _NAME.split(text)
    names, bodies = blocks[0::2], blocks[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"queries/{table}.sql uses a name twice: {sorted(names)}")
    return {name: Statement(body.strip().encode()) for name, body in zip(names, bodies, strict=True)}


def tables() -> list[str]:
    """The files of `queries/`, without their ending."""
    return sorted(entry.name[:-4] for entry in (files("sql") / "queries").iterdir() if entry.name.endswith(".sql"))


def migrations() -> list[tuple[str, Statement, Statement]]:
    """(name, up, down) of each migration, in order."""
    folder = files("sql") / "migrations"
    names = sorted(entry.name[:-7] for entry in folder.iterdir() if entry.name.endswith(".up.sql"))
    return [(name, _text(folder / f"{name}.up.sql"), _text(folder / f"{name}.down.sql")) for name in names]


def _text(file: Traversable) -> Statement:
    return Statement(file.read_text(encoding="utf-8").encode())
