"""The window is PS3.3's, for every sample a type can hold."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from teleconsult.imaging.frames import FrameDescription
from teleconsult.imaging.rendering import PREVIEW_BYTES, Drawing, Ramp, drawn, grey_table, preview, rendered


def description(kind: str = "int16", **values: object) -> FrameDescription:
    plain: dict[str, object] = {
        "rows": 2, "columns": 2, "samples": 1, "type": kind, "slope": 1.0, "intercept": -1024.0,
        "is_inverted": False, "window_center": 40.0, "window_width": 80.0,
    }  # fmt: skip
    return FrameDescription(**(plain | values))  # type: ignore[arg-type]  # plain values, spread


@pytest.mark.parametrize(
    ("sample", "grey"), [(-3000, 0), (1024, 0), (1063, 126), (1064, 129), (1103, 255), (3000, 255)]
)
def test_linear_window(sample: int, grey: int) -> None:
    """PS3.3 C.11.2.1.2.1: centre 40 and width 80 run from 0 to 79."""
    assert grey_table(description(), None)[np.int16(sample).view(np.uint16)] == grey


def test_monochrome_1_is_white_where_it_is_low() -> None:
    assert grey_table(description(is_inverted=True), None)[0] == 255


def test_a_width_of_one_is_a_threshold() -> None:
    table = grey_table(description("uint8", intercept=0.0), (100, 1))
    assert (table[99], table[100]) == (0, 255)


def test_a_large_picture_is_made_smaller() -> None:
    pixels = np.zeros((400, 800), np.int16)
    picture = Image.open(BytesIO(rendered(description(), pixels, size=100)))
    assert (picture.format, picture.size) == ("WEBP", (100, 50))


def test_another_window_gives_another_picture() -> None:
    pixels = np.full((16, 16), 1200, np.int16)
    bright, dark = (
        Image.open(BytesIO(rendered(description(), pixels, window=window, size=16))).convert("L").getpixel((8, 8))
        for window in ((40, 80), (400, 1500))
    )
    assert bright == 255
    assert 80 < int(str(dark)) < 100


@pytest.mark.parametrize("ramp", [Ramp.EXACT, Ramp.SIGMOID])
def test_the_other_ramps_are_half_grey_at_the_centre(ramp: Ramp) -> None:
    """PS3.3 C.11.2.1.3."""
    table = grey_table(description("uint8", intercept=0.0), (100, 40), ramp)
    assert table[100] == 128
    assert table[0] < 2
    assert table[255] > 253
    assert bool(table[120] == 255) is (ramp is Ramp.EXACT)


def test_a_region_is_cut_turned_and_made_to_fit() -> None:
    pixels = np.zeros((10, 20), np.uint8)
    pixels[:, 10:] = 255
    shown = description("uint8", intercept=0.0, window_center=127.5, window_width=255.0)
    for region, left_is_white in (((5, 0, 10, 10), False), ((5, 0, -10, 10), True)):
        picture = Image.open(BytesIO(drawn(shown, pixels, Drawing("image/png", viewport=(100, 50), region=region))))
        assert picture.size == (50, 50)
        left = picture.getpixel((2, 25))
        assert (left == 255) is left_is_white


def test_a_preview_is_small_whatever_it_shows() -> None:
    grain = np.random.default_rng(1).integers(1000, 1100, (700, 700)).astype(np.int16)
    ramp = np.tile(np.linspace(1000, 1100, 700).astype(np.int16), (700, 1))
    for pixels, is_large in ((grain, False), (ramp, True)):
        content, is_rendered = preview(description(), pixels)
        assert len(content) <= PREVIEW_BYTES
        assert is_rendered is is_large
        assert (Image.open(BytesIO(content)).size == (512, 512)) is is_large
        assert (content == rendered(description(), pixels, size=512)) is is_rendered
