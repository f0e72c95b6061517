"""A frame as a picture for the screen: one table from sample to grey, then WebP (PS3.18 §8.3.5 calls it rendered)."""

from io import BytesIO

import numpy as np
from PIL import Image

from teleconsult.imaging.frames import FrameDescription, Pixels

QUALITY = 80
_FAST = 1
"""WebP's effort: a 512 x 512 frame takes 5 ms, and is a tenth larger than at its best."""


def rendered(
    description: FrameDescription, pixels: Pixels, *, window: tuple[float, float] | None = None, size: int
) -> bytes:
    """WebP of the frame under `window` (centre and width, in values; None: the frame's own), at most `size` a side."""
    if description.samples == 1:
        pixels = grey_table(description, window)[_as_index(pixels)]
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((size, size), Image.Resampling.BOX, reducing_gap=None)
    out = BytesIO()
    picture.convert("RGB").save(out, "WEBP", quality=QUALITY, method=_FAST)
    return out.getvalue()


def grey_table(description: FrameDescription, window: tuple[float, float] | None) -> Pixels:
    """Grey, 0 to 255, of every sample the type can hold, in the order of its bit pattern (PS3.3 C.11.2.1.2.1)."""
    center, width = window or (description.window_center, description.window_width)
    kind = np.dtype(description.type)
    samples = np.arange(2 ** (8 * kind.itemsize), dtype=f"u{kind.itemsize}").view(kind)
    values = samples.astype(np.float64) * description.slope + description.intercept
    ramp = (values - (center - 0.5)) / max(width - 1, 1e-6) + 0.5
    grey = (ramp.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return 255 - grey if description.is_inverted else grey


def _as_index(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels).view(f"u{pixels.dtype.itemsize}")
