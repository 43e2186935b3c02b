"""Every query is real SQL for the schema that the migrations make, and nothing else is ever executed."""

import ast
from pathlib import Path

import psycopg
import pytest

from sql import load, tables
from tests.sql.plans import numbered
from tests.sql.routing import MANY, ONE, unbound

QUERIES = [(table, name) for table in tables() for name in load(table)]
OWN_CONSTANTS = {
    Path("loadtest/dump.py"),
    Path("loadtest/fill/database.py"),
    Path("loadtest/fill/loading.py"),
    Path("loadtest/statements.py"),
}
SOURCES = sorted(path for folder in ("server", "client", "loadtest") for path in Path(folder).rglob("*.py"))


@pytest.mark.parametrize(("table", "name"), QUERIES, ids=[f"{table}.{name}" for table, name in QUERIES])
def test_a_query_can_be_prepared_against_the_migrated_schema(database_url: str, table: str, name: str) -> None:
    text, _ = numbered(table, name)
    with psycopg.connect(database_url, autocommit=True) as conn:
        if text.lstrip().upper().startswith(b"CREATE"):
            conn.execute(text)
        else:
            conn.execute(b"PREPARE tried AS " + text)


@pytest.mark.parametrize("table", tables())
def test_a_query_is_used_by_the_file_that_loads_it(table: str) -> None:
    files = [path.read_text() for path in Path("server/store").glob("*.py")]
    users = "".join(text for text in files if f'load("{table}")' in text)
    for name in load(table):
        assert f'["{name}"]' in users, f"{table}.{name} is used by nobody"


SPANNING = {
    "due_of_all_users": "whose reply nobody writes, for whoever has room",
    "heads_of_users": "whether a room of this instance has missed its last number",
    "open_in_sessions_of_users": "whether a reply that is shown here is still written",
    "keep_of_users": "what an instance writes, kept at once; `keep` is its twin for one",
    "changes_of_users": "what devices have missed that come back at the same moment",
    "snapshot_of_users": "as changes_of_users, of those who hold nothing that is of use",
    "send_of_users": "what learners send at the same moment; what it passes over is sent alone",
    "revoked_lately_of_all_users": "whom an instance has to close",
    "forget_expired_of_all_users": "tokens that are of no use any more",
    "revoked_of_users": "whether those who come at once are in good standing",
    "left_of_all_users": "whose erasure a lost instance has begun",
    "see_devices_of_users": "who was here in the last seconds, written at once",
    "forget_old_devices_of_users": "as see_devices_of_users",
    "behind_of_all_users": "for the operator who gives all users another key",
    "key_uses_of_all_users": "how far that is",
    "candidates_of_all_users": "which files no message names any more",
    "known_of_all_users": "whose the bytes are that lie in a depot",
}
"""The queries that span users, and what for. Those `_of_users` are given a list of them, and may be split along it."""


@pytest.mark.parametrize(("table", "name"), QUERIES, ids=[f"{table}.{name}" for table, name in QUERIES])
def test_a_query_is_bound_to_one_user_or_to_a_list_of_them_or_says_that_it_spans_all(table: str, name: str) -> None:
    """Where users are spread over several databases, it goes to the one that has its user: as it is, or split."""
    text = load(table)[name].decode()
    if name in SPANNING and name.endswith("_of_all_users"):
        assert unbound(text, ONE), f"{table}.{name} does not span users"
    else:
        assert unbound(text, MANY if name.endswith("_of_users") else ONE) == [], (
            f"{table}.{name} spans users: what for?"
        )
    assert (name in SPANNING) is name.endswith(("_of_users", "_of_all_users")), f"{table}.{name}"


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("SELECT seq FROM users", ["users"]),
        ("SELECT 1 FROM messages WHERE user_id = %(user)s OR true", ["messages"]),
        ("SELECT 1 FROM messages WHERE NOT user_id = %(user)s", ["messages"]),
        ("SELECT 1 FROM messages AS m, sessions AS s WHERE m.user_id = %(user)s", ["sessions"]),
        ("SELECT 1 FROM messages AS m, sessions AS s WHERE m.user_id = %(user)s AND m.session_id = s.id", ["sessions"]),
        ("SELECT 1 FROM turns WHERE user_id = %(user)s AND EXISTS (SELECT FROM messages)", ["messages"]),
        ("SELECT (SELECT max(seq) FROM messages) FROM users WHERE user_id = %(user)s", ["messages"]),
        ("WITH found AS (SELECT id FROM messages) SELECT id FROM found", ["messages"]),
        ("UPDATE sessions SET seq = 1 FROM users AS u WHERE u.user_id = %(user)s", ["sessions"]),
        ("DELETE FROM messages USING users AS u WHERE u.user_id = %(user)s", ["messages"]),
        ("INSERT INTO media (user_id, id) VALUES (%(media)s, %(user)s)", ["media"]),
        ("INSERT INTO devices (user_id, id) SELECT id, user_id FROM media WHERE user_id = %(user)s", ["devices"]),
        ("SELECT 1 FROM messages WHERE user_id = %(user)s UNION SELECT 1 FROM sessions", ["sessions"]),
        ("INSERT INTO media (user_id) SELECT %(user)s UNION SELECT user_id FROM messages", ["media", "messages"]),
        ("SELECT 1 FROM messages WHERE user_id <> %(user)s", ["messages"]),
        ("SELECT 1 FROM messages WHERE user_id = ANY(%(users)s)", ["messages"]),
    ],
)
def test_what_is_not_bound_to_the_user_is_noticed(statement: str, tables: list[str]) -> None:
    assert unbound(statement) == tables


def test_what_spans_users_is_there() -> None:
    assert set(SPANNING) <= {name for table in tables() for name in load(table)}


def _executed(tree: ast.AST) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("execute", "executemany", "copy")
        and (node.args or node.keywords)  # a copy of nothing named is one of a hash
    ]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_what_is_executed_is_a_statement_of_the_loader(path: Path) -> None:
    """`execute` is called in two files, with a parameter whose type is Statement; callers give `load(…)[name]`.

    The dump of the proof, which may not know the hub's SQL, has constants of its own, and so have the filling, which
    copies, and what is held against psql, which sets how a connection plans.
    """
    tree = ast.parse(path.read_text())
    for call in _executed(tree):
        if path in OWN_CONSTANTS:
            assert isinstance(call.args[0], ast.Name), f"{path}:{call.lineno} puts a statement together"
            assert call.args[0].id.isupper(), f"{path}:{call.lineno}"
            continue
        assert path.name in ("pool.py", "migrations.py"), f"{path}:{call.lineno} executes by itself"
        assert isinstance(call.args[0], ast.Name), f"{path}:{call.lineno} puts a statement together"
        assert call.args[0].id == "statement", f"{path}:{call.lineno}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("fetch_one", "fetch_all"):
                assert isinstance(node.args[2], ast.Subscript), f"{path}:{node.lineno}"
            if node.func.id == "execute" and path.name != "pool.py":
                assert isinstance(node.args[1], ast.Subscript), f"{path}:{node.lineno}"
            assert node.func.id != "Statement", f"{path}:{node.lineno} makes a Statement by itself"


def test_a_name_that_is_used_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "twice.sql").write_text("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n")

    def folder(_: str) -> Path:
        return tmp_path

    monkeypatch.setattr("sql.files", folder)
    with pytest.raises(ValueError, match="a name twice"):
        load("twice")
