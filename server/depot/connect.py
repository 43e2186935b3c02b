"""Which depot this instance uses: the bucket of TUTORHUB_MEDIA_URL, else a folder."""

from importlib.util import find_spec
from uuid import UUID

from server.depot.depot import Depot
from server.depot.folder import Folder
from server.errors import StartupError
from server.settings import Settings


def check(settings: Settings) -> None:
    """Raises StartupError if a bucket is wanted and what it takes is not installed."""
    if settings.media.url is not None and find_spec("obstore") is None:
        raise StartupError("TUTORHUB_MEDIA_URL: needs obstore: pip install tutorhub[s3]")


def depot(settings: Settings, deployment: UUID) -> Depot:
    """Of one deployment: in its own part, so that none throws away, as nobody's, what is another's."""
    media = settings.media
    if media.url is None:
        return Folder(settings.media_dir / "kept" / str(deployment))
    from server.depot.bucket import Bucket  # noqa: PLC0415  # installed with the extra only

    return Bucket(f"{media.url.rstrip('/')}/{deployment}", media.s3_endpoint)
