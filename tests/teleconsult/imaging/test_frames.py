"""Every file pydicom carries is shown, or cleanly is not; the numbers are those of pydicom's own pixel arrays."""

import math
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest

from teleconsult.imaging.frames import decode_frame
from teleconsult.imaging.parsing import read_header
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.rendering import rendered
from tests.teleconsult.imaging.files import HEAD, REAL, dicom_bytes

UNDECODABLE = {"JPEG2000-embedded-sequence-delimiter.dcm"}
"""Its pixel data is broken on purpose, past what a header can tell."""

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def stored_files() -> list[Path]:
    found = []
    for path in sorted(REAL.rglob("*")):
        try:
            if path.is_file() and read_header(path).frames and path.name not in UNDECODABLE:
                found.append(path)
        except Unreadable:
            continue
    return found


with warnings.catch_warnings(action="ignore"):
    STORED = stored_files()


def test_most_real_files_are_shown() -> None:
    assert len(STORED) > 80


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_a_real_file_is_shown(path: Path) -> None:
    header = read_header(path)
    description, pixels = decode_frame(path, header.frames - 1)
    assert pixels.shape[:2] == (header.rows, header.columns)
    assert pixels.dtype.name == description.type
    assert pixels.ndim == (3 if description.samples == 3 else 2)
    assert description.window_width > 0
    assert rendered(description, pixels, size=256).startswith(b"RIFF")


@pytest.mark.parametrize("name", sorted(UNDECODABLE))
def test_a_broken_file_raises_and_returns_nothing(name: str) -> None:
    with pytest.raises((Unreadable, ValueError)):
        decode_frame(REAL / name, 0)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_RLE.dcm", "J2K_pixelrep_mismatch.dcm", "image_dfl.dcm"])
def test_samples_are_exact(name: str) -> None:
    _description, pixels = decode_frame(REAL / name, 0)
    assert np.array_equal(pixels, pydicom.dcmread(REAL / name).pixel_array)


def test_the_rescale_is_that_of_the_header() -> None:
    description, pixels = decode_frame(HEAD, 0)
    values = pixels * description.slope + description.intercept
    assert values.min() < -900
    assert values.max() > 1000


def test_wide_samples_are_narrowed_with_their_scale() -> None:
    ds = pydicom.dcmread(REAL / "rtdose.dcm")
    description, pixels = decode_frame(REAL / "rtdose.dcm", 0)
    values = pixels * description.slope + description.intercept
    assert np.allclose(values, ds.pixel_array[0].astype(float), rtol=1e-3)


def test_each_frame_is_its_own() -> None:
    first, last = (decode_frame(REAL / "examples_ybr_color.dcm", index)[1] for index in (0, 29))
    assert first.shape == (240, 320, 3)
    assert not np.array_equal(first, last)


def test_bits_are_unpacked_across_bytes(tmp_path: Path) -> None:
    path = tmp_path / "bits"
    content = np.packbits(np.array([1, 0, 0, 1, 0, 1, 0, 1, 1] * 2, np.uint8), bitorder="little").tobytes()
    grey = {"PixelRepresentation": 0, "RescaleIntercept": 0, "PixelData": content + b"\0"}
    path.write_bytes(dicom_bytes(side=3, BitsAllocated=1, BitsStored=1, HighBit=0, NumberOfFrames=2, **grey))
    for index in (0, 1):
        assert decode_frame(path, index)[1].ravel().tolist() == [1, 0, 0, 1, 0, 1, 0, 1, 1]


@pytest.mark.parametrize("index", [-1, 1, 10**9])
def test_a_frame_that_is_not_there(index: int) -> None:
    with pytest.raises(Unreadable) as raised:
        decode_frame(HEAD, index)
    assert raised.value.refusal is Refusal.NO_PIXELS


def test_without_a_window_the_grey_that_is_there_is_shown() -> None:
    description, pixels = decode_frame(REAL / "CT_small.dcm", 0)
    values = pixels * description.slope + description.intercept
    assert values.min() <= description.window_center <= values.max()
    assert description.window_width < np.ptp(values) + 2


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_values_that_are_no_numbers_leave_the_others_as_they_are(tmp_path: Path, kind: type) -> None:
    values = np.array([0, 1, 2, 3, np.inf, -np.inf, np.nan, 3, 2], kind)
    name, bits = {4: ("FloatPixelData", 32), 8: ("DoubleFloatPixelData", 64)}[values.itemsize]
    path = tmp_path / "map"
    path.write_bytes(dicom_bytes(side=3, BitsAllocated=bits, PixelData=None, **{name: values.tobytes()}))
    description, pixels = decode_frame(path, 0)
    assert all(math.isfinite(number) for number in description.as_json().values() if isinstance(number, float))
    told = pixels.ravel() * description.slope + description.intercept
    assert np.allclose(told[:6] - told[0], [0, 1, 2, 3, 3, 0], atol=1e-3)


@pytest.mark.parametrize("rescale", [("1e308", "0"), ("1e305", "1.7e308")])
def test_a_rescale_beyond_numbers_is_none(tmp_path: Path, rescale: tuple[str, str]) -> None:
    path = tmp_path / "far"
    path.write_bytes(dicom_bytes(RescaleSlope=rescale[0], RescaleIntercept=rescale[1], WindowCenter=None))
    description, _pixels = decode_frame(path, 0)
    assert all(math.isfinite(number) for number in description.as_json().values() if isinstance(number, float))


def test_values_at_the_end_of_numbers_are_described_in_numbers(tmp_path: Path) -> None:
    path = tmp_path / "wide"
    content = np.array([-1.7e308, 1.7e308, 0, 0], np.float64).tobytes()
    path.write_bytes(dicom_bytes(side=2, BitsAllocated=64, PixelData=None, DoubleFloatPixelData=content))
    description, _pixels = decode_frame(path, 0)
    assert all(math.isfinite(number) for number in description.as_json().values() if isinstance(number, float))
