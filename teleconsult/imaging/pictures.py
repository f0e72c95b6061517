"""A photograph of strangers, drawn anew: nothing but its pixels is left. Runs in the sandbox."""

from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from teleconsult.imaging.refusals import Refusal, Unreadable

MOST_PIXELS: Final = 60_000_000
LARGEST_SIDE: Final = 3000
_QUALITY: Final = 88


def redrawn(path: Path) -> tuple[str, bytes]:
    """Media type and bytes of a JPEG or PNG, upright, at most 3,000 pixels wide and high, without EXIF or the like.

    Raises Unreadable for what is too large, and whatever Pillow raises for what is no such picture.
    """
    with Image.open(path, formats=("JPEG", "PNG")) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise Unreadable(Refusal.TOO_DEMANDING)
        is_drawing = picture.format == "PNG"
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        plain = Image.new("RGB", upright.size, "white")
        coloured = upright.convert("RGBA")
        plain.paste(coloured, mask=coloured)
    out = BytesIO()
    if is_drawing:
        plain.save(out, "PNG", optimize=False)
    else:
        plain.save(out, "JPEG", quality=_QUALITY)
    return ("image/png" if is_drawing else "image/jpeg"), out.getvalue()
