"""What is kept of a header, and what is never stored."""

import zlib
from pathlib import Path

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from teleconsult.imaging.parsing import read_header
from teleconsult.imaging.refusals import Refusal, Unreadable
from tests.teleconsult.imaging.files import HEAD, REAL, dicom_bytes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(content)
    return path


def test_a_slice_is_described(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, dicom_bytes(InstanceNumber=7, TimezoneOffsetFromUTC="-0330")))
    assert (header.patient_name, header.modality, header.instance_number) == ("Bélanger^Rose", "CT", 7)
    assert (header.rows, header.columns, header.frames) == (16, 16, 1)
    assert (header.window_center, header.window_width) == (40, 80)
    assert header.started == "2026-03-01T10:15:00-03:30"
    assert header.not_displayable_because == ""


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"StudyDate": "00010101", "TimezoneOffsetFromUTC": "+1400"}, ""),
        ({"StudyDate": "00010101"}, ""),
        ({"StudyDate": "99991231", "TimezoneOffsetFromUTC": "-1200"}, ""),
        ({"TimezoneOffsetFromUTC": "+2359"}, "2026-03-01T10:15:00"),
        ({"TimezoneOffsetFromUTC": "+0000"}, "2026-03-01T10:15:00+00:00"),
        ({"TimezoneOffsetFromUTC": "+1400"}, "2026-03-01T10:15:00+14:00"),
    ],
)
def test_a_time_that_nobody_can_have_measured_is_none(tmp_path: Path, values: dict[str, str], kept: str) -> None:
    assert read_header(written(tmp_path, dicom_bytes(**values))).started == kept


def test_a_report_is_kept_without_an_image() -> None:
    header = read_header(REAL / "test-SR.dcm")
    assert (header.frames, header.not_displayable_because) == (0, Refusal.NO_PIXELS)


def test_a_deflated_file_keeps_its_own_syntax() -> None:
    header = read_header(REAL / "image_dfl.dcm")
    assert (header.transfer_syntax_uid, header.frames) == ("1.2.840.10008.1.2.1.99", 1)


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"PatientName": "Bad\0Name"}, "BadName"),
        ({"PatientName": "x" * 3000}, "x" * 1024),
        ({"PatientName": "Nguyễn^Thị Minh"}, "Nguyễn^Thị Minh"),
    ],
)
def test_names_are_made_safe_for_a_row(tmp_path: Path, values: dict[str, str], kept: str) -> None:
    assert read_header(written(tmp_path, dicom_bytes(**values))).patient_name == kept


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("README.txt", Refusal.NOT_DICOM),
        ("dicomdirtests/DICOMDIR", Refusal.DIRECTORY),
        ("meta_missing_tsyntax.dcm", Refusal.NO_SYNTAX),
        ("rtplan_truncated.dcm", Refusal.TRUNCATED),
        ("nested_priv_SQ.dcm", Refusal.BAD_IDENTIFIER),
    ],
)
def test_what_is_not_an_instance_is_refused_by_name(name: str, refusal: Refusal) -> None:
    with pytest.raises(Unreadable) as raised:
        read_header(REAL / name)
    assert raised.value.refusal is refusal


RLE = dicom_bytes(RLELossless, PixelData=encapsulate([b"\0" * 64, b"\0" * 64]), NumberOfFrames=2)
"""It ends with an item of 72 bytes and the delimiter of 8."""


@pytest.mark.parametrize(
    "content",
    [
        dicom_bytes()[:-100],
        dicom_bytes()[:-1],
        RLE[:-4],
        RLE[:-9],
        RLE[:-76],
        (REAL / "image_dfl.dcm").read_bytes()[:-20],
        (REAL / "MR_truncated.dcm").read_bytes(),
    ],
    ids=["plain", "a byte", "in the delimiter", "in the last item", "in its head", "deflated", "published"],
)
def test_what_is_cut_off_within_its_pixels_is_not_kept(tmp_path: Path, content: bytes) -> None:
    """Else the whole one would be refused for ever as another object of the same name."""
    with pytest.raises(Unreadable) as raised:
        read_header(written(tmp_path, content))
    assert raised.value.refusal is Refusal.TRUNCATED


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (dicom_bytes(Rows=17), Refusal.BAD_GEOMETRY),
        (RLE[:-8], ""),
        (RLE[:-80], ""),
        (RLE + b"\0\0\0", ""),
        (dicom_bytes() + b"\0\0\0", ""),
    ],
    ids=["less than claimed", "no delimiter", "a frame less", "padded", "plain and padded"],
)
def test_what_is_whole_is_kept_though_its_writer_was_careless(tmp_path: Path, content: bytes, reason: str) -> None:
    assert read_header(written(tmp_path, content)).not_displayable_because == reason


@pytest.mark.parametrize("uid", [".", "1..2", ".1.2", "1.2.", "1.2/../3", "1" * 65, "1.2.é"])
def test_an_identifier_is_numbers_between_dots(tmp_path: Path, uid: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_header(written(tmp_path, dicom_bytes(StudyInstanceUID=uid)))
    assert raised.value.refusal is Refusal.BAD_IDENTIFIER


def test_a_number_of_an_identifier_may_begin_with_zero(tmp_path: Path) -> None:
    """Against PS3.5 §9.1, but much in use."""
    assert read_header(written(tmp_path, dicom_bytes(StudyInstanceUID="1.2.0123.4"))).study_instance_uid == "1.2.0123.4"


def test_an_object_that_names_no_study_is_one_by_itself() -> None:
    header, again = (read_header(REAL / "JPEGLSNearLossless_08.dcm") for _ in range(2))
    assert header.study_instance_uid.startswith("2.25.")
    assert header.study_instance_uid != header.series_instance_uid
    assert header == again
    assert header.study_instance_uid.encode() in zlib.decompress(header.description.dicom_json)


def test_an_object_may_name_itself_before_its_data_set_alone() -> None:
    header = read_header(REAL / "priv_SQ.dcm")
    assert header.sop_instance_uid == "1.1.111.111111.1.111.1111111111.1111.1111111111.111"


def test_absurd_numbers_do_not_reach_a_row(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, dicom_bytes(SeriesNumber=None, WindowWidth=None)))
    assert (header.series_number, header.window_center) == (0, None)


def test_the_size_of_the_header_is_bounded(tmp_path: Path) -> None:
    content = dicom_bytes()
    at = content.index(b"\x28\x00\x02\x00US")
    private = b"\x09\x00\x01\x00OB\x00\x00\x00\x00\xff\x00" + bytes(0xFF0000)
    with pytest.raises(Unreadable) as raised:
        read_header(written(tmp_path, content[:at] + private * 3 + content[at:]))
    assert raised.value.refusal is Refusal.HEADER_TOO_LARGE


def test_the_head_is_a_head() -> None:
    header = read_header(HEAD)
    assert (header.rows, header.modality, header.transfer_syntax_uid) == (512, "CT", "1.2.840.10008.1.2.4.90")
