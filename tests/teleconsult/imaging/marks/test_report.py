"""The report that is written, judged by others."""

import shutil
import subprocess
import warnings
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pydicom
import pytest
from pydicom.dataset import Dataset

from teleconsult.imaging.marks.evidence import Image, Observer
from teleconsult.imaging.marks.models import Kind, Mark, MeasuredMark, Point, Quantity, Value
from teleconsult.imaging.marks.report import Order, ellipse_axes, written

CT = Image("1.2.3.4", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5", 1)
CINE = Image("1.2.3.6", "1.2.840.10008.5.1.4.1.1.3.1", "1.2.3.6.1", 30)


def about(name: str) -> Dataset:
    ds = Dataset()
    ds.StudyDate, ds.StudyTime, ds.StudyInstanceUID, ds.StudyID = "20260301", "101500", "1.2.3", "7"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = name, "X1", "", "F"
    ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.StudyDescription = "Tête"
    return ds


def mark(image: Image, kind: Kind, points: tuple[Point, ...], *values: Value, frame: int = 1) -> MeasuredMark:
    return MeasuredMark(Mark(image.sop_instance_uid, frame, kind, points), values, at_detector=image is CINE)


def report(name: str = "Nguyễn^Thị") -> bytes:
    grey = [Value(quantity, 40.5, "HU") for quantity in (Quantity.MEAN, Quantity.MIN, Quantity.MAX)]
    return written(
        Order(
            uid="2.25.1",
            series_uid="2.25.2",
            about=about(name),
            images=[CT, CINE],
            marks=[
                mark(CT, Kind.LENGTH, ((2, 2), (2, 12)), Value(Quantity.LENGTH, 5, "mm")),
                mark(CT, Kind.ANGLE, ((2, 2), (2, 12), (12, 12)), Value(Quantity.ANGLE, 90, "deg")),
                mark(CT, Kind.AREA, ((2, 4), (12, 8)), Value(Quantity.AREA, 1 / 3, "mm2"), *grey),
                mark(CINE, Kind.LENGTH, ((2, 2), (2, 12)), Value(Quantity.LENGTH, 10, "px"), frame=7),
            ],
            observer=Observer("Nguyễn^x", "Thị Minh", "Dr", "CHU"),
            at=datetime(2026, 11, 22, 12, 0, tzinfo=ZoneInfo("America/Toronto")),
        )
    )


def test_names_keep_their_script_and_frames_their_number() -> None:
    ds = pydicom.dcmread(BytesIO(report()))
    assert (str(ds.PatientName), ds.StudyDescription, ds.ContentDate) == ("Nguyễn^Thị", "Tête", "20261122")
    text = str(ds)
    assert "Nguyễn x^Thị Minh^^Dr" in text
    groups = ds.ContentSequence[-1].ContentSequence
    cine = groups[-1].ContentSequence[-1].ContentSequence[-1].ContentSequence[0].ReferencedSOPSequence[0]
    assert (cine.ReferencedSOPInstanceUID, cine.ReferencedFrameNumber) == (CINE.sop_instance_uid, 7)
    assert "99TELECONSULT" in str(groups[-1])
    assert "99TELECONSULT" not in str(groups[0])


def test_an_odd_name_reaches_no_warning() -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        report(name="ROSE")
    assert not [str(one.message) for one in warned if "ROSE" in str(one.message)]


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="Debian's dicom3tools is not here")
def test_no_error_is_found_in_it(tmp_path: Path) -> None:
    path = tmp_path / "report.dcm"
    path.write_bytes(report())
    judged = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    assert "Error" not in judged.stdout + judged.stderr
    assert "ComprehensiveSR" in judged.stdout + judged.stderr


def test_the_longer_axis_of_an_ellipse_comes_first() -> None:
    assert ellipse_axes(((2, 4), (12, 8))).tolist() == [[2, 6], [12, 6], [7, 4], [7, 8]]
    assert ellipse_axes(((4, 12), (8, 2))).tolist() == [[6, 2], [6, 12], [4, 7], [8, 7]]
