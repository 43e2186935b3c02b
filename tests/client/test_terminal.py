"""`tutorhub chat` as a person or a script runs it: a process of its own."""

import asyncio
import os
import re
import sys
import termios
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.client.stage import LASTS, Stage, stage
from tests.hub import running
from tests.provider import HOLD, Refuse

ROOT = Path(__file__).parents[2]
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|[=>])")


def command(url: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "server", "chat", "--url", url, *options]


async def chat(url: str, *options: str, typed: str = "") -> tuple[int | None, str, str]:
    """Exit code, output and errors of a chat through pipes."""
    process = await asyncio.create_subprocess_exec(
        *command(url, *options), cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(LASTS):
            output, errors = await process.communicate(typed.encode())
    finally:
        await ended(process)
    return process.returncode, output.decode(), errors.decode()


async def ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_a_question_through_a_pipe_is_answered(database_url: str) -> None:
    async with stage(database_url) as on:
        code, output, errors = await chat(on.hub.url, "--user", "ada", typed="How hot is the sun?\n")
        assert (code, errors) == (0, "")
        assert "Your tutor is test-model" in output
        assert "you: How hot is the sun?\n" in output
        assert output.endswith("test-model: You said: How hot is the sun?\n")


async def test_each_command_does_what_its_name_says(database_url: str) -> None:
    typed = (
        "/new Physics\nHow hot is the sun?\n/rename Stars\n/mode learn\n/language de\n/list\n/search how hot\n/none\n"
    )
    async with stage(database_url) as on:
        code, output, errors = await chat(on.hub.url, "--user", "ada", typed=typed)
        assert (code, errors) == (0, "")
        assert "· Physics (fun, en)" in output
        assert "The session is now called: Stars" in output
        assert "From the next reply on: learn, de" in output
        assert "· 1  Stars (here)" in output
        assert "/new [title]" in output
        assert output.count("How hot is the sun?") >= 2


async def test_the_latest_session_is_gone_on_with(database_url: str) -> None:
    async with stage(database_url) as on:
        await chat(on.hub.url, "--user", "ada", typed="first\n")
        code, output, _ = await chat(on.hub.url, "--user", "ada", typed="second\n")
        assert code == 0
        assert output.index("you: first") < output.index("test-model: You said: first") < output.index("you: second")
        _, output, _ = await chat(on.hub.url, "--user", "ada", typed="/new\n/list\n/open 2\n")
        assert output.count("you: second") == 2


async def test_a_session_that_was_deleted_takes_no_more(database_url: str) -> None:
    async with stage(database_url) as on:
        code, output, _ = await chat(on.hub.url, "--user", "ada", typed="/new Short\n/delete\ntoo late\n")
        assert code == 0
        assert "This session was deleted." in output
        assert "Open a session first" in output


async def test_a_reply_that_failed_says_why_and_how_to_ask_again(database_url: str) -> None:
    async with stage(database_url) as on:
        on.tutor.next([Refuse(401, "no key")])
        code, output, _ = await chat(on.hub.url, "--user", "ada", typed="hello\n")
        assert code == 0
        assert "/retry asks again" in output
        code, output, _ = await chat(on.hub.url, "--user", "ada", typed="/retry\n")
        assert output.endswith("test-model: You said: hello\n")


async def test_what_would_command_a_terminal_is_not_obeyed(database_url: str) -> None:
    async with stage(database_url) as on:
        on.tutor.next(["bell \x07 and \x1b[31mred\x1b]0;title\x07"])
        _, output, _ = await chat(on.hub.url, "--user", "ada", typed="be \x1b[5m nasty\n")
        assert "\x1b" not in output
        assert "\x07" not in output


async def test_a_hub_that_is_not_there_is_one_line(database_url: str) -> None:
    for options in (["--user", "ada"], ["--token", "x.y.z"]):
        code, output, errors = await chat("http://127.0.0.1:9", *options)
        assert (code, output, errors.count("\n")) == (1, "", 1)
        assert "no hub can be reached at http://127.0.0.1:9" in errors


async def test_a_hub_without_development_sign_in_wants_a_token(database_url: str) -> None:
    async with running(database_url, lasts=LASTS) as hub:
        code, _, errors = await chat(hub.url, "--user", "ada")
        assert (code, errors.count("\n")) == (1, 1)
        assert "--token" in errors
        assert (await chat(hub.url, "--token", hub.token("ada")))[0] == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--token", "x.y.z"], "sign in"),
        ([], "--user or --token"),
        (["--user", "ada", "--session", "11111111-1111-4111-8111-111111111111"], "no such thing"),
        (["--user", "\t"], "refused the sign-in"),
    ],
)
async def test_who_cannot_be_let_in_is_told_why_in_one_line(database_url: str, options: list[str], why: str) -> None:
    async with stage(database_url) as on:
        code, _, errors = await chat(on.hub.url, *options)
        assert (code, errors.count("\n")) == (1, 1)
        assert why in errors


class Terminal:
    """A chat in a pseudo-terminal: what has been written to it so far, and keys."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._written = ""
        self._changed = asyncio.Event()

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read(self) -> None:
        with suppress(OSError):  # the other end is closed
            self._written += os.read(self._master, 65_536).decode(errors="replace")
        self._changed.set()

    async def shows(self, text: str) -> None:
        """Returns once it has been written."""
        await self.until(lambda written: text in written)

    async def until(self, condition: Callable[[str], bool]) -> None:
        while not condition(ESCAPES.sub("", self._written)):
            self._changed.clear()
            await self._changed.wait()


@asynccontextmanager
async def terminal(on: Stage, url: str | None = None) -> AsyncGenerator[Terminal]:
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 100))
    loop = asyncio.get_running_loop()
    process = await asyncio.create_subprocess_exec(
        *command(url or on.hub.url, "--user", "ada"),
        cwd=ROOT,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=os.environ | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
    )
    os.close(slave)
    it = Terminal(master)
    loop.add_reader(master, it.read)
    try:
        await it.shows("/help lists")
        await it.shows("›")
        yield it
        it.type("/quit\r")
        assert await process.wait() == 0
    finally:
        loop.remove_reader(master)
        await ended(process)
        os.close(master)


async def test_two_terminals_show_one_conversation_as_it_goes(database_url: str) -> None:
    pytest.importorskip("prompt_toolkit")
    async with stage(database_url) as on, terminal(on) as one, terminal(on) as other:
        on.tutor.next(["It is a ", HOLD, "very long ", HOLD, "story"])
        one.type("Tell me")
        await other.shows("terminal is typing …")
        one.type(" a story\r")
        await other.shows("you, elsewhere  Tell me a story")
        await other.shows("It is a")
        await on.tutor.held()
        on.tutor.release()
        await one.shows("very long")
        other.type("/stop\r")
        await one.shows("Stopped.")
        await other.shows("Stopped.")


async def test_a_terminal_says_that_the_connection_is_lost_and_back(database_url: str) -> None:
    pytest.importorskip("prompt_toolkit")
    async with stage(database_url) as on, terminal(on, on.network.url) as it:
        on.network.unplug()
        await it.shows("The connection is lost.")
        it.type("kept\r")
        await it.shows("sending …")
        on.network.plug()
        await it.shows("Back.")
        await it.shows("You said: kept")
