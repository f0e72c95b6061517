"""What the server reckons of a mark."""

import math

import pytest

from teleconsult.imaging.marks.measuring import measured
from teleconsult.imaging.marks.models import Kind, Mark, MeasuredMark, Point, Quantity, Value
from teleconsult.imaging.slice_geometry import SliceGeometry, SpacingIs

FLAT = SliceGeometry(spacing=[0.5, 0.25], spacing_is=SpacingIs.PATIENT)
SHADOW = SliceGeometry(spacing=[0.5, 0.25], spacing_is=SpacingIs.DETECTOR)
SOUND = SliceGeometry(
    spacing=[1, 1],
    regions=[[100, 50, 199, 149, 0.05, -0.06, 3, 3, 1], [200, 50, 299, 149, 0.01, 2, 4, 7, 3]],
)


def of(kind: Kind, *points: Point, geometry: SliceGeometry) -> MeasuredMark:
    grey = tuple(Value(quantity, 1, "HU") for quantity in (Quantity.MEAN, Quantity.MIN, Quantity.MAX))
    return measured(Mark("1.2", 1, kind, points, grey), geometry)


@pytest.mark.parametrize(
    ("geometry", "points", "value", "unit"),
    [
        (FLAT, [(2, 2), (14, 10)], 5, "mm"),
        (SliceGeometry(), [(0, 0), (3, 4)], 5, "px"),
        (SOUND, [(110, 60), (110, 110)], 30, "mm"),
        (SOUND, [(110, 60), (210, 60)], 100, "px"),
        (SOUND, [(210, 60), (220, 60)], 10, "px"),
    ],
)
def test_lengths(geometry: SliceGeometry, points: list[Point], value: float, unit: str) -> None:
    (length,) = of(Kind.LENGTH, *points, geometry=geometry).values
    assert length.value == pytest.approx(value)
    assert length.unit == unit


def test_angles_are_of_the_body() -> None:
    (slanted,) = of(Kind.ANGLE, (20, 0), (0, 0), (20, 10), geometry=FLAT).values
    assert slanted.value == pytest.approx(45)
    assert slanted.unit == "deg"
    (across,) = of(Kind.ANGLE, (-10, 1), (0, 0), (-10, -1), geometry=SliceGeometry()).values
    assert across.value == pytest.approx(math.degrees(2 * math.atan(0.1)))


def test_areas_say_grey_values_only_in_a_known_unit() -> None:
    (area,) = of(Kind.AREA, (3, 3), (1, 1), geometry=FLAT).values
    assert area.value == pytest.approx(math.pi / 4 * 0.5)
    assert area.unit == "mm2"
    hounsfield = SliceGeometry(spacing=[0.5, 0.25], spacing_is=SpacingIs.PATIENT, unit="HU")
    assert len(of(Kind.AREA, (3, 3), (1, 1), geometry=hounsfield).values) == 4
    assert of(Kind.AREA, (3, 3), (1, 1), geometry=SliceGeometry()).values[0].unit == "px2"


def test_a_shadow_is_measured_at_the_detector_but_for_angles() -> None:
    assert of(Kind.LENGTH, (0, 0), (0, 2), geometry=SHADOW).at_detector
    assert not of(Kind.LENGTH, (0, 0), (0, 2), geometry=FLAT).at_detector
    assert not of(Kind.ANGLE, (0, 0), (0, 2), (2, 2), geometry=SHADOW).at_detector
    assert not of(Kind.LENGTH, (110, 60), (110, 110), geometry=SOUND).at_detector
