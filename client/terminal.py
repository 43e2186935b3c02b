"""`tutorhub chat`: signs in, connects, and lets a person talk with the tutor. In a terminal with the reply as it is
written; through pipes with whole lines, until the last one is answered.
"""

import sys
from functools import partial

import httpx2
import msgspec

from client.chat import Chat
from client.device import Device, connect
from client.errors import DeviceError
from client.link import TokenSource
from client.screens import Pipe, Screen
from client.transcript import Line, one_line
from client.watchers import Away, InStep
from protocol import model
from protocol.answers import DevToken
from protocol.errors import Problem
from protocol.ids import SessionId, fresh_device_id

SIGN_IN_WITHIN = 10.0
NOT_FOUND = 404


class CannotChatError(Exception):
    """What the person is told, in one line."""


async def chat(url: str, user: str | None, token: str | None, session: SessionId | None) -> int:
    """Talk until the person leaves. Returns the exit code; what went wrong is one line on standard error."""
    try:
        source = token or await _signing_in(url, user)
        async with connect(url, source, model.Device(id=fresh_device_id(), name="terminal")) as device:
            await _first_contact(device, url)
            await _talk(device, session)
    except (CannotChatError, DeviceError, OSError) as error:
        print(f"tutorhub chat: {one_line(str(error))}", file=sys.stderr)  # noqa: T201 (what the person is told)
        return 1
    return 0


async def _talk(device: Device, session: SessionId | None) -> None:
    talk = Chat(device)
    in_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    talk.screen = _terminal(talk) if in_terminal else Pipe()
    _introduce(device, talk.screen)
    latest = next((row.id for row in device.timeline.shown_sessions()), None)
    chosen = session or latest
    await (talk.new() if chosen is None else talk.show_session(chosen))
    await talk.run(stays=not in_terminal)
    if talk.end is not None:
        raise talk.end


def _terminal(talk: Chat) -> Screen:
    from client.prompt import Live, Prompt  # noqa: PLC0415 (half the start-up time, and of no use to a pipe)

    return Prompt(lambda: Live(talk.live(), talk.status()), talk.typed)


def _introduce(device: Device, screen: Screen) -> None:
    if device.welcome is not None:
        tutor = device.welcome.tutor
        note = f": {one_line(tutor.note)}" if tutor.note else ""
        screen.show(Line(f"Your tutor is {one_line(tutor.name)}{note}"))
    screen.show(Line("/help lists what you can do."))


async def _first_contact(device: Device, url: str) -> None:
    """Returns once the device is in step. Raises CannotChatError when the first attempt fails."""
    async for happening in device.events():
        match happening:
            case InStep():
                return
            case Away():
                raise CannotChatError(f"no hub can be reached at {url} ({happening.reason or happening.code})")
            case _:
                pass


async def _signing_in(url: str, user: str | None) -> TokenSource:
    """The development sign-in, which is tried once at once, so that the person hears why it cannot be done."""
    if user is None:
        raise CannotChatError("who are you? Give --user or --token.")
    await _sign_in(url, user)
    return partial(_sign_in, url, user)


async def _sign_in(url: str, user: str) -> str:
    try:
        async with httpx2.AsyncClient(timeout=SIGN_IN_WITHIN) as http:
            answer = await http.post(f"{url.rstrip('/')}/auth/dev", json={"user": user})
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ConnectionError(f"no hub can be reached at {url} ({error})") from error
    if answer.status_code == NOT_FOUND:
        raise CannotChatError(f"the hub at {url} has no development sign-in: give a token with --token")
    try:
        return msgspec.json.decode(answer.content, type=DevToken).token
    except msgspec.DecodeError:
        raise CannotChatError(f"the hub at {url} refused the sign-in: {_why(answer.content)}") from None


def _why(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=Problem).detail
    except msgspec.DecodeError:
        return "it is no tutorhub"
