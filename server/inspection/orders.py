"""What the hub and its child say to each other: an order on the command line, a finding on standard output."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

KEPT, THUMBNAIL, VIEW = "kept", "thumbnail", "view"
"""The files that the child leaves in the order's folder: the picture anew, small, and as a tutor is shown it."""
THUMBNAIL_TYPE = "image/webp"
VIEW_TYPE = "image/jpeg"


class LookAtImage(Struct, frozen=True, tag_field="is", tag="image"):
    """Decode `source` as this format only, and write it anew into `folder`, unless it has more than so many pixels."""

    source: str
    folder: str
    decoder: str
    pixels: int


class LookAtAudio(Struct, frozen=True, tag_field="is", tag="audio"):
    """Decode `source` as this format only, up to so many seconds."""

    source: str
    decoder: str
    seconds: float


class Picture(Struct, frozen=True, tag_field="is", tag="picture"):
    """It is a picture, and lies anew in the order's folder, as this media type."""

    type: Annotated[str, Meta(pattern="^image/(png|jpeg|webp)$")]
    width: Annotated[int, Meta(ge=1, le=65_535)]
    height: Annotated[int, Meta(ge=1, le=65_535)]


class Sound(Struct, frozen=True, tag_field="is", tag="sound"):
    """It is a sound, and so long when it is played."""

    seconds: Annotated[float, Meta(gt=0, le=86_400)]


class Unfit(Struct, frozen=True, tag_field="is", tag="unfit"):
    """It is nothing that can be kept."""

    why: Literal["unreadable", "too_large", "too_long"]


Order = LookAtImage | LookAtAudio
Finding = Picture | Sound | Unfit
