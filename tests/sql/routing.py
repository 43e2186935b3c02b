"""Whether a statement could be sent to the one shard that holds its user, by what PostgreSQL's own parser makes of it.

Each table in it has to be bound: its key is a parameter that names the user, or equal to the key of what is bound.
For a batch the parameter is a list, so that it can be split by shard.
"""

import json
import re
from collections.abc import Generator, Iterator
from typing import Any, cast

import pglast.parser

KEYS = {"revocations": frozenset({"subject", "erasing"})}
"""The columns that say whose a row is, where it is not user_id."""
USER_ID = frozenset({"user_id"})
OF_NOBODY = {"deployments", "schema_migrations", "pg_stat_activity"}
ONE = frozenset({"user", "subject"})
MANY = frozenset({"users", "subjects"})
_PARAMETER = re.compile(r"%\((\w+)\)[sb]")

Node = dict[str, Any]
Scope = dict[str, tuple[int, frozenset[str]]]
"""What a name stands for: a row of this number, and its columns that say whose it is."""


def unbound(statement: str, names: frozenset[str] = ONE) -> list[str]:
    """The tables of which it may touch rows of more than the users who are named by these parameters."""
    parameters: dict[str, int] = {}
    text = _PARAMETER.sub(lambda found: f"${parameters.setdefault(found[1], len(parameters) + 1)}", statement)
    reading = _Reading({number for name, number in parameters.items() if name in names})
    for each in json.loads(pglast.parser.parse_sql_json(text))["stmts"]:
        reading.statement(each["stmt"], [])
    return reading.unbound()


class _Reading:
    """Of one statement. Row 0 is the user; rows with equal keys have the same root."""

    def __init__(self, of_user: set[int]) -> None:
        self._of_user = of_user
        self._parents = [0]
        self._tables: dict[int, str] = {}

    def unbound(self) -> list[str]:
        return sorted(name for row, name in self._tables.items() if self._root(row) != self._root(0))

    def statement(self, node: Node, outer: list[Scope]) -> int:
        """The row that its column user_id comes from; a fresh one if it has none."""
        ((kind, body),) = node.items()
        scope: Scope = {}
        scopes = [scope, *outer]
        for each in body.get("withClause", {}).get("ctes", []):
            named = each["CommonTableExpr"]
            scope[named["ctename"]] = (self.statement(named["ctequery"], scopes), USER_ID)
        if "relation" in body:
            self._relation({"RangeVar": body["relation"]}, scopes)
        for each in [*body.get("fromClause", []), *body.get("usingClause", [])]:
            self._relation(each, scopes)
        for each in [body.get("larg"), body.get("rarg")]:
            if each:
                self.statement({"SelectStmt": each}, scopes)
        self._conjuncts(body.get("whereClause"), scopes)
        if kind == "InsertStmt":
            self._insert(body, scopes)
        for key, value in body.items():
            if key not in {"withClause", "relation", "fromClause", "usingClause", "larg", "rarg", "selectStmt"}:
                for each in _statements(value):
                    self.statement(each, scopes)
        answered = body.get("returningClause", {}).get("exprs") or body.get("targetList", [])
        return self._column(answered, "user_id", scopes)

    def _relation(self, node: Node, scopes: list[Scope]) -> None:
        """Something after FROM."""
        ((kind, body),) = node.items()
        alias = body.get("alias", {})
        match kind:
            case "RangeVar":
                name = body["relname"]
                held = next((scope[name] for scope in scopes if name in scope), None)
                if held is None or body.get("schemaname"):
                    held = (self._fresh(), KEYS.get(name, USER_ID))
                    if name not in OF_NOBODY:
                        self._tables[held[0]] = name
                scopes[0][alias.get("aliasname", name)] = held
            case "RangeSubselect":
                scopes[0][alias["aliasname"]] = (self.statement(body["subquery"], scopes), USER_ID)
            case "RangeFunction":
                given = self._of_user & set(_parameters(body["functions"]))
                columns = [each["String"]["sval"] for each in alias.get("colnames", [])]
                scopes[0][alias.get("aliasname", "")] = (0 if given else self._fresh(), frozenset(columns[:1]))
            case "JoinExpr":
                self._relation(body["larg"], scopes)
                self._relation(body["rarg"], scopes)
                self._conjuncts(body.get("quals"), scopes)
                if "usingClause" in body:
                    self._using(body, scopes)
            case _:
                raise NotImplementedError(kind)

    def _using(self, join: Node, scopes: list[Scope]) -> None:
        """JOIN … USING (key): the keys of both sides are equal."""
        columns = {each["String"]["sval"] for each in join["usingClause"]}
        rows = [row for row, keys in scopes[0].values() if keys & columns]
        for row in rows[1:]:
            self._equate(rows[0], row)

    def _insert(self, body: Node, scopes: list[Scope]) -> None:
        """The key that is written is that of the user."""
        target, keys = scopes[0][body["relation"]["relname"]]
        names = [each["ResTarget"]["name"] for each in body["cols"]]
        sources: list[int | None] = []
        for select in _united(body["selectStmt"]["SelectStmt"]):
            inner: list[Scope] = [{}, *scopes[1:]]
            for each in select.get("fromClause", []):
                self._relation(each, inner)
            self._conjuncts(select.get("whereClause"), inner)
            for each in _statements(select.get("whereClause", {})):
                self.statement(each, inner)
            values = (
                select["valuesLists"][0]["List"]["items"]
                if "valuesLists" in select
                else [each["ResTarget"]["val"] for each in select["targetList"]]
            )
            sources += [self._row(value, inner) for name, value in zip(names, values, strict=True) if name in keys]
        if len(sources) == 1 and sources[0] is not None:
            self._equate(target, sources[0])
        elif sources and all(row is not None and self._root(row) == self._root(0) for row in sources):
            self._equate(target, 0)  # of a UNION each part has to be bound by itself

    def _conjuncts(self, node: Node | None, scopes: list[Scope]) -> None:
        """Equalities that hold for every row: not those below an OR or a NOT."""
        for each in _anded(node):
            if each.get("kind") == "AEXPR_OP" and each["name"][0]["String"]["sval"] == "=":
                sides = [self._row(each["lexpr"], scopes), self._row(each["rexpr"], scopes)]
                if sides[0] is not None and sides[1] is not None:
                    self._equate(sides[0], sides[1])

    def _row(self, node: Node, scopes: list[Scope]) -> int | None:
        """Whose key this is: a column's row, or the user's for the parameter that names them."""
        if "TypeCast" in node:
            return self._row(node["TypeCast"]["arg"], scopes)
        if "ParamRef" in node:
            return 0 if node["ParamRef"]["number"] in self._of_user else None
        if "ColumnRef" not in node:
            return None
        *of, column = [each["String"]["sval"] for each in node["ColumnRef"]["fields"] if "String" in each]
        for scope in scopes:
            for name, (row, keys) in scope.items():
                if column in keys and (not of or of == [name]):
                    return row
        return None

    def _column(self, targets: list[Node], column: str, scopes: list[Scope]) -> int:
        for each in targets:
            value = each["ResTarget"].get("val", {})
            fields = [part.get("String", {}).get("sval") for part in value.get("ColumnRef", {}).get("fields", [])]
            if fields[-1:] == [column] and (row := self._row(value, scopes)) is not None:
                return row
        return self._fresh()

    def _fresh(self) -> int:
        self._parents.append(len(self._parents))
        return len(self._parents) - 1

    def _root(self, row: int) -> int:
        while self._parents[row] != row:
            row = self._parents[row]
        return row

    def _equate(self, one: int, other: int) -> None:
        self._parents[self._root(one)] = self._root(other)


def _united(select: Node) -> Iterator[Node]:
    """The parts of a UNION."""
    if "larg" in select:
        yield from _united(select["larg"])
        yield from _united(select["rarg"])
    else:
        yield select


def _anded(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    if node.get("BoolExpr", {}).get("boolop") == "AND_EXPR":
        for each in node["BoolExpr"]["args"]:
            yield from _anded(each)
    elif "A_Expr" in node:
        yield node["A_Expr"]


def _statements(value: Any) -> Generator[Node]:
    """The SELECTs inside an expression, the outermost ones."""
    for key, each in _parts(value):
        if key == "SelectStmt":
            yield {key: each}
        else:
            yield from _statements(each)


def _parameters(value: Any) -> Generator[int]:
    for key, each in _parts(value):
        if key == "ParamRef":
            yield each["number"]
        yield from _parameters(each)


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        return [("", each) for each in cast("list[Any]", value)]
    return list(cast("Node", value).items()) if isinstance(value, dict) else []
