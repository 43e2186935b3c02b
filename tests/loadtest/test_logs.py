"""What a log may not hold is found in it."""

from pathlib import Path

from loadtest.logs import findings

SECRET = "canary-123"


def _found(folder: Path, *lines: str) -> list[str]:
    log = folder / "instance-a.log"
    log.write_text("\n".join(lines) + "\n")
    return findings(log, [SECRET])


def test_a_quiet_log_is_no_finding(tmp_path: Path) -> None:
    assert _found(tmp_path, '{"event": "late_failure", "level": "info"}', "Started server process [1]") == []


def test_a_failed_task_and_a_trace_are_found_with_their_place(tmp_path: Path) -> None:
    task, trace = _found(tmp_path, '{"event": "task_failed"}', "fine", "Traceback (most recent call last):")
    assert task.startswith("instance-a.log:1 ")
    assert trace.startswith("instance-a.log:3 ")


def test_a_secret_is_found_and_not_repeated(tmp_path: Path) -> None:
    password, token = _found(tmp_path, f"postgresql://x:{SECRET}@y", "Bearer eyJhbGciOiJIUzI1.eyJzdWIiOiJh.c2ln")
    assert SECRET not in password
    assert "eyJzdWIiOiJh" not in token
