"""The PostgreSQL that comes with tutorhub, started and stopped for real."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import scalar_row

from server.errors import StartupError
from server.store import shared
from server.store.embedded import embedded
from tests.conftest import fresh_folder

# A hub that is killed before its time: it says how to connect, and waits.
HUB = """
import sys
from pathlib import Path
from uuid import uuid4
from server.store.embedded import embedded
with embedded(Path(sys.argv[1]), durable=False) as conninfo:
    print(conninfo, flush=True)
    sys.stdin.read()
"""


def value(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo, autocommit=True, row_factory=scalar_row) as conn:
        return conn.execute(query.encode()).fetchone()


def write(conninfo: str) -> str:
    """A new word; it must be the last one from now on."""
    word = f"phở {uuid4()}"
    with psycopg.connect(conninfo) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS kept (id bigserial, word text)")
        conn.execute("INSERT INTO kept (word) VALUES (%s)", [word])
    return word


def last(conninfo: str) -> object:
    return value(conninfo, "SELECT word FROM kept ORDER BY id DESC LIMIT 1")


@pytest.fixture(scope="module")
def used_dir() -> Generator[Path]:
    """The folder of a hub that was here before. Each test leaves it stopped and whole."""
    with fresh_folder() as folder:
        yield folder


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def reachable(conninfo: str) -> bool:
    with suppress(psycopg.OperationalError):
        return value(conninfo, "SELECT 1") == 1
    return False


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres/postmaster.pid").read_text().splitlines()[0])


@contextmanager
def hub(data_dir: Path) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Another process that uses the folder."""
    command = [sys.executable, "-c", HUB, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process, process.stdout.readline().strip()


def kill_server(data_dir: Path) -> str:
    """As a power cut would, with the pid file left behind; the word that was written just before."""
    with hub(data_dir) as (process, conninfo):
        word = write(conninfo)
        with psycopg.connect(conninfo) as conn:
            os.kill(server_pid(data_dir), signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                conn.execute("SELECT pg_sleep(30)")  # ends when the server's other processes do
        process.kill()
    return word


def test_starts_from_nothing(data_dir: Path) -> None:
    with embedded(data_dir / "new" / "folder", durable=False) as conninfo:
        assert value(conninfo, "SELECT current_database()") == "tutorhub"
        assert value(conninfo, "SHOW server_encoding") == "UTF8"
        assert value(conninfo, "SELECT lower('ĐƯỜNG')") == "đường"
        assert value(conninfo, "SHOW data_checksums") == "on"
        assert int(str(value(conninfo, "SHOW max_connections"))) >= 100


def test_is_durable_unless_told_otherwise(used_dir: Path) -> None:
    with embedded(used_dir) as conninfo:
        assert value(conninfo, "SHOW fsync") == "on"
        assert value(conninfo, "SHOW synchronous_commit") == "on"
    with embedded(used_dir, durable=False) as conninfo:
        assert value(conninfo, "SHOW fsync") == "off"


def test_can_only_be_reached_through_a_private_socket(used_dir: Path) -> None:
    with embedded(used_dir, durable=False) as conninfo:
        assert value(conninfo, "SHOW listen_addresses") == ""
        assert (used_dir / "postgres").stat().st_mode & 0o777 == 0o700
        assert (used_dir / "postgres/.s.PGSQL.5432").is_socket()


def test_keeps_its_data_through_a_restart(used_dir: Path) -> None:
    with embedded(used_dir, durable=False) as conninfo:
        word = write(conninfo)
    with embedded(used_dir, durable=False) as conninfo:
        assert last(conninfo) == word


def test_stops_when_the_hub_stops(used_dir: Path) -> None:
    with embedded(used_dir, durable=False) as conninfo:
        assert server_pid(used_dir)
    assert not (used_dir / "postgres/postmaster.pid").exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(conninfo)


def test_stops_when_the_hub_fails(used_dir: Path) -> None:
    with suppress(RuntimeError), embedded(used_dir, durable=False):
        assert server_pid(used_dir)
        raise RuntimeError
    assert not (used_dir / "postgres/postmaster.pid").exists()


def test_a_second_hub_on_the_same_folder_joins_and_the_last_to_leave_stops_the_server(used_dir: Path) -> None:
    with hub(used_dir) as (process, conninfo):
        with embedded(used_dir) as joined:
            assert joined == conninfo
            process.communicate("")
            assert process.returncode == 0
            assert value(joined, "SELECT 1") == 1
    assert not (used_dir / "postgres/postmaster.pid").exists()


def test_a_hub_that_leaves_does_not_stop_the_server_of_the_others(used_dir: Path) -> None:
    with hub(used_dir) as (process, conninfo):
        with embedded(used_dir):
            pass
        assert value(conninfo, "SELECT 1") == 1
        process.communicate("")
    assert not (used_dir / "postgres/postmaster.pid").exists()


def test_a_hub_that_is_killed_takes_nothing_down_and_does_not_count_as_here(used_dir: Path) -> None:
    with hub(used_dir) as (process, conninfo), embedded(used_dir):
        process.kill()
        process.wait()
        assert value(conninfo, "SELECT 1") == 1
    assert not (used_dir / "postgres/postmaster.pid").exists()


def test_a_server_that_is_killed_under_a_hub_is_started_again(used_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "LOOKS_EVERY", 0.1)
    with embedded(used_dir, durable=False, watched=True) as conninfo:
        word = write(conninfo)
        killed = server_pid(used_dir)
        os.kill(killed, signal.SIGKILL)
        until(lambda: reachable(conninfo))
        assert server_pid(used_dir) != killed
        assert last(conninfo) == word
    assert not (used_dir / "postgres/postmaster.pid").exists()


def test_the_server_of_a_killed_hub_is_taken_over(used_dir: Path) -> None:
    with hub(used_dir) as (process, conninfo):
        word = write(conninfo)
        pid = server_pid(used_dir)
        process.kill()
    with embedded(used_dir, durable=False) as conninfo:
        assert server_pid(used_dir) == pid
        assert last(conninfo) == word
    assert not (used_dir / "postgres/postmaster.pid").exists()


def test_the_server_of_a_killed_hub_may_be_stopping_just_now(used_dir: Path) -> None:
    with hub(used_dir) as (process, conninfo):
        word = write(conninfo)
        process.kill()
    pid = server_pid(used_dir)
    os.kill(pid, signal.SIGINT)
    with embedded(used_dir, durable=False) as conninfo:
        assert server_pid(used_dir) != pid
        assert last(conninfo) == word


def test_starts_after_a_power_cut(used_dir: Path) -> None:
    word = kill_server(used_dir)
    assert (used_dir / "postgres/postmaster.pid").exists()
    with embedded(used_dir, durable=False) as conninfo:
        assert last(conninfo) == word


def test_starts_after_a_power_cut_though_another_program_has_the_process_id_now(used_dir: Path) -> None:
    word = kill_server(used_dir)
    owner = (used_dir / "postgres").stat().st_uid  # PostgreSQL minds only the programs of its own user
    other = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None)
    try:
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            file = used_dir / "postgres" / name
            file.write_text("\n".join([str(other.pid), *file.read_text().splitlines()[1:], ""]))
        with embedded(used_dir, durable=False) as conninfo:
            assert last(conninfo) == word
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_starts_after_it_was_interrupted_while_making_its_folder(data_dir: Path) -> None:
    (data_dir / "postgres.new").mkdir()
    (data_dir / "postgres.new/PG_VERSION").write_text("18\n")
    with embedded(data_dir, durable=False) as conninfo:
        assert value(conninfo, "SELECT 1") == 1


def test_a_folder_with_a_long_name_gets_its_socket_elsewhere(data_dir: Path) -> None:
    folder = data_dir / ("long" * 30)
    with embedded(folder, durable=False) as conninfo:
        socket_folder = Path(str(conninfo_to_dict(conninfo)["host"]))
        assert socket_folder.is_relative_to(tempfile.gettempdir())
        assert socket_folder.stat().st_mode & 0o777 == 0o700
        assert value(conninfo, "SELECT 1") == 1
    assert not socket_folder.exists()


def test_a_folder_may_have_spaces_and_quotes_in_its_name(data_dir: Path) -> None:
    with embedded(data_dir / "Thầy's data, here", durable=False) as conninfo:
        assert value(conninfo, "SELECT 1") == 1


@contextmanager
def changed(file: Path, text: str) -> Generator[None]:
    before = file.read_text()
    file.write_text(text)
    yield
    file.write_text(before)


def test_data_of_another_version_are_refused_in_a_clear_line(used_dir: Path) -> None:
    with embedded(used_dir, durable=False):
        pass
    refused = pytest.raises(StartupError, match=r"of PostgreSQL 9, here is \d+\. .*pg_dump")
    with changed(used_dir / "postgres/PG_VERSION", "9\n"), refused, embedded(used_dir):
        pass


def test_a_server_that_cannot_start_says_why_in_one_line(used_dir: Path) -> None:
    with embedded(used_dir, durable=False):
        pass
    refused = pytest.raises(StartupError, match="no_such_setting")
    with changed(used_dir / "postgres/postgresql.conf", "no_such_setting = 1\n"), refused as why, embedded(used_dir):
        pass
    assert "\n" not in str(why.value)


def test_a_data_folder_that_is_a_file_is_refused_in_one_line(data_dir: Path) -> None:
    (data_dir / "file").touch()
    with pytest.raises(StartupError, match="TUTORHUB_DATABASE_URL"), embedded(data_dir / "file"):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has PostgreSQL run as another user")
def test_root_does_not_open_a_closed_folder(data_dir: Path) -> None:
    data_dir.chmod(0o700)
    with pytest.raises(StartupError, match=f"nobody.*cannot enter {data_dir}"), embedded(data_dir / "inside"):
        pass
    assert data_dir.stat().st_mode & 0o777 == 0o700
