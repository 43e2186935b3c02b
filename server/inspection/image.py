"""A picture is decoded and written anew. Nothing of the file that came is kept but what can be seen.

So a place, a camera's name, a comment or a program that was hidden in the file is gone. Of an animation the first
picture is kept. Runs in the child only.
"""

import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from server.inspection.orders import KEPT, THUMBNAIL, VIEW, LookAtImage, Picture, Unfit

FRAMES = 500
"""An animation of more is none."""
THUMBNAIL_SIDE = 320
VIEW_SIDE = 1024

WRITTEN: dict[str, tuple[str, dict[str, Any]]] = {
    "JPEG": ("image/jpeg", {"format": "JPEG", "quality": 88}),
    "WEBP": ("image/webp", {"format": "WEBP", "quality": 88, "method": 2}),
    "PNG": ("image/png", {"format": "PNG", "compress_level": 1}),
    "GIF": ("image/png", {"format": "PNG", "compress_level": 1}),
}
"""How each format is written: quickly, as a large picture has few seconds."""


def look_at_image(order: LookAtImage) -> Picture | Unfit:
    Image.MAX_IMAGE_PIXELS = order.pixels
    warnings.simplefilter("error")
    try:
        with Image.open(order.source, formats=[order.decoder]) as image:
            if _is_too_large(image, order.pixels):
                return Unfit("too_large")
            image.seek(0)
            seen = _seen(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Unfit("too_large")
    except (OSError, SyntaxError, ValueError, EOFError, ArithmeticError, LookupError, TypeError, Warning):
        return Unfit("unreadable")  # Pillow has many words for it
    return _written(seen, order)


def _is_too_large(image: Image.Image, pixels: int) -> bool:
    """Its header says so; nothing is decoded yet. What an animation unpacks to counts."""
    width, height = image.size
    if width * height > pixels:
        return True
    frames = getattr(image, "n_frames", 1)
    return frames > FRAMES or width * height * frames > 4 * pixels


def _seen(image: Image.Image) -> Image.Image:
    """The picture the right way up, and nothing besides."""
    image.load()
    has_holes = image.has_transparency_data
    ImageOps.exif_transpose(image, in_place=True)
    mode = "RGBA" if has_holes else "RGB"
    seen = image if image.mode == mode else image.convert(mode)
    seen.info = {}
    return seen


def _written(seen: Image.Image, order: LookAtImage) -> Picture:
    folder = Path(order.folder)
    type_, how = WRITTEN[order.decoder]
    seen.save(folder / KEPT, **how)
    width, height = seen.size
    seen.thumbnail((VIEW_SIDE, VIEW_SIDE))
    _on_white(seen).save(folder / VIEW, format="JPEG", quality=85)
    seen.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    seen.save(folder / THUMBNAIL, format="WEBP", quality=80)
    return Picture(type=type_, width=width, height=height)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground
