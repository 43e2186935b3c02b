"""Which kinds of files are taken, and how their first bytes give them away. Pure.

A name and a Content-Type are what somebody says; neither is read here. What the first bytes promise is held to it
by a real decoder of that kind alone (child.py).
"""

from typing import Literal

from msgspec import Struct

Sense = Literal["image", "audio"]
"""What it is for."""

HEAD = 64
"""So many first bytes are enough."""

SOUND_BRANDS = frozenset({b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"dash"})
"""Of the MP4 family. Pictures (HEIC, AVIF) and QuickTime are of it too, and are not taken."""
MP3_SYNCS = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")


class Kind(Struct, frozen=True):
    """`type` is the media type that it is served as, `decoder` what Pillow or FFmpeg calls its format."""

    sense: Sense
    type: str
    ending: str
    decoder: str


PNG = Kind("image", "image/png", "png", "PNG")
JPEG = Kind("image", "image/jpeg", "jpg", "JPEG")
GIF = Kind("image", "image/gif", "gif", "GIF")
WEBP = Kind("image", "image/webp", "webp", "WEBP")
WAV = Kind("audio", "audio/wav", "wav", "wav")
OGG = Kind("audio", "audio/ogg", "ogg", "ogg")
WEBM = Kind("audio", "audio/webm", "webm", "matroska")
M4A = Kind("audio", "audio/mp4", "m4a", "mov")
MP3 = Kind("audio", "audio/mpeg", "mp3", "mp3")

ENDINGS = {kind.type: kind.ending for kind in (PNG, JPEG, GIF, WEBP, WAV, OGG, WEBM, M4A, MP3)}


def kind_of(head: bytes) -> Kind | None:
    """What a file that begins like this claims to be. None: nothing that is taken."""
    if head.startswith(b"RIFF"):
        return {b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return M4A if head[8:12] in SOUND_BRANDS else None
    for beginning, kind in ((b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", JPEG), (b"OggS", OGG), (b"ID3", MP3)):
        if head.startswith(beginning):
            return kind
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return WEBM if b"webm" in head[:HEAD] else None
    return MP3 if head.startswith(MP3_SYNCS) else None
