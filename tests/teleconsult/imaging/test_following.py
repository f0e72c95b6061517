"""Whatever came before it, a header is read as if nothing had."""

import random
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from teleconsult.imaging import following
from teleconsult.imaging.following import HeaderReader
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.parsing import header_of, read_header
from teleconsult.imaging.refusals import Refusal, Unreadable
from tests.teleconsult.imaging.files import REAL, as_file, dicom_bytes

CHANGES = 24


@pytest.fixture
def reader() -> HeaderReader:
    return HeaderReader()


@pytest.fixture
def whole_reads(monkeypatch: pytest.MonkeyPatch) -> list[InstanceHeader]:
    """Of those that were not told by the one before."""
    read: list[InstanceHeader] = []

    def noted(*arguments: Any) -> InstanceHeader:
        read.append(header_of(*arguments))
        return read[-1]

    monkeypatch.setattr(following, "header_of", noted)
    return read


def outcome(read: Any, path: Path) -> InstanceHeader | str:
    """The header, or what went wrong with it."""
    try:
        return read(path)  # type: ignore[no-any-return]  # one of two methods with the same answer
    except Unreadable as error:
        return error.refusal.value
    except Exception as error:
        return type(error).__name__


def series(count: int = 20, **values: Any) -> Iterator[bytes]:
    """Slices as a scanner makes them."""
    whole = dicom_bytes(StudyInstanceUID="1.2", SeriesInstanceUID="1.2.1")
    for at in range(1, count + 1):
        ds = dcmread(BytesIO(whole))
        ds.SOPInstanceUID, ds.InstanceNumber = f"1.2.3.{at}", at
        ds.ImagePositionPatient, ds.SliceLocation = [-120, -120, 1.25 * at], f"{-1.25 * at}"
        ds.AcquisitionTime, ds.WindowCenter = f"1015{at:02}.25", [40 + at, 300]
        ds.RescaleIntercept, ds.ImageComments = -1000 - at, f"Séance {at}"
        for keyword, value in values.items():
            setattr(ds, keyword, value)
        yield as_file(ds)


def test_slices_of_a_series_are_told_by_the_first(
    reader: HeaderReader, whole_reads: list[InstanceHeader], tmp_path: Path
) -> None:
    for at, content in enumerate(series()):
        path = tmp_path / str(at)
        path.write_bytes(content)
        assert reader.read(path) == read_header(path)
    assert len(whole_reads) == 1


def test_what_is_of_the_whole_series_is_not_taken_over(
    reader: HeaderReader, whole_reads: list[InstanceHeader], tmp_path: Path
) -> None:
    others = {
        "StudyInstanceUID": "1.9", "SeriesInstanceUID": "1.9", "PatientName": "Autre^Anne", "PatientID": "X2",
        "StudyDate": "20260302", "SeriesDescription": "Coronal", "Rows": 8, "BitsStored": 12, "Modality": "MR",
        "SpecificCharacterSet": "ISO_IR 100", "AccessionNumber": "A9", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
        "BodyPartExamined": "HEAD", "StudyDescription": "Cou",
    }  # fmt: skip
    for keyword, value in others.items():
        first, other = tmp_path / "first", tmp_path / keyword
        first.write_bytes(next(series(1)))
        other.write_bytes(next(series(1, **{keyword: value})))
        reader.read(first)
        whole_reads.clear()
        assert outcome(reader.read, other) == outcome(read_header, other), keyword
        assert len(whole_reads) == 1, keyword


@pytest.mark.parametrize(
    "name",
    ["", "CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm"],
)
def test_a_header_that_was_changed_anywhere_is_read_as_it_stands(
    name: str, reader: HeaderReader, tmp_path: Path
) -> None:
    content = (REAL / name).read_bytes() if name else next(series(1))
    first, path = tmp_path / "first", tmp_path / "changed"
    first.write_bytes(content)
    end = content.rfind(b"\xe0\x7f\x10\x00") + 12
    drawn = random.Random(name)
    for _change in range(CHANGES):
        changed = bytearray(content)
        for _byte in range(drawn.choice((1, 1, 2, 8))):
            changed[drawn.randrange(128, end)] = drawn.choice(
                (0, 0x20, 0x30, 0x39, 0x41, 0x5C, 0xFF, drawn.randrange(256))
            )
        path.write_bytes(changed)
        outcome(reader.read, first)
        assert outcome(reader.read, path) == outcome(read_header, path)


def test_an_element_may_be_longer_or_shorter(
    reader: HeaderReader, whole_reads: list[InstanceHeader], tmp_path: Path
) -> None:
    first, path = tmp_path / "first", tmp_path / "next"
    first.write_bytes(next(series(1)))
    for uid, text in (("1.2.3.4444444.5", "…" * 20), ("1.2", "b"), ("9" * 64, "c" * 128), ("1.5", "d" * 300)):
        path.write_bytes(next(series(1, SOPInstanceUID=uid, ImageComments=text)))
        reader.read(first)
        header = reader.read(path)
        assert header == read_header(path)
        assert header.sop_instance_uid == uid
    assert 1 < len(whole_reads) < 5, "the longest text was read as it stands"


def test_one_that_is_cut_off_is_refused_like_any_other(reader: HeaderReader, tmp_path: Path) -> None:
    first, path = tmp_path / "first", tmp_path / "next"
    first.write_bytes(next(series(1)))
    content = list(series(2))[1]
    path.write_bytes(content[:-2])
    reader.read(first)
    with pytest.raises(Unreadable) as raised:
        reader.read(path)
    assert raised.value.refusal is Refusal.TRUNCATED
    for end in range(130, len(content) - 514, 37):
        path.write_bytes(content[:end])
        assert outcome(reader.read, path) == outcome(read_header, path)


def test_an_identifier_that_is_missing_is_derived_anew(reader: HeaderReader, tmp_path: Path) -> None:
    for at, missing in enumerate(("StudyInstanceUID", "SeriesInstanceUID")):
        for number, content in enumerate(series(2, **{missing: ""})):
            path = tmp_path / f"{at}{number}"
            path.write_bytes(content)
            assert reader.read(path) == read_header(path)
    for content in series(3):
        own = content.rindex(b"1.2.3.")
        path.write_bytes(content[:own] + b" " * 8 + content[own + 8 :])
        assert reader.read(path) == read_header(path), "the one of the file meta information"
        assert reader.read(path).sop_instance_uid.startswith("1.2.3.")


@pytest.mark.parametrize("name", ["JPEG2000.dcm", "MR_small_implicit.dcm", "image_dfl.dcm"])
def test_other_codings_are_read_whole(name: str, reader: HeaderReader, whole_reads: list[InstanceHeader]) -> None:
    for _again in range(2):
        assert reader.read(REAL / name) == read_header(REAL / name)
    assert len(whole_reads) == 2


def test_a_lie_about_the_pixels_is_not_taken_over(reader: HeaderReader, tmp_path: Path) -> None:
    first, path = tmp_path / "first", tmp_path / "next"
    content = next(series(1))
    at = content.index(b"\xe0\x7f\x10\x00OW\0\0") + 8
    first.write_bytes(content)
    for length in (0, 2, 510, 514, 0xFFFFFFF0, 0xFFFFFFFF):
        path.write_bytes(content[:at] + struct.pack("<L", length) + content[at + 4 :])
        reader.read(first)
        assert outcome(reader.read, path) == outcome(read_header, path)
