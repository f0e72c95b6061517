"""A header as DICOM JSON (PS3.18 Annex F): all of it, in UTF-8, bounded, whatever a stranger wrote."""

import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from teleconsult.imaging.describing import LARGEST_JSON, value_of
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.parsing import read_header
from teleconsult.imaging.reading import open_instance
from tests.teleconsult.imaging.files import HEAD, REAL, as_file, dicom_bytes

CHARSETS = sorted(path for path in (REAL.parent / "charset_files").glob("*.dcm") if "SQEncoding" not in path.name)


def told(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(zlib.decompress(read_header(path).description.dicom_json))
    return found


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "one"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_implicit.dcm", "test-SR.dcm", "rtplan.dcm", "liver_1frame.dcm"]
)
def test_it_is_what_pydicom_tells(name: str) -> None:
    ds = dcmread(REAL / name, stop_before_pixels=True)
    ours, theirs = told(REAL / name), ds.to_json_dict(suppress_invalid_tags=True)
    for tag, element in theirs.items():
        if tag == "00080005":
            assert ours[tag]["Value"] == ["ISO_IR 192"]
        elif "BulkDataURI" not in str(ours[tag]):
            assert ours[tag] == orjson.loads(orjson.dumps(element)), tag


def test_long_values_have_an_address_of_their_own(tmp_path: Path) -> None:
    ds = dcmread(HEAD)
    item = Dataset()
    item.add_new(0x00091010, "OB", b"\1" * 2000)
    ds.ReferencedStudySequence = Sequence([Dataset(), item])
    ds.add_new(0x00091011, "OB", b"\2" * 1000)
    path = written(tmp_path, as_file(ds, ds.file_meta.TransferSyntaxUID))
    elements = told(path)
    base = f"/dicomweb/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
    inner = elements["00081110"]["Value"][1]["00091010"]
    assert inner == {"vr": "OB", "BulkDataURI": f"{base}/bulkdata/00081110/1/00091010"}
    assert "InlineBinary" in elements["00091011"]
    assert elements["7FE00010"] == {"vr": "OB", "BulkDataURI": f"{base}/bulkdata/7FE00010"}
    opened = open_instance(path)
    with opened.file:
        assert value_of(opened, ["00081110", "1", "00091010"]) == ("OB", b"\1" * 2000)


@pytest.mark.parametrize("path", CHARSETS, ids=lambda path: path.stem)
def test_every_character_set_becomes_utf_8(path: Path, tmp_path: Path) -> None:
    ds = dcmread(path)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
        if not ds.get(keyword):
            setattr(ds, keyword, "1.2.3")
    name = ds.PatientName
    elements = told(written(tmp_path, as_file(ds, ds.file_meta.TransferSyntaxUID)))
    forms = [form for form in elements["00100010"]["Value"][0].values() if form]
    assert "=".join(forms) == str(name).rstrip("=")
    assert elements["00080005"]["Value"] == ["ISO_IR 192"]


def test_one_bad_element_spoils_itself_alone() -> None:
    elements = told(REAL / "badVR.dcm")
    assert elements["00280008"] == {"vr": "IS"}
    assert elements["00100010"]["Value"]


def test_big_endian_numbers_are_told_in_little_endian() -> None:
    ds = dcmread(REAL / "MR_small_bigendian.dcm")
    assert told(REAL / "MR_small_bigendian.dcm")["00280010"]["Value"] == [ds.Rows]


def test_what_is_too_long_is_told_without_its_sequences(tmp_path: Path) -> None:
    ds = dcmread(HEAD)
    ds.SpecificCharacterSet = "ISO_IR 192"  # others are written letter by letter
    line = Dataset()
    line.add_new(0x00081030, "LO", "x" * 60_000)
    half = [line] * (LARGEST_JSON // 120_000 + 1)
    ds.ReferencedStudySequence, ds.ReferencedSeriesSequence = Sequence(half), Sequence(half)
    elements = told(written(tmp_path, as_file(ds, ds.file_meta.TransferSyntaxUID)))
    assert not elements.keys() & {"00081110", "00081115"}
    assert "00100010" in elements


def test_the_study_and_the_series_are_kept_apart(tmp_path: Path) -> None:
    said = read_header(written(tmp_path, dicom_bytes())).description
    assert said.study["00100010"]["Value"] == [{"Alphabetic": "Bélanger^Rose"}]
    assert said.study["00080020"]["Value"] == ["20260301"]
    assert said.series["00080060"]["Value"] == ["CT"]
    assert not said.study.keys() & {"00080060", "00280010"}


def test_no_nul_reaches_a_column(tmp_path: Path) -> None:
    content = dicom_bytes(StudyDescription="ab").replace(b"LO\x02\x00ab", b"LO\x02\x00a\0")
    assert b"\\u0000" not in zlib.decompress(read_header(written(tmp_path, content)).description.dicom_json)


def test_it_goes_through_the_workers_pipe_unchanged() -> None:
    header = read_header(REAL / "examples_ybr_color.dcm")
    head, body = header.packed()
    assert InstanceHeader.unpacked(orjson.loads(orjson.dumps(head)), body) == header
