"""Marks as a DICOM Comprehensive SR document with a Measurement Report (PS3.3 A.35.3, PS3.16 TID 1500)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, generate_uid

from teleconsult.imaging.marks.codes import AT_DETECTOR, ATTENUATION, DERIVATIONS, NAMES, PROCEDURE, UNITS
from teleconsult.imaging.marks.evidence import MANUFACTURER, Image, Observer, evidence, filed, person
from teleconsult.imaging.marks.models import Kind, MeasuredMark, Point, Quantity, Unit, Value

SERIES_NUMBER: Final = 9900
SERIES_DESCRIPTION: Final = "Measurements"
_Group = sr.PlanarROIMeasurementsAndQualitativeEvaluations | sr.MeasurementsAndQualitativeEvaluations


@dataclass(frozen=True, slots=True)
class Order:
    """All that a report is made of. `about` is what its images say of patient and study; `at` is local to the study."""

    uid: str
    series_uid: str
    about: Dataset
    images: Sequence[Image]
    marks: Sequence[MeasuredMark]
    observer: Observer
    at: datetime


def written(order: Order) -> bytes:
    """The report as a file in the DICOM file format. Takes tens of milliseconds: call it in a thread."""
    images = {image.sop_instance_uid: image for image in order.images}
    groups = [_group(measured, images[measured.mark.sop_instance_uid]) for measured in order.marks]
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_person_context=person(order.observer)),
        procedure_reported=PROCEDURE,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    document = sr.ComprehensiveSR(
        evidence=[evidence(order.about, image) for image in order.images],
        content=report[0],
        series_instance_uid=order.series_uid,
        series_number=SERIES_NUMBER,
        sop_instance_uid=order.uid,
        instance_number=1,
        manufacturer=MANUFACTURER,
        institution_name=order.observer.organization or None,
        is_complete=True,
        series_description=SERIES_DESCRIPTION,
    )
    return filed(document, about=order.about, at=order.at)


def _group(measured: MeasuredMark, image: Image) -> _Group:
    """A region with its values (TID 1410), or one value with the line it comes from (TID 1501)."""
    mark = measured.mark
    source = sr.SourceImageForRegion(
        UID(image.sop_class_uid), UID(image.sop_instance_uid), [mark.frame] if image.frames > 1 else None
    )
    tracking = sr.TrackingIdentifier(uid=generate_uid(prefix=None), identifier=mark.kind.value.capitalize())
    if mark.kind is Kind.AREA:
        return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            referenced_region=sr.ImageRegion(sr.GraphicTypeValues.ELLIPSE, ellipse_axes(mark.points), source),
            measurements=[_measurement(value, measured) for value in measured.values],
        )
    line = sr.CoordinatesForMeasurement(sr.GraphicTypeValues.POLYLINE, np.array(mark.points), source)
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        measurements=[_measurement(value, measured, referenced_coordinates=[line]) for value in measured.values],
    )


def _measurement(value: Value, measured: MeasuredMark, **more: Any) -> sr.Measurement:
    is_size = value.quantity in NAMES
    return sr.Measurement(
        name=NAMES[value.quantity] if is_size else ATTENUATION,
        value=float(f"{value.value:.10g}"),
        unit=UNITS[Unit(value.unit)],
        derivation=None if is_size else DERIVATIONS[value.quantity],
        method=AT_DETECTOR if measured.at_detector and value.quantity is not Quantity.ANGLE and is_size else None,
        **more,
    )


def ellipse_axes(points: Sequence[Point]) -> "np.ndarray[tuple[int, ...], np.dtype[Any]]":
    """The ends of the longer axis, then those of the shorter one (PS3.3 C.18.6.1.2)."""
    (x0, y0), (x1, y1) = points
    middle = (x0 + x1) / 2, (y0 + y1) / 2
    across = [(min(x0, x1), middle[1]), (max(x0, x1), middle[1])]
    down = [(middle[0], min(y0, y1)), (middle[0], max(y0, y1))]
    is_wide = math.dist(*across) >= math.dist(*down)
    return np.array(across + down if is_wide else down + across)
