"""The proof over a cluster of six: a primary is killed under load, nothing is lost, soon all is heard live again."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from loadtest.crossing import Crossing, Typed
from loadtest.faults import FAULTS
from loadtest.prove import HEARD_AGAIN, Options
from loadtest.redis_cluster import NODE_TIMEOUT
from loadtest.result import Result

pytestmark = pytest.mark.usefixtures("needs_redis")

KILLED = "cluster-kill-primary"


def _proven(folder: Path, *arguments: str) -> Result:
    """Once a primary is killed while three learners work on two instances, and comes back."""
    file = folder / "result.json"
    options = ("--cluster", "--only", KILLED, "--minutes", "0.3", "--instances", "2", "--users", "3", "--devices", "2")
    command = (sys.executable, "-m", "loadtest", "prove", *options, "--json", str(file), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert file.exists(), done.stdout + done.stderr
    result = msgspec.json.decode(file.read_bytes(), type=Result)
    assert done.returncode == (0 if result.passed else 1), done.stdout
    return result


@pytest.mark.timeout(240)
def test_while_a_primary_is_killed_under_load_no_promise_is_broken_and_soon_all_is_heard_again(tmp_path: Path) -> None:
    result = _proven(tmp_path)
    assert result.findings == []
    assert result.violations == []
    assert result.counts["acknowledged"] > 10
    limit = FAULTS[KILLED].deafens
    assert limit is not None
    assert NODE_TIMEOUT / 1_000 < result.figures[HEARD_AGAIN.format(KILLED)].max <= limit  # it was felt, and mended


@pytest.mark.timeout(240)
def test_a_hub_that_never_asks_who_has_taken_over_is_found_out(tmp_path: Path) -> None:
    result = _proven(tmp_path, "--hub", f"{sys.executable} -m tests.planted keep-to-the-first")
    assert any("not all was heard on other instances" in finding for finding in result.findings)


def test_one_is_deaf_until_the_last_that_was_not_heard() -> None:
    crossing = Crossing()
    crossing.typed = [Typed(each, heard) for each, heard in ((9, False), (10.5, False), (11, True), (12, False))]
    assert crossing.deaf_for(10, 20) == 2
    assert crossing.deaf_for(10, 12) == 0.5
    assert crossing.deaf_for(12.5, 20) == 0


def test_a_world_is_only_hit_by_what_it_has() -> None:
    over_one, over_six = (
        {fault.family for fault in Options(seed=1, minutes=1, cluster=cluster).chosen} for cluster in (False, True)
    )
    assert over_one - over_six == {"redis"}
    assert over_six - over_one == {"cluster"}
