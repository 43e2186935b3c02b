"""What may stand in no log: tokens, secrets, and what people say. A plugin of pytest's.

After every test all that it wrote, and its child processes, is searched: standard output, standard error, the log. A
hit fails the test, and is not repeated. What the suite's devices and tutors say is noted here, and so is a canary.
"""

import re
from collections.abc import Generator
from typing import Any

import pytest

from tests.hub import SECRET

CANARY = "zyxomma-canary"
"""A word that no log has of its own. Each device of the suite has it in its name."""
SECRETS = (SECRET, "canary-password", "sk-secret-0123456789", "another secret, also long enough to be one")
TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
SHORTEST = 16
"""What is shorter may be in a log by chance."""
KEPT = 80
"""So much of the beginning of what was said is looked for."""
_said: set[str] = set()


def noted(text: Any) -> None:
    """Somebody says this, and it is nobody else's business."""
    if isinstance(text, str) and len(text.strip()) >= SHORTEST and " " in text.strip():
        _said.add(text.strip()[:KEPT])


def found_in(text: str) -> list[str]:
    """What is in it that should not be, by its kind."""
    kinds = {
        "a token": TOKEN.search(text) is not None,
        "a secret": any(secret in text for secret in SECRETS),
        "the canary": CANARY in text,
        "what somebody said": any(said in text for said in _said),
    }
    return [kind for kind, found in kinds.items() if found]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    leaks = {name: found for name, text in report.sections if (found := found_in(text))}
    report.sections = [(name, text) for name, text in report.sections if name not in leaks]
    now = [f"{name}: {', '.join(found)}" for name, found in leaks.items() if name.endswith(call.when)]
    if now:  # what was written before was told with its own report
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} wrote what may stand in no log. {'; '.join(now)}."
    return report
