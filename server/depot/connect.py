"""Which depot this instance uses: the bucket of TUTORHUB_MEDIA_URL, else a folder."""

from importlib.util import find_spec

from server.depot.depot import Depot
from server.depot.folder import Folder
from server.errors import StartupError
from server.settings import Settings


def depot(settings: Settings) -> Depot:
    """Raises StartupError if a bucket is wanted and what it takes is not installed."""
    media = settings.media
    if media.url is None:
        return Folder(settings.media_dir / "kept")
    if find_spec("obstore") is None:
        raise StartupError("TUTORHUB_MEDIA_URL: needs obstore: pip install tutorhub[s3]")
    from server.depot.bucket import Bucket  # noqa: PLC0415  # installed with the extra only

    return Bucket(media.url, media.s3_endpoint)
