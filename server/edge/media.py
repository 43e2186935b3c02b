"""The REST endpoints of pictures and sounds. They come in and go out as a stream, never whole in memory."""

import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Literal, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from protocol import bodies
from protocol.answers import MediaLinks
from protocol.ids import MediaId, UserId, fresh_media_id
from server import errors, media
from server.depot.keeping import Parcel
from server.depot.names import name_of
from server.edge.callers import Callers
from server.edge.carrying import carried_out
from server.edge.file_answer import File, file_answer
from server.edge.requests import answer, idempotency_key, path_id, read_query, route
from server.edge.sealed_links import Links
from server.inspection.kinds import ENDINGS
from server.inspection.orders import THUMBNAIL_TYPE
from server.instance import Instance
from server.store.media import Row

T = TypeVar("T")

OWNERS = "private, max-age=31536000, immutable"
"""A file never changes, so who has it need not ask again."""

Form = Literal["", "thumbnail"]


class MediaRest:
    """The endpoints of one instance, for those whom `callers` knows, and for those who have one of its `links`."""

    def __init__(self, instance: Instance, callers: Callers, links: Links) -> None:
        self._instance = instance
        self._callers = callers
        self._links = links

    def routes(self) -> list[Route]:
        return [
            route("POST", "/api/media", self.add),
            route("GET", "/api/media", self.list_media),
            route("GET", "/api/media/{id}", self.read),
            route("GET", "/api/media/{id}/thumbnail", self.read_thumbnail),
            route("DELETE", "/api/media/{id}", self.delete),
            route("POST", "/api/media/{id}/url", self.link),
            route("POST", "/api/media/{id}/transcription", self.transcribe),
            route("GET", "/media/{token}", self.read_linked),
        ]

    async def add(self, request: Request) -> Response:
        caller = await self._callers.caller(request)
        self._check(request)
        key = idempotency_key(request, MediaId) or fresh_media_id()
        kept = await media.add(self._instance, caller, key, request.stream())
        return answer(kept, 201, {"Location": kept.url})

    async def list_media(self, request: Request) -> Response:
        user, query = await self._callers.user(request, queried=True), read_query(request, bodies.PageQuery)
        return answer(await self._done(user, lambda: media.page(self._instance, user, query.before, query.limit)))

    async def read(self, request: Request) -> Response:
        user, key = await self._callers.user(request), path_id(request, MediaId)
        return await self._file(request, user, key, "", OWNERS, asked_by=user)

    async def read_thumbnail(self, request: Request) -> Response:
        user, key = await self._callers.user(request), path_id(request, MediaId)
        return await self._file(request, user, key, "thumbnail", OWNERS, asked_by=user)

    async def delete(self, request: Request) -> Response:
        user, key = await self._callers.user(request), path_id(request, MediaId)
        return answer(await self._done(user, lambda: media.delete(self._instance, user, key)))

    async def link(self, request: Request) -> Response:
        user, key = await self._callers.user(request), path_id(request, MediaId)
        row, _ = await self._done(user, lambda: media.one(self._instance, user, key))
        token, link = self._links.made(user, key, "", time.time())
        small = self._links.made(user, key, "thumbnail", time.time())[0] if row.thumbnail_size else None
        links = MediaLinks(url=f"/media/{token}", thumbnail_url=small and f"/media/{small}", expires_at=link.expires_at)
        return answer(links, 201)

    async def read_linked(self, request: Request) -> Response:
        """A link that has expired, one that never was and one whose file is gone are answered alike."""
        read_query(request, bodies.NoQuery)
        link = self._links.read(request.path_params["token"], time.time())
        if link is None:
            raise errors.NotFound
        holds = f"public, max-age={int(link.until - time.time())}, immutable"
        return await self._file(request, link.user, link.media, link.form, holds, asked_by=None)

    async def transcribe(self, request: Request) -> Response:
        user, key = await self._callers.user(request), path_id(request, MediaId)
        row, opens = await self._done(user, lambda: media.one(self._instance, user, key))
        return answer(await media.transcribe(self._instance, user, row, opens))

    def _check(self, request: Request) -> None:
        """Before a byte of it is read."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise errors.UnsupportedMediaType("The bytes must come as they are, without a Content-Encoding.")
        length = request.headers.get("content-length", "0")
        limit = self._instance.settings.media.file_bytes
        if not length.isdigit() or int(length) > limit:
            raise errors.TooLarge(f"A file may have {limit:,} bytes.")

    async def _file(
        self, request: Request, user: UserId, key: MediaId, form: Form, holds: str, *, asked_by: UserId | None
    ) -> Response:
        row, opens = await self._done(asked_by, lambda: media.one(self._instance, user, key))
        kind, size = _shape(row, form)
        parcel = Parcel(name_of(user, key, form), size, opens)
        tail = form and f"-{form}"

        def read(begin: int, end: int) -> AsyncGenerator[bytes]:
            return media.read(self._instance, parcel, begin, end)

        tag, name = f'"{row.sha256.hex()}{tail}"', f"{key}{tail}.{ENDINGS[kind]}"
        return file_answer(request, File(kind, size, tag, name, holds, read))

    async def _done(self, user: UserId | None, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return await carried_out(self._instance, user, work)


def _shape(row: Row, form: Form) -> tuple[str, int]:
    """Of what is answered: its media type, and how many bytes it has. Raises NotFound if there is no such form."""
    if form == "":
        return row.type, row.size
    if row.thumbnail_size is None:
        raise errors.NotFound
    return THUMBNAIL_TYPE, row.thumbnail_size
