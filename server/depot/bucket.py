"""A depot in an S3-compatible bucket, by obstore. Who may use it is said by the usual AWS_ variables.

An object is whole or not there. Parts of one that were sent when the process died are seen by nobody, and cost money
until the bucket's lifecycle rule for unfinished uploads takes them away.
"""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store

from server.depot.depot import NAME, OWNER, Depot, Lost, Lying
from server.errors import Unavailable

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

PIECE = 65_536
PART = 5 * 2**20
"""Bytes that are sent at once; S3 takes no smaller parts but the last."""
LISTED_AT_ONCE = 500
CONNECT_WITHIN = timedelta(seconds=5)
DONE_WITHIN = timedelta(seconds=30)
RETRIES: dict[str, Any] = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}

log = structlog.get_logger()


class Bucket(Depot):
    """`url` is s3://bucket/prefix; an endpoint that is not Amazon's may be given, also one without TLS."""

    def __init__(self, url: str, endpoint: str | None = None) -> None:
        parts = urlsplit(url)
        options: dict[str, Any] = {"connect_timeout": CONNECT_WITHIN, "timeout": DONE_WITHIN}
        config: dict[str, Any] = {}
        if endpoint is not None:
            config["endpoint"] = endpoint
            options["allow_http"] = endpoint.startswith("http://")
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=cast("Any", config),
            client_options=cast("Any", options),
            retry_config=cast("Any", RETRIES),
        )

    @override
    async def put(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        with _reached():
            await obstore.put_async(self._store, _checked(name), pieces, chunk_size=PART, max_concurrency=1)

    @override
    async def read(self, name: str, begin: int, end: int) -> AsyncGenerator[bytes]:
        with _reached():
            found = await obstore.get_async(self._store, _checked(name), options={"range": (begin, end)})
            async for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)

    @override
    async def remove(self, name: str) -> None:
        await self._delete([_checked(name)])

    @override
    async def remove_all(self, owner: str) -> None:
        assert OWNER.fullmatch(owner), owner
        async for lying in self._listed(f"{owner}/"):
            await self._delete([each.name for each in lying])

    @override
    async def everything(self) -> AsyncGenerator[list[Lying]]:
        async for lying in self._listed(None):
            yield [each for each in lying if NAME.fullmatch(each.name)]

    async def _listed(self, prefix: str | None) -> AsyncGenerator[list[Lying]]:
        with _reached():
            async for objects in obstore.list(self._store, prefix, chunk_size=LISTED_AT_ONCE):
                yield [Lying(each["path"], each["last_modified"].timestamp()) for each in objects]

    async def _delete(self, names: list[str]) -> None:
        for name in names:
            try:
                with _reached():
                    await obstore.delete_async(self._store, name)
            except Lost:
                pass


def _checked(name: str) -> str:
    assert NAME.fullmatch(name), name
    return name


@contextmanager
def _reached() -> Generator[None]:
    """What the store refuses may name the bucket and the key: it is logged by its kind alone."""
    try:
        yield
    except FileNotFoundError as error:  # obstore's NotFoundError is one
        raise Lost from error
    except BaseError as error:
        log.warning("bucket_unavailable", error=type(error).__name__)
        raise Unavailable("The place of the files cannot be reached right now.", retry_after_ms=5_000) from error
