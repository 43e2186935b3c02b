"""What a load is for: which hubs, who may be made to bear it, how users sign in, and whether it is a hub at all."""

import asyncio
import os
import resource
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import msgspec
from msgspec import Struct
from websockets.exceptions import InvalidURI

from client.connection import SUBPROTOCOL
from loadtest.process import WorldFailed
from loadtest.run.wire import Address, Refusal, opened
from loadtest.tokens import token
from protocol import model
from protocol.answers import DevToken
from protocol.codec import Undecodable, decode_event, encode
from protocol.commands import Hello
from protocol.errors import Problem
from protocol.events import Refused, Welcome

SPARE_FILES = 200
"""Beside the sockets: pipes, logs, the corpus."""
WELCOME_WITHIN = 10.0
AT_ONCE = 8
HTTP = {"ws": "http", "wss": "https"}


class Target(Struct, frozen=True):
    """Hubs of one deployment. `secret`: what tokens are signed with; None: its sign-in for development is used."""

    urls: list[str]
    secret: str | None


def check_address(url: str, *, owned: bool) -> None:
    """Raises ValueError: no address of a hub, or one that may not be loaded."""
    try:
        host = Address.of(url).host
    except (InvalidURI, ValueError) as error:
        raise ValueError(f"{url} is no address of a hub: http://… or https://… is expected") from error
    if not owned and not _is_loopback(host):
        raise ValueError(
            f"{host} is not this machine. A load harms whoever does not expect it: if the host is yours, say so "
            "with --i-own-this-host."
        )


def room_for(sockets: int) -> None:
    """Raise what this process and its children may open to what they need. Raises WorldFailed where that is denied."""
    wanted = sockets + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise WorldFailed(
            f"{sockets:,} sockets need {wanted:,} open files, and {hard:,} are allowed here: raise the hard limit "
            "(`ulimit -Hn`, or nofile in /etc/security/limits.conf), or take fewer --users."
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else hard, hard))


async def tokens(target: Target, users: list[str]) -> list[str]:
    """One for each. Raises WorldFailed."""
    if target.secret is not None:
        return [token(target.secret, user) for user in users]
    found: dict[str, str] = {}
    waiting = iter(users)

    async def sign_some_in(client: httpx2.AsyncClient) -> None:
        for user in waiting:
            found[user] = await _sign_in(client, user)

    async with _client(target) as client, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(sign_some_in(client))
    return [found[user] for user in users]


async def _sign_in(client: httpx2.AsyncClient, user: str) -> str:
    try:
        response = await client.post("/auth/dev", json={"user": user})
    except httpx2.HTTPError as error:
        raise WorldFailed(f"There is no hub at {client.base_url}: {error or type(error).__name__}") from error
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise WorldFailed(
            f"{client.base_url} has no sign-in for development: give what its tokens are signed with, in a file "
            "(--secret-file) or in the variable TUTORHUB_JWT_SECRET."
        )
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        raise WorldFailed(
            f"{client.base_url} lets so many users sign in only slowly: start it with TUTORHUB_LIMIT_SIGN_INS=none "
            "(docs/load.md has its other limits), or give its secret with --secret-file."
        )
    if not response.is_success:
        raise WorldFailed(f"{client.base_url} let nobody sign in: {response.status_code} {_detail(response.content)}")
    return msgspec.json.decode(response.content, type=DevToken).token


async def look_at(url: str, token: str) -> str:
    """Join as a device would, and leave again. Which tutor answers. Raises WorldFailed if no hub of ours is there."""
    frames: asyncio.Queue[bytes] = asyncio.Queue()
    try:
        wire = await opened(Address.of(url), lambda data, _at: frames.put_nowait(data))
    except Refusal as refusal:
        raise WorldFailed(f"{url} cannot be loaded: {refusal}. Is it a hub that speaks {SUBPROTOCOL}?") from refusal
    except (OSError, TimeoutError) as error:
        raise WorldFailed(f"There is no hub at {url}: {error or 'it does not answer in time'}") from error
    try:
        wire.say(encode(Hello(ref=1, device=model.Device(id="load-look", name="load test"), token=token)))
        async with asyncio.timeout(WELCOME_WITHIN):
            event = decode_event(await frames.get())
    except (TimeoutError, Undecodable) as error:
        raise WorldFailed(f"{url} speaks another version of the protocol: {error or 'it gives no welcome'}") from error
    finally:
        wire.leave()
        with suppress(TimeoutError):
            await asyncio.wait_for(wire.ended, 1.0)
        wire.cut()
    if isinstance(event, Refused):
        raise WorldFailed(f"{url} lets nobody in: {event.detail} ({event.code})")
    if not isinstance(event, Welcome):
        raise WorldFailed(f"{url} speaks another version of the protocol: it gives no welcome")
    return event.tutor.name


async def erase(target: Target, held: list[str]) -> int:
    """Everything of those who hold these tokens. How many could not be."""
    waiting, left = iter(held), 0

    async def erase_some(client: httpx2.AsyncClient) -> None:
        nonlocal left
        for each in waiting:
            try:
                response = await client.delete("/api/me", headers={"Authorization": f"Bearer {each}"})
                left += not response.is_success
            except httpx2.HTTPError:
                left += 1

    async with _client(target) as client, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(erase_some(client))
    return left


def secret_of(file: Path | None) -> str | None:
    """In the file, or else in the environment."""
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return os.environ.get("TUTORHUB_JWT_SECRET")


def _client(target: Target) -> httpx2.AsyncClient:
    """Of the first hub's REST interface."""
    return httpx2.AsyncClient(base_url=_http(target.urls[0]), timeout=WELCOME_WITHIN)


def _http(url: str) -> str:
    parts = urlsplit(url)
    return f"{HTTP.get(parts.scheme, parts.scheme)}://{parts.netloc}{parts.path.removesuffix('/ws').rstrip('/')}"


def _detail(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=Problem).detail
    except msgspec.MsgspecError:
        return body[:100].decode(errors="replace")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
