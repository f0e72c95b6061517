"""Photographs drawn anew."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from teleconsult.imaging import pictures
from teleconsult.imaging.pictures import LARGEST_SIDE, redrawn
from teleconsult.imaging.refusals import Unreadable


def file_of(tmp_path: Path, picture: Image.Image, kind: str) -> Path:
    path = tmp_path / "picture"
    picture.save(path, kind)
    return path


def drawn(path: Path) -> Image.Image:
    return Image.open(BytesIO(redrawn(path)[1]))


def test_a_picture_is_made_to_fit(tmp_path: Path) -> None:
    wide = Image.new("L", (LARGEST_SIDE * 2, 10))
    assert drawn(file_of(tmp_path, wide, "PNG")).size == (LARGEST_SIDE, 5)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "RGB", "I;16"])
def test_every_kind_of_pixel_becomes_colour(tmp_path: Path, mode: str) -> None:
    found = drawn(file_of(tmp_path, Image.new(mode, (4, 4)), "PNG"))
    assert (found.mode, found.size) == ("RGB", (4, 4))


def test_what_is_clear_becomes_white(tmp_path: Path) -> None:
    assert drawn(file_of(tmp_path, Image.new("RGBA", (2, 2), (0, 0, 0, 0)), "PNG")).getpixel((0, 0)) == (255, 255, 255)


def test_too_many_pixels_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 15)
    with pytest.raises(Unreadable):
        redrawn(file_of(tmp_path, Image.new("RGB", (4, 4)), "PNG"))


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_pictures_are_not_opened(tmp_path: Path, kind: str) -> None:
    path = file_of(tmp_path, Image.new("RGB", (4, 4)), kind)
    with pytest.raises(OSError, match="cannot identify"):
        redrawn(path)
