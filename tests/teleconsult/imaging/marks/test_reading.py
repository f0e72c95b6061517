"""Marks out of reports that others wrote, whatever else stands in them."""

import math
from typing import Any

import numpy as np
import pytest
from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage, generate_uid

from teleconsult.imaging.marks.models import Kind, Quantity
from teleconsult.imaging.marks.reading import read_report

IMAGE, SERIES, STUDY = "1.2.3.4.5", "1.2.3.4", "1.2.3"
SOURCE = sr.SourceImageForRegion(CTImageStorage, IMAGE)
LINE = np.array([[1.0, 2.0], [4.0, 6.0]])


def told(*groups: Any) -> dict[str, Any]:
    """The report as it is kept: the DICOM JSON Model."""
    person = sr.PersonObserverIdentifyingAttributes("Roy^Aline^^Dr")
    observer = sr.ObserverContext(codes.DCM.Person, person)
    report = sr.MeasurementReport(
        sr.ObservationContext(observer_person_context=observer), codes.SCT.ImagingProcedure, list(groups)
    )
    evidence = Dataset()
    for keyword in ("PatientID", "PatientName", "PatientSex", "AccessionNumber", "StudyID", "PatientBirthDate"):
        setattr(evidence, keyword, "")
    evidence.StudyDate = evidence.StudyTime = evidence.ReferringPhysicianName = ""
    evidence.StudyInstanceUID, evidence.SeriesInstanceUID, evidence.SOPInstanceUID = STUDY, SERIES, IMAGE
    evidence.SOPClassUID = CTImageStorage
    document = sr.Comprehensive3DSR([evidence], report[0], generate_uid(), 1, generate_uid(), 1, "Others")
    document["ContentDate"].value, document["ContentTime"].value = "20260301", "101500.25"
    return document.to_json_dict()


def line(name: Code, value: float, unit: Code) -> Any:
    graphic = sr.CoordinatesForMeasurement(sr.GraphicTypeValues.POLYLINE, LINE, SOURCE)
    measurement = sr.Measurement(name, value, unit, referenced_coordinates=[graphic])
    return sr.MeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(generate_uid(), "1"), measurements=[measurement]
    )


def region(kind: sr.GraphicTypeValues, points: Any, *measurements: Any) -> Any:
    area = sr.Measurement(codes.SCT.Area, 12.5, codes.UCUM.SquareMillimeter)
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(generate_uid(), "1"),
        referenced_region=sr.ImageRegion(kind, np.array(points, dtype=float), SOURCE),
        measurements=[area, *measurements],
    )


def test_lengths_by_whatever_name_and_who_measured_them() -> None:
    long_axis = Code("G-A185", "SRT", "Long Axis")
    report = read_report(
        told(line(codes.SCT.Length, 5, codes.UCUM.Millimeter), line(long_axis, 6, codes.UCUM.Centimeter))
    )
    assert (report.by, report.at) == ("Dr Aline Roy", "2026-03-01T10:15:00")
    first, second = report.marks
    assert (first.kind, first.sop_instance_uid, first.frame) == (Kind.LENGTH, IMAGE, 1)
    assert first.graphic == ((1, 2), (4, 6))
    assert [(one.quantity, one.value, one.unit) for one in second.values] == [(Quantity.LENGTH, 6, "cm")]


def test_what_is_none_of_these_is_left_out() -> None:
    volume = line(codes.SCT.Volume, 5, codes.UCUM.CubicMillimeter)
    assert read_report(told(volume)).marks == ()


@pytest.mark.parametrize(
    ("kind", "points", "corner"),
    [
        (sr.GraphicTypeValues.CIRCLE, [[10, 10], [10, 14]], (14, 10)),
        (sr.GraphicTypeValues.ELLIPSE, [[10, 4], [10, 16], [7, 10], [13, 10]], (10, 16)),
        (sr.GraphicTypeValues.POLYLINE, [[1, 1], [9, 1], [9, 9], [1, 1]], (1, 1)),
    ],
)
def test_regions_have_a_closed_line(kind: sr.GraphicTypeValues, points: Any, corner: tuple[float, float]) -> None:
    mean = sr.Measurement(
        Code("112031", "DCM", "Attenuation Coefficient"), 40, codes.UCUM.HounsfieldUnit, derivation=codes.SCT.Mean
    )
    (mark,) = read_report(told(region(kind, points, mean))).marks
    assert (mark.kind, [one.quantity for one in mark.values]) == (Kind.AREA, [Quantity.AREA, Quantity.MEAN])
    assert math.dist(mark.graphic[0], mark.graphic[-1]) == pytest.approx(0, abs=1e-9)
    assert mark.graphic[0] == pytest.approx(corner)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"0040A730": None},
        {"0040A730": {"vr": "SQ", "Value": [None, 1, {"0040A043": 5}]}},
        {"00080023": {"vr": "DA", "Value": [5]}, "00080033": {"vr": "TM", "Value": ["xxxxxx"]}},
    ],
)
def test_what_is_broken_has_no_marks(broken: dict[str, Any]) -> None:
    report = read_report(broken)
    assert (report.marks, report.at, report.by) == ((), "", "")


def test_a_line_without_end_or_number_is_no_mark() -> None:
    for wrong in ([1.0], [1.0, 2.0, 3.0], [1.0, float("nan"), 2.0, 2.0], ["a", "b", "c", "d"], [0.0] * 5000):
        elements = told(line(codes.SCT.Length, 5, codes.UCUM.Millimeter))
        group = elements["0040A730"]["Value"][-1]["0040A730"]["Value"][0]["0040A730"]["Value"]
        scoord = group[-1]["0040A730"]["Value"][-1]
        assert scoord["00700022"]["Value"] == [1, 2, 4, 6]
        scoord["00700022"]["Value"] = wrong
        assert read_report(elements).marks == ()
