"""The Redis that comes with tutorhub, started and stopped for real."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from redis import Redis, RedisError

from server.fanout import embedded_redis as rooms
from server.fanout.embedded_redis import address, embedded_redis
from server.store import shared

# A hub that says where its Redis is, and waits.
HUB = """
import sys
from pathlib import Path
from server.fanout.embedded_redis import embedded_redis
with embedded_redis(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def hub(data_dir: Path) -> Generator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", HUB, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process, process.stdout.readline().strip()


def answers(url: str | None) -> bool:
    assert url
    try:
        with Redis.from_url(url) as redis:
            return bool(redis.ping())
    except RedisError:
        return False


def setting(url: str | None, name: str) -> str:
    assert url
    with Redis.from_url(url, decode_responses=True) as redis:
        return str(redis.config_get(name)[name])


def server_pid(data_dir: Path) -> int:
    file = data_dir / "redis/redis.pid"
    until(lambda: file.exists() and bool(file.read_text().strip()))  # it listens before it writes that
    return int(file.read_text())


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_runs_while_a_hub_does_and_nothing_of_it_is_saved(data_dir: Path) -> None:
    with embedded_redis(data_dir) as url:
        assert url == address(data_dir)
        assert answers(url)
        assert setting(url, "save") == ""
        assert setting(url, "appendonly") == "no"
        assert setting(url, "port") == "0"
        assert (data_dir / "redis").stat().st_mode & 0o777 == 0o700
    assert not answers(url)
    assert {file.name for file in (data_dir / "redis").iterdir()} == {"redis.log"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has it run as another user")
def test_for_root_it_runs_as_nobody(data_dir: Path) -> None:
    with embedded_redis(data_dir):
        assert Path(f"/proc/{server_pid(data_dir)}").stat().st_uid == (data_dir / "redis").stat().st_uid != 0


def test_the_last_of_several_hubs_stops_it(data_dir: Path) -> None:
    with ExitStack() as stack:
        hubs = [stack.enter_context(hub(data_dir)) for _ in range(3)]
        assert {url for _, url in hubs} == {address(data_dir)}
        hubs[0][0].communicate("")
        hubs[1][0].kill()
        hubs[1][0].wait()
        assert answers(hubs[2][1])
        hubs[2][0].communicate("")
    assert not answers(address(data_dir))


def test_one_that_a_killed_hub_left_behind_is_taken_over(data_dir: Path) -> None:
    with hub(data_dir) as (process, _):
        process.kill()
    pid = server_pid(data_dir)
    with embedded_redis(data_dir) as url:
        assert answers(url)
        assert server_pid(data_dir) == pid
    assert not answers(url)


def test_one_that_is_killed_under_a_hub_is_started_again(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "LOOKS_EVERY", 0.05)
    with embedded_redis(data_dir, watched=True) as url:
        killed = server_pid(data_dir)
        os.kill(killed, signal.SIGKILL)
        until(lambda: server_pid(data_dir) != killed and answers(url))
    assert not answers(url)


def test_one_that_is_frozen_does_not_keep_a_hub_from_leaving(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "_STOPS_WITHIN", 0.2)
    with embedded_redis(data_dir) as url:
        os.kill(server_pid(data_dir), signal.SIGSTOP)
    assert not answers(url)


def test_a_folder_may_have_spaces_and_quotes_in_its_name(data_dir: Path) -> None:
    with embedded_redis(data_dir / "Thầy's data, 100% here") as url:
        assert answers(url)


def test_a_folder_whose_name_is_too_long_for_a_socket_has_none(data_dir: Path) -> None:
    with embedded_redis(data_dir / ("long" * 30)) as url:
        assert url is None


def test_without_a_program_there_is_none(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "redis_program", lambda: None)
    with embedded_redis(data_dir) as url:
        assert url is None


def test_a_program_that_does_not_run_is_as_good_as_none(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "redis_program", lambda: Path("/bin/false"))
    with embedded_redis(data_dir) as url:
        assert url is None
