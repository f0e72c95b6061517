"""A stranger's photograph as a JPEG that holds nothing but the picture. Runs only inside a sandbox worker."""

from contextlib import suppress
from datetime import datetime
from io import BytesIO
from math import sqrt
from pathlib import Path
from typing import Any, Final

from PIL import ExifTags, Image, ImageCms, ImageOps

from teleconsult.imaging.refusals import Refusal, Unreadable

MOST_PIXELS: Final = 80_000_000
"""Of what is opened; a camera's largest usual setting is 64 megapixels."""
KEPT_PIXELS: Final = 12_000_000
QUALITY: Final = 90
_DEEP: Final = 256
"""Between 16 bits of grey and 8."""


def photographed(path: Path, *, most: int = KEPT_PIXELS, quality: int = QUALITY) -> tuple[dict[str, Any], bytes]:
    """A JPEG (baseline, 4:2:2), upright, in sRGB, of at most so many pixels, without EXIF, XMP, IPTC and profile.

    With it go `rows` and `columns`, and `taken`: the moment its EXIF tells, ISO 8601, with an offset where there is
    one, or "". Raises Unreadable for one of too many pixels, and whatever Pillow raises for what is no picture.
    """
    with _opened(path) as picture:
        pixels = picture.width * picture.height
        if pixels > MOST_PIXELS:
            raise Unreadable(Refusal.TOO_MANY_PIXELS)
        taken = _taken(picture.getexif())
        scale = min(1.0, sqrt(most / pixels))
        size = max(int(picture.width * scale), 1), max(int(picture.height * scale), 1)
        picture.draft(None, size)  # a large JPEG is decoded no larger than it is needed
        upright = ImageOps.exif_transpose(picture.resize(size, Image.Resampling.LANCZOS) if scale < 1 else picture)
        plain = _on_white(_in_srgb(upright, picture.info.get("icc_profile")))
    out = BytesIO()
    plain.save(out, "JPEG", quality=quality, subsampling="4:2:2")
    return {"rows": plain.height, "columns": plain.width, "taken": taken}, out.getvalue()


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=("JPEG", "PNG", "WEBP"))
    except Image.DecompressionBombError as error:
        raise Unreadable(Refusal.TOO_MANY_PIXELS) from error


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture's colours as a screen shows them; a profile that cannot be read counts as none."""
    if picture.mode.startswith("I;16"):
        return picture.convert("I").point(lambda value: value / _DEEP).convert("L")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        with suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return converted or picture
    return picture


def _on_white(picture: Image.Image) -> Image.Image:
    """What is clear becomes paper, and nothing beside the pixels comes along."""
    plain = Image.new("RGB", picture.size, "white")
    coloured = picture.convert("RGBA")
    plain.paste(coloured, mask=coloured)
    return plain


def _taken(exif: Image.Exif) -> str:
    """When the shutter was pressed (EXIF DateTimeOriginal, OffsetTimeOriginal)."""
    told = exif.get_ifd(ExifTags.IFD.Exif)
    moment, offset = (str(told.get(tag, "")).strip(" \0") for tag in (ExifTags.Base.DateTimeOriginal, _OFFSET))
    for text, form in ((f"{moment}{offset}", "%Y:%m:%d %H:%M:%S%z"), (moment, "%Y:%m:%d %H:%M:%S")):
        with suppress(ValueError):
            return datetime.strptime(text, form).isoformat()  # noqa: DTZ007  # where the camera was, is not its to say
    return ""


_OFFSET: Final = ExifTags.Base.OffsetTimeOriginal
