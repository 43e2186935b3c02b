"""The search of what tests write finds what may not be there, wherever it comes from. Run for real, in a pytest."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.canaries import CANARY, found_in, noted
from tests.tokens import signed

LEAKS = """
import logging, subprocess, sys
import pytest
from tests.canaries import CANARY, noted
from tests.hub import SECRET
from tests.tokens import signed

def test_quiet():
    print("nothing of anybody's")

def test_a_token_on_standard_output():
    print("Bearer", signed({}))

def test_a_secret_on_standard_error_of_a_child():
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write(sys.argv[1])", SECRET], check=True)

def test_what_somebody_said_in_the_log():
    noted("My cat died yesterday, what can I do?")
    logging.getLogger("any").warning("cannot keep %r", "My cat died yesterday, what can I do?")

@pytest.fixture
def leaving():
    yield
    print(CANARY)

def test_the_canary_after_the_test(leaving):
    pass
"""


def test_a_leak_fails_its_test_and_is_not_repeated(tmp_path: Path) -> None:
    leaking = tmp_path / "test_leaks.py"
    leaking.write_text(LEAKS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.canaries", "-p", "no:cacheprovider", "-rA", "--color=no"]
    ran = subprocess.run([*command, str(leaking)], capture_output=True, text=True, check=False)
    told = [line.split("::")[1].split()[0] for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert sorted(told) == [
        "test_a_secret_on_standard_error_of_a_child",
        "test_a_token_on_standard_output",
        "test_the_canary_after_the_test",
        "test_what_somebody_said_in_the_log",
    ], ran.stdout
    assert found_in(ran.stdout) == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (f"Bearer {signed({})}", ["a token"]),
        (f"device {CANARY} joined", ["the canary"]),
        ("eyJ is how they begin", []),
        ("what I say here and what you say there", ["what somebody said"]),
        ("", []),
    ],
)
def test_what_is_found_is_named_by_its_kind(text: str, kinds: list[str]) -> None:
    noted("what I say here and what you say there")
    noted("short one")
    assert found_in(text) == kinds
    assert found_in("this is a short one") == []
