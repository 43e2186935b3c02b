"""A target that may not be loaded, is not there, is no hub, or speaks another version: said before anything begins."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from click.testing import CliRunner
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from loadtest.process import WorldFailed
from loadtest.run.command import run_command
from loadtest.run.target import Target, check_address, erase, look_at, tokens
from loadtest.tokens import token
from tests.hub import SECRET, running

TOKEN = token(SECRET, "ada")
Answer = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def speaking(subprotocol: str | None, *said: str) -> AsyncGenerator[str]:
    """A server of another program: it chooses a subprotocol, whatever was offered, and answers with these frames."""

    async def answer(socket: ServerConnection) -> None:
        await socket.recv()
        for each in said:
            await socket.send(each)
        await socket.wait_closed()

    def choose(_socket: ServerConnection, _offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return None if subprotocol is None else Subprotocol(subprotocol)

    async with serve(answer, "127.0.0.1", 0, select_subprotocol=choose) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:8000/", "ws://[::1]:8000/ws", "http://127.9.9.9"]
)
def test_this_machine_may_be_loaded(url: str) -> None:
    check_address(url, owned=False)


@pytest.mark.parametrize("url", ["https://hub.example", "http://10.0.0.7:8000", "http://localhost.evil.example:80"])
def test_another_machine_may_be_loaded_only_by_who_owns_it(url: str) -> None:
    with pytest.raises(ValueError, match="--i-own-this-host"):
        check_address(url, owned=False)
    check_address(url, owned=True)
    run = CliRunner().invoke(run_command, ["--url", url])
    assert run.exit_code == 2
    assert "--i-own-this-host" in run.output


@pytest.mark.parametrize("url", ["hub.example", "ftp://127.0.0.1", "http://", "http://127.0.0.1:notaport"])
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    with pytest.raises(ValueError, match="is no address of a hub"):
        check_address(url, owned=True)


async def test_where_nobody_listens_there_is_no_hub() -> None:
    with pytest.raises(WorldFailed, match=r"There is no hub at http://127\.0\.0\.1:1"):
        await look_at("http://127.0.0.1:1", TOKEN)


async def test_a_web_server_is_no_hub() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(WorldFailed, match="cannot be loaded: it answers 200 OK"):
            await look_at(f"http://127.0.0.1:{port}", TOKEN)


@pytest.mark.parametrize("subprotocol", ["tutorhub.v2", None])
async def test_a_hub_of_another_version_is_told_from_ours(subprotocol: str | None) -> None:
    async with speaking(subprotocol) as url:
        with pytest.raises(WorldFailed, match=r"cannot be loaded: .* Is it a hub that speaks tutorhub\.v1\?"):
            await look_at(url, TOKEN)


@pytest.mark.parametrize(
    "said", ["hello", '{"type":"welcome","ref":"one"}', '{"type":"pong","ref":1}', '{"type":"new"}']
)
async def test_who_gives_no_welcome_of_ours_speaks_another_version(said: str) -> None:
    async with speaking("tutorhub.v1", said) as url:
        with pytest.raises(WorldFailed, match="speaks another version of the protocol"):
            await look_at(url, TOKEN)


async def test_a_hub_lets_in_who_has_a_token_and_says_why_not(database_url: str) -> None:
    async with running(database_url) as hub:
        await look_at(hub.url, hub.token("ada"))
        with pytest.raises(WorldFailed, match=r"lets nobody in: .*unauthenticated"):
            await look_at(hub.url, token("another secret, which is as long as it must be", "ada"))


async def test_users_sign_in_as_the_hub_has_it(database_url: str) -> None:
    async with running(database_url, dev_sign_in=True) as hub:
        held = await tokens(Target([hub.url], None), ["ada", "grace"])
        for each in [*held, *await tokens(Target([hub.url], SECRET), ["ada"])]:
            await look_at(hub.url, each)
        assert await erase(Target([hub.url], None), held) == 0
        assert await erase(Target([hub.url], None), ["no token"]) == 1


async def test_where_nobody_can_sign_in_it_is_said_what_helps(database_url: str) -> None:
    async with running(database_url) as hub:
        with pytest.raises(ExceptionGroup) as failed:
            await tokens(Target([hub.url], None), ["ada"])
        assert "TUTORHUB_JWT_SECRET" in str(failed.value.exceptions[0])
    async with running(database_url, dev_sign_in=True, limits={"sign_ins": "1/60"}) as hub:
        with pytest.raises(ExceptionGroup) as failed:
            await tokens(Target([hub.url], None), ["ada", "grace", "alan"])
        assert "TUTORHUB_LIMIT_SIGN_INS=none" in str(failed.value.exceptions[0])


def files(hard: int, soft: int, sockets: int) -> subprocess.CompletedProcess[str]:
    """In a process that may open so many."""
    program = (
        "import resource; from loadtest.run.target import room_for; "
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard})); room_for({sockets}); "
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_as_many_files_may_be_opened_as_there_will_be_sockets() -> None:
    assert files(hard=5_000, soft=256, sockets=2_000).stdout.strip() == "5000"
    assert files(hard=5_000, soft=4_000, sockets=2_000).stdout.strip() == "4000"


def test_too_few_files_are_said_before_anything_begins() -> None:
    assert "2,000 sockets need 2,200 open files, and 1,000 are allowed here" in files(1_000, 256, 2_000).stderr
