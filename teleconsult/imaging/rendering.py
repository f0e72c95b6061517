"""A frame as a picture for the screen: one table from sample to grey, then coded (PS3.18 §8.3.5 calls it rendered)."""

from bisect import bisect_left
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

import numpy as np
import simplejpeg
from PIL import Image, ImageOps

from teleconsult.imaging.frames import FrameDescription, Pixels

QUALITY: Final = 80
LARGEST_VIEWPORT: Final = 4096
"""Pixels a side."""
PREVIEW_SIZE: Final = 512
THUMBNAIL_SIZE: Final = 256
"""Pixels a side."""
PREVIEW_BYTES: Final = 9 * 1024
"""Fifty of them come in four seconds at 1 Mbit/s."""
_QUALITIES: Final = (QUALITY, 60, 40, 30, 20, 12, 4)
_SMALLER: Final = (384, 256, 128)
"""Sides at the least quality."""
_FAST: Final = 1
"""WebP's effort: a 512 x 512 frame takes 5 ms, and is a tenth larger than at its best."""


class Ramp(StrEnum):
    """How a window runs from black to white, as PS3.18 §8.3.5.1.4 names PS3.3's functions (C.11.2.1.2, C.11.2.1.3)."""

    LINEAR = "linear"
    EXACT = "linear-exact"
    SIGMOID = "sigmoid"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture as it is asked for; nothing of it need be said."""

    media: str = "image/jpeg"
    window: tuple[float, float] | None = None
    """Centre and width, in values; None: the frame's own."""
    ramp: Ramp = Ramp.LINEAR
    viewport: tuple[int, int] | None = None
    """Width and height that it has to fit; None: as large as the frame is."""
    region: tuple[float, float, float, float] | None = None
    """Of the frame: left, top, width and height; turned over where one of these is negative."""
    quality: int = QUALITY

    def as_json(self) -> dict[str, Any]:
        """For the worker."""
        return asdict(self)


def drawn(description: FrameDescription, pixels: Pixels, drawing: Drawing) -> bytes:
    """The picture, coded."""
    if description.samples == 1:
        pixels = _looked_up(grey_table(description, drawing.window, drawing.ramp), pixels)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if drawing.region is not None:
        picture = _cut(picture, drawing.region)
    if drawing.viewport is not None:
        picture = ImageOps.contain(picture, drawing.viewport, Image.Resampling.BILINEAR)
    if drawing.media == "image/jpeg":
        shown = np.asarray(picture)
        shown, space = (shown[..., np.newaxis], "GRAY") if shown.ndim == 2 else (shown, "RGB")
        coded: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(shown), quality=drawing.quality, colorspace=space)
        return coded
    out = BytesIO()
    if drawing.media == "image/png":
        picture.save(out, "PNG", compress_level=_FAST)
    else:
        picture.convert("RGB").save(out, "WEBP", quality=drawing.quality, method=_FAST)
    return out.getvalue()


def _cut(picture: Image.Image, region: tuple[float, float, float, float]) -> Image.Image:
    left, top, width, height = region
    right, bottom = min(left + abs(width), picture.width), min(top + abs(height), picture.height)
    cut = picture.crop(
        (round(left), round(top), max(round(right), round(left) + 1), max(round(bottom), round(top) + 1))
    )
    cut = ImageOps.mirror(cut) if width < 0 else cut
    return ImageOps.flip(cut) if height < 0 else cut


def rendered(
    description: FrameDescription, pixels: Pixels, *, window: tuple[float, float] | None = None, size: int
) -> bytes:
    """WebP of the frame under `window` (centre and width, in values; None: the frame's own), at most `size` a side."""
    return _as_webp(picture_of(description, pixels, window, size), QUALITY)


def preview(description: FrameDescription, pixels: Pixels) -> tuple[bytes, bool]:
    """WebP of at most `PREVIEW_SIZE` a side and `PREVIEW_BYTES`, and whether it is just what `rendered` draws.

    Where that is larger, its quality goes down, and at last its size: noise is all that takes so much.
    """
    picture, made = picture_of(description, pixels, None, PREVIEW_SIZE), dict[int, bytes]()

    def fits(quality: int) -> bool:
        made[quality] = _as_webp(picture, quality)
        return len(made[quality]) <= PREVIEW_BYTES

    best = bisect_left(_QUALITIES, True, key=fits)  # the size falls with the quality: three tries find it
    if best < len(_QUALITIES):
        return made[_QUALITIES[best]], best == 0
    content = made[_QUALITIES[-1]]
    for side in _SMALLER:
        if len(content) <= PREVIEW_BYTES:
            break
        picture.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
        content = _as_webp(picture, _QUALITIES[-1])
    return content, False


def picture_of(
    description: FrameDescription, pixels: Pixels, window: tuple[float, float] | None, size: int
) -> Image.Image:
    """The frame under that window, or its own, as red, green and blue, at most `size` a side."""
    if description.samples == 1:
        pixels = _looked_up(grey_table(description, window), pixels)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((size, size), Image.Resampling.BOX, reducing_gap=None)
    return picture.convert("RGB")


def _as_webp(picture: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    picture.save(out, "WEBP", quality=quality, method=_FAST)
    return out.getvalue()


def grey_table(description: FrameDescription, window: tuple[float, float] | None, ramp: Ramp = Ramp.LINEAR) -> Pixels:
    """Grey, 0 to 255, of every sample the type can hold, in the order of its bit pattern (PS3.3 C.11.2.1.2.1)."""
    center, width = window or (description.window_center, description.window_width)
    return _table(replace(description, window_center=center, window_width=width), ramp)


@lru_cache(maxsize=8)
def _table(description: FrameDescription, ramp: Ramp) -> Pixels:
    """The one of a frame under its own window; frames that follow one another share it."""
    center, width = description.window_center, description.window_width
    kind = np.dtype(description.type)
    samples = np.arange(2 ** (8 * kind.itemsize), dtype=f"u{kind.itemsize}").view(kind)
    values = samples.astype(np.float64) * description.slope + description.intercept
    if ramp is Ramp.SIGMOID:
        shares = 1 / (1 + np.exp((-4 * (values - center) / width).clip(-60, 60)))
    elif ramp is Ramp.EXACT:
        shares = (values - center) / width + 0.5
    else:
        shares = (values - (center - 0.5)) / max(width - 1, 1e-6) + 0.5
    grey: Pixels = (shares.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    grey = 255 - grey if description.is_inverted else grey
    grey.flags.writeable = False
    return grey


def _looked_up(table: Pixels, pixels: Pixels) -> Pixels:
    index = np.ascontiguousarray(pixels).view(f"u{pixels.dtype.itemsize}")
    return table.take(index, mode="wrap")  # every index is in the table: asked not to check, it takes half the time
