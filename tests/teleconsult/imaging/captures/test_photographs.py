"""Photographs of strangers: nothing but the picture comes through, upright and in the colours of a screen."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageCms, ImageFile

from teleconsult.imaging.captures.photographs import KEPT_PIXELS, photographed
from teleconsult.imaging.refusals import Refusal, Unreadable
from tests.teleconsult.imaging.captures.files import SECRET, bomb, photograph


def drawn(path: Path, content: bytes, *, most: int = KEPT_PIXELS) -> tuple[dict[str, object], Image.Image, bytes]:
    path.write_bytes(content)
    told, jpeg = photographed(path, most=most)
    return told, Image.open(BytesIO(jpeg)), jpeg


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_nothing_stays_beside_the_picture(tmp_path: Path, form: str) -> None:
    content = photograph(form=form, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert SECRET in content
    told, picture, jpeg = drawn(tmp_path / "p", content)
    assert told == {"rows": 48, "columns": 64, "taken": "2026-11-20T10:11:12"}
    assert (picture.format, picture.size, picture.mode) == ("JPEG", (64, 48), "RGB")
    assert not dict(picture.getexif())
    assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert SECRET not in jpeg
    assert b"Exif" not in jpeg


def test_it_stands_upright(tmp_path: Path) -> None:
    """EXIF's 6: the camera was turned by a quarter; what it has at the left stands at the top."""
    told, picture, _jpeg = drawn(tmp_path / "p", photograph(turned=6))
    assert (told["rows"], told["columns"]) == (64, 48)
    assert (picture.getpixel((24, 8))[0] > 180, picture.getpixel((24, 56))[0] < 60) == (True, True)


def test_a_large_one_is_made_smaller(tmp_path: Path) -> None:
    told, picture, _jpeg = drawn(tmp_path / "p", photograph((640, 480), turned=6), most=1200)
    assert (told["rows"], told["columns"]) == (40, 30)
    assert picture.getpixel((15, 5))[0] > 180


def test_a_moment_with_its_offset(tmp_path: Path) -> None:
    assert drawn(tmp_path / "p", photograph(offset="+07:00"))[0]["taken"] == "2026-11-20T10:11:12+07:00"
    assert drawn(tmp_path / "p", photograph(offset="somewhere"))[0]["taken"] == "2026-11-20T10:11:12"


@pytest.mark.parametrize("taken", ["", "0000:00:00 00:00:00", "yesterday"])
def test_a_moment_that_is_none(tmp_path: Path, taken: str) -> None:
    assert drawn(tmp_path / "p", photograph(taken=taken))[0]["taken"] == ""


def test_colours_become_those_of_a_screen(tmp_path: Path) -> None:
    """A profile whose first number is green and whose second is red: what is written as red is shown green."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    _told, picture, _jpeg = drawn(tmp_path / "p", photograph(icc_profile=swapped))
    red, green, _blue = picture.getpixel((8, 24))
    assert (red < 100, green > 180) == (True, True)


def test_a_profile_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    _told, picture, _jpeg = drawn(tmp_path / "p", photograph(icc_profile=b"nonsense"))
    assert picture.getpixel((8, 8))[0] > 180


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_kind_of_pixel(tmp_path: Path, mode: str) -> None:
    out = BytesIO()
    Image.new(mode, (8, 8)).save(out, "PNG")
    assert drawn(tmp_path / "p", out.getvalue())[1].mode == "RGB"


def test_sixteen_bits_of_grey_keep_their_range(tmp_path: Path) -> None:
    out = BytesIO()
    Image.new("I;16", (8, 8), 0x8000).save(out, "PNG")
    assert drawn(tmp_path / "p", out.getvalue())[1].getpixel((4, 4)) == (128, 128, 128)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 14_200])
def test_too_many_pixels_are_not_read(tmp_path: Path, side: int) -> None:
    with pytest.raises(Unreadable) as refused:
        drawn(tmp_path / "p", bomb(side))
    assert refused.value.refusal is Refusal.TOO_MANY_PIXELS


def test_one_that_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)  # WeasyPrint allows it, in the processes that print
    content = photograph((400, 400))
    with pytest.raises(OSError, match="truncated"):
        drawn(tmp_path / "p", content[: len(content) * 2 // 3])
