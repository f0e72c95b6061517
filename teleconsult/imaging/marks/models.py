"""Marks on images: as they are drawn, and as they are read from a report that is kept."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MOST_MARKS: Final = 200
"""In one report."""


class Kind(StrEnum):
    """What a mark measures."""

    LENGTH = "length"
    ANGLE = "angle"
    AREA = "area"


class Quantity(StrEnum):
    """What a value is."""

    LENGTH = "length"
    ANGLE = "angle"
    AREA = "area"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"


class Unit(StrEnum):
    """Of a value."""

    MM = "mm"
    MM2 = "mm2"
    PIXELS = "px"
    SQUARE_PIXELS = "px2"
    DEGREES = "deg"
    HOUNSFIELD = "HU"


Point = tuple[float, float]
"""Column and row, (0, 0) being the outer corner of the first pixel (PS3.3 C.18.6.1.2)."""

POINTS: Final = {Kind.LENGTH: 2, Kind.ANGLE: 3, Kind.AREA: 2}
"""Two ends; an arm's end, the corner and the other arm's end; two corners of the box around an ellipse."""


@dataclass(frozen=True, slots=True)
class Value:
    """One number with its unit; of a report of others the unit may be any UCUM code."""

    quantity: Quantity
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Mark:
    """As it was drawn on one frame (from 1) of one image. `grey` are the values of its pixels, which the viewer has."""

    sop_instance_uid: str
    frame: int
    kind: Kind
    points: tuple[Point, ...]
    grey: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasuredMark:
    """A mark and all that it amounts to; `at_detector` where its mm hold at the detector alone."""

    mark: Mark
    values: tuple[Value, ...]
    at_detector: bool = False


@dataclass(frozen=True, slots=True)
class KeptMark:
    """A mark of a report: its line on the image, and what the report says of it. `graphic` is closed where it was."""

    sop_instance_uid: str
    frame: int
    kind: Kind
    graphic: tuple[Point, ...]
    values: tuple[Value, ...]
    at_detector: bool = False


@dataclass(frozen=True, slots=True)
class KeptReport:
    """What is kept in one report: by whom and when (ISO 8601, local time of where it was made)."""

    sop_instance_uid: str
    by: str
    at: str
    marks: tuple[KeptMark, ...] = field(default=())
