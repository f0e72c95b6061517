"""What a mark amounts to on its slice: the server reckons for itself what it keeps."""

import math
from typing import Final

from teleconsult.imaging.marks.models import Kind, Mark, MeasuredMark, Quantity, Unit, Value
from teleconsult.imaging.slice_geometry import SliceGeometry, SpacingIs

_TWO_DIMENSIONS: Final = 1
_CENTIMETRES: Final = 3
_MM_PER_CM: Final = 10
HOUNSFIELD: Final = "HU"


def measured(mark: Mark, geometry: SliceGeometry) -> MeasuredMark:
    """Length, angle or area; in pixels where no size is known. Its grey values stand where their unit is known."""
    scale = _scale(mark, geometry)
    across, down = scale or (1.0, 1.0)
    points = [(column * across, row * down) for column, row in mark.points]
    at_detector = bool(scale and not geometry.regions and geometry.spacing_is is not SpacingIs.PATIENT)
    if mark.kind is Kind.LENGTH:
        unit = Unit.MM if scale else Unit.PIXELS
        return MeasuredMark(mark, (Value(Quantity.LENGTH, math.dist(*points), unit),), at_detector)
    if mark.kind is Kind.ANGLE:
        return MeasuredMark(mark, (Value(Quantity.ANGLE, _angle(*points), Unit.DEGREES),))
    (left, top), (right, bottom) = points
    area = math.pi / 4 * abs(right - left) * abs(bottom - top)
    unit = Unit.MM2 if scale else Unit.SQUARE_PIXELS
    grey = mark.grey if geometry.unit == HOUNSFIELD else ()
    return MeasuredMark(mark, (Value(Quantity.AREA, area, unit), *grey), at_detector)


def _scale(mark: Mark, geometry: SliceGeometry) -> tuple[float, float] | None:
    """mm for a step of one pixel, across and down; of ultrasound only within one region in centimetres."""
    if geometry.regions:
        return next((scale for region in geometry.regions if (scale := _region_scale(mark, region))), None)
    if geometry.spacing is None:
        return None
    down, across = geometry.spacing
    return across, down


def _region_scale(mark: Mark, region: list[float]) -> tuple[float, float] | None:
    x0, y0, x1, y1, dx, dy, *rest = region
    if rest != [_CENTIMETRES, _CENTIMETRES, _TWO_DIMENSIONS] or not dx * dy:
        return None
    is_inside = all(x0 <= column <= x1 + 1 and y0 <= row <= y1 + 1 for column, row in mark.points)
    return (abs(dx) * _MM_PER_CM, abs(dy) * _MM_PER_CM) if is_inside else None


def _angle(end: tuple[float, float], corner: tuple[float, float], other: tuple[float, float]) -> float:
    """In degrees from 0 to 180."""
    one, two = (math.atan2(y - corner[1], x - corner[0]) for x, y in (end, other))
    turn = math.degrees(abs(one - two))
    return 360 - turn if turn > 180 else turn
