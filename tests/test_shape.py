"""The shape of the code: small functions, and files that a reader can hold."""

import ast
from pathlib import Path

import pytest

FOLDERS = ("server", "protocol", "client", "sql", "loadtest", "tests")
SOURCES = sorted(path for folder in FOLDERS for path in Path(folder).rglob("*.py"))
LONGEST_BODY = 40
LONGEST_FILE = 300


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_a_file_says_what_it_is_and_if_it_is_long_why(path: Path) -> None:
    text = path.read_text()
    law = ast.get_docstring(ast.parse(text)) or ""
    assert law or path.is_relative_to("tests"), "a module says what it is"
    assert len(text.splitlines()) <= LONGEST_FILE or "Long because" in law


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_body_is_longer_than_a_reader_can_hold(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {each.name: lines for each in functions if (lines := _body_lines(each)) > LONGEST_BODY} == {}
