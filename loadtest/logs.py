"""What an instance's log may not hold: failed tasks, traces of stacks, secrets."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.")
EXCERPT = 300
AT_MOST = 5
"""Findings of one kind in one log: the first show what it is."""
FAILURES = ('"event": "task_failed"', "Traceback (most recent call last)", '"level": "critical"')


def findings(log: Path, secrets: Iterable[str]) -> list[str]:
    """Each with its place, and without the secret."""
    hidden = list(secrets)
    found: dict[str, list[str]] = {}
    with log.open(errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            for kind in _kinds(line, hidden):
                found.setdefault(kind, []).append(f"{log.name}:{number} {kind}: {_clean(line, hidden)}")
    return [each for kind in found.values() for each in kind[:AT_MOST]]


def _kinds(line: str, secrets: list[str]) -> Iterator[str]:
    if any(failure in line for failure in FAILURES):
        yield "a failure"
    if TOKEN.search(line) or any(secret in line for secret in secrets):
        yield "a secret"


def _clean(line: str, secrets: list[str]) -> str:
    for secret in secrets:
        line = line.replace(secret, "…")
    return TOKEN.sub("…", line).strip()[-EXCERPT:]
