"""The proof itself: a short one holds, the same seed plans the same, and an interrupted one leaves nothing behind."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from loadtest.evidence import Leniency, Window
from loadtest.nemesis import Injected
from loadtest.plan import Planned
from loadtest.process import account, children, title
from loadtest.prove import leniency
from loadtest.tutor import Tutor

pytestmark = pytest.mark.usefixtures("needs_redis")

PROVE = (sys.executable, "-m", "loadtest", "prove")
SEED = "1607"
"""A subset of faults with one of every family: a crash, a deploy, a lost Redis, a lost database, a storm."""
WORLDS = Path("/var/lib/tutorhub")


def _said(*arguments: str) -> str:
    return subprocess.run([*PROVE, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.timeout(420)
def test_no_promise_is_broken_in_a_minute_of_faults(tmp_path: Path) -> None:
    file, kept = tmp_path / "result.json", tmp_path / "kept"
    options = ("--seed", SEED, "--minutes", "1", "--users", "3", "--devices", "2")
    done = subprocess.run(
        [*PROVE, *options, "--json", str(file), "--keep", str(kept)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(file.read_text())
    assert len({name for each in result["met"] for name in each["faults"]}) >= 8
    assert result["counts"]["acknowledged"] > 10
    assert result["violations"] == result["findings"] == []
    assert sorted(each.name for each in kept.glob("*.log")) == [f"instance-{name}.log" for name in "abc"]


def test_the_same_seed_plans_the_same_and_only_names_what_is_met() -> None:
    assert _said("--plan", "--seed", "3", "--minutes", "5") == _said("--plan", "--seed", "3", "--minutes", "5")
    lines = _said("--plan", "--minutes", "1", "--only", "redis-freeze").splitlines()
    assert lines
    assert all("redis-freeze" in line for line in lines)
    assert "pg-fail-over" in _said("--list")


def test_a_lost_redis_excuses_nothing_and_a_killed_instance_its_time_and_its_tail() -> None:
    def met(name: str) -> Injected:
        return Injected(planned=Planned(3.0, (name,), 2.0, "1 0"), note="", began=103.0, ended=105.0)

    tutor = Tutor(1, (20, 60))
    patient = Leniency(spoiled=tutor.has_spoiled)
    assert leniency([met("redis-black-hole-all"), met("tutor-cut")], tutor) == patient
    killed = structs.replace(patient, slow=[Window(103.0, 115.0)], lost=[103.0, 105.0])
    assert leniency([met("hub-kill-owner")], tutor) == killed


def test_a_fault_that_does_not_exist_is_refused_in_a_line() -> None:
    done = subprocess.run([*PROVE, "--only", "flood"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no fault's name begins with 'flood'" in done.stderr


def test_an_interrupted_proof_ends_all_that_it_started(tmp_path: Path) -> None:
    with subprocess.Popen([*PROVE, "--keep", str(tmp_path / "kept")], stdout=subprocess.PIPE, text=True) as proof:
        assert proof.stdout is not None
        assert "instances, PostgreSQL and Redis run" in proof.stdout.readline()
        worlds, started = _worlds(), children(proof.pid)
        proof.send_signal(signal.SIGINT)
        said = proof.stdout.read()
        assert proof.wait() == 2
    assert "Interrupted: everything that was started has been ended." in said
    assert len(started) >= 5
    assert [title(each) for each in started if title(each)] == []
    assert worlds - _worlds() or not account()


def _worlds() -> set[str]:
    """Their folders, where those of root are."""
    return {path.name for path in WORLDS.glob("prove-*")}
