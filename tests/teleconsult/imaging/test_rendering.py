"""The window is PS3.3's, for every sample a type can hold."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from teleconsult.imaging.frames import FrameDescription
from teleconsult.imaging.rendering import grey_table, rendered


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
