"""Marks as the viewer sends them."""

import math
import uuid
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from teleconsult.errors import Invalid
from teleconsult.imaging.marks.models import MOST_MARKS, Kind, Mark, Point, Quantity, Unit, Value
from teleconsult.imaging.uids import is_uid
from web.bodies import read_json

_GREY: Final = {Quantity.MEAN, Quantity.MIN, Quantity.MAX}
_LARGEST: Final = 1e6


async def read_marks(request: web.Request) -> tuple[uuid.UUID, list[Mark]]:
    """The key by which a lot is kept once, and its marks. Raises Invalid."""
    content = await read_json(request)
    try:
        return uuid.UUID(content["key"]), _marks(content["marks"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Invalid({"": "Measurements like these cannot be kept."}) from error


def _marks(listed: Any) -> list[Mark]:
    if not isinstance(listed, list) or len(listed) > MOST_MARKS:
        raise ValueError("no list of marks, or too long")
    return [_mark(one) for one in listed]


def _mark(one: Mapping[str, Any]) -> Mark:
    sop, frame = one["sop"], one["frame"]
    if not isinstance(sop, str) or not is_uid(sop) or not isinstance(frame, int):
        raise ValueError("not a place")
    points = tuple(_point(point) for point in one["points"])
    values = [_value(value) for value in one.get("values", []) if value["quantity"] in _GREY]
    grey = tuple(values) if {value.quantity for value in values} == _GREY and len(values) == len(_GREY) else ()
    return Mark(sop, frame, Kind(one["kind"]), points, grey)


def _point(point: Any) -> Point:
    column, row = point
    return _number(column), _number(row)


def _value(value: Mapping[str, Any]) -> Value:
    return Value(Quantity(value["quantity"]), _number(value["value"]), Unit(value["unit"]))


def _number(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError("not a number")
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise ValueError("not a number that can be measured")
    return float(number)
