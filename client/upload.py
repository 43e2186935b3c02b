"""Pictures and sounds of this machine, given to the hub. What comes back is what a message names them by.

kept = await upload("http://127.0.0.1:8000", token, Path("homework.jpg"))
await device.send(session.id, "What is wrong here?", metadata=Metadata(image_url=kept.url))
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import msgspec

from client.errors import CommandRefused, ConnectionLost
from protocol.errors import Problem
from protocol.ids import MediaId, fresh_media_id
from protocol.model import Media

PIECE = 65_536
WITHIN = httpx2.Timeout(60.0, connect=10.0)
"""Seconds without a word of the hub's, which looks at the file before it answers."""


async def upload(url: str, token: str, path: Path, media: MediaId | None = None) -> Media:
    """Returns once the hub has it. With the `media` id of an earlier call it is the same file again.

    Raises CommandRefused, and ConnectionLost if nobody knows whether it was kept: then say it again, with an id.
    """
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": str(media or fresh_media_id()),
        "Content-Length": str((await asyncio.to_thread(path.stat)).st_size),
    }
    try:
        async with httpx2.AsyncClient(timeout=WITHIN) as hub:
            answer = await hub.post(f"{url.rstrip('/')}/api/media", content=_pieces(path), headers=headers)
    except httpx2.HTTPError as error:
        raise ConnectionLost("The connection broke while the file was sent.") from error
    return _kept(answer)


async def _pieces(path: Path) -> AsyncGenerator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


def _kept(answer: httpx2.Response) -> Media:
    try:
        if answer.is_success:
            return msgspec.json.decode(answer.content, type=Media)
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.MsgspecError as error:  # a proxy's words
        raise ConnectionLost(f"The hub has not answered ({answer.status_code}).") from error
    raise CommandRefused(problem)
