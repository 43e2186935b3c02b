"""The table of threats, line by line: what is done to a real hub, and exactly what comes of it.

Meanwhile somebody else is on the hub whom nothing may harm, and in the end the process holds what it held before; see
conftest.py. The rows are those of docs/security.md.
"""

import re
from pathlib import Path

import pytest

from tests.threats import contents, doors, frames
from tests.threats.attack import Case
from tests.threats.elsewhere import ELSEWHERE, NOT_HERE
from tests.threats.ground import Attacked

CASES = (*doors.CASES, *frames.CASES, *contents.CASES)
ROWS = range(1, 41)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.row}, {case.what[:60]}")
async def test_what_is_hostile_gets_its_answer_and_nobody_else_notices(ground: Attacked, case: Case) -> None:
    assert await case.attack(ground) == case.answer


def test_every_row_has_its_cases_or_says_where_they_are() -> None:
    tried = {case.row for case in CASES} | ELSEWHERE.keys()
    assert tried | NOT_HERE.keys() == set(ROWS)
    assert tried.isdisjoint(NOT_HERE), "it is tried after all"


@pytest.mark.parametrize(("path", "name"), [each for tests in ELSEWHERE.values() for each in tests])
def test_a_test_elsewhere_is_there(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", Path(path).read_text(), re.MULTILINE)


def test_the_page_about_security_has_every_row_and_every_answer() -> None:
    page = Path("docs/security.md").read_text()
    lines = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    missing = [(case.row, case.answer) for case in CASES if f"`{case.answer}`" not in lines.get(str(case.row), "")]
    assert missing == []
