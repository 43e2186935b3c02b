"""How PostgreSQL does a statement: which tables it reads, from where, and how much of them."""

import re
from collections.abc import Generator, Mapping
from typing import Any

import psycopg
from msgspec import Struct
from psycopg.sql import SQL, Literal

from sql import load

PARAMETER = re.compile(rb"%\((\w+)\)[sb]")
PARTITION = re.compile(r"_\d+$")


def numbered(table: str, name: str) -> tuple[bytes, list[str]]:
    """A query with $1, $2 … for its parameters, and their names in that order."""
    names: dict[bytes, int] = {}
    text = PARAMETER.sub(
        lambda found: b"$%d" % names.setdefault(found[1], len(names) + 1), load(table)[name].rstrip(b"; \n")
    )
    return text, [each.decode() for each in names]


class Plan(Struct):
    """What was done, from EXPLAIN ANALYZE: its nodes that ran, however deep."""

    nodes: list[dict[str, Any]]
    milliseconds: float

    @property
    def read_whole(self) -> list[str]:
        """The tables of ours that were read from end to end."""
        return [node["Relation Name"] for node in self.nodes if node["Node Type"] == "Seq Scan"]

    @property
    def rows_read(self) -> float:
        """Of the tables, by all the scans together, those that a filter then left out too."""
        return sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
            * node["Actual Loops"]
            for node in self.nodes
            if "Relation Name" in node and node["Node Type"] != "ModifyTable"
        )

    @property
    def partitions(self) -> dict[str, set[str]]:
        """Those that were read, of each table that has some."""
        found: dict[str, set[str]] = {}
        for node in self.nodes:
            name = node.get("Relation Name", "")
            if PARTITION.search(name) and node["Node Type"] != "ModifyTable":
                found.setdefault(PARTITION.sub("", name), set()).add(name)
        return found


def plan(url: str, table: str, name: str, values: Mapping[str, object]) -> Plan:
    """As it runs on connections of the pool: with a plan that does not know the values. Nothing is left of it."""
    text, names = numbered(table, name)
    given = SQL(", ").join(Literal(values[each]) for each in names)
    explain = SQL("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE tried") + (SQL(" ({})").format(given) if names else SQL(""))
    with psycopg.connect(url) as conn:
        conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        conn.execute(b"PREPARE tried AS " + text)
        row = conn.execute(explain).fetchone()
        conn.rollback()
    assert row is not None
    found: dict[str, Any] = row[0][0]
    return Plan([node for node in _nodes(found["Plan"]) if node["Actual Loops"] > 0], found["Execution Time"])


def _nodes(node: dict[str, Any]) -> Generator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
