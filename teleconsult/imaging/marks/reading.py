"""Marks out of a measurement report, ours or another's, as far as they are lengths, angles and areas (TID 1500)."""

import math
from collections.abc import Iterator
from typing import Final

from teleconsult.imaging.elements import Elements, items_of, numbers_of, text_of, values_of
from teleconsult.imaging.marks.codes import AT_DETECTOR, KNOWN_DERIVATIONS, KNOWN_NAMES, KNOWN_UNITS
from teleconsult.imaging.marks.models import KeptMark, KeptReport, Kind, Point, Quantity, Value

MOST_KEPT: Final = 1000
"""Of one report; what is beyond is not shown."""
_MOST_POINTS: Final = 2000
_CORNERS: Final = 64
_CONTENT: Final = "0040A730"
_MEASUREMENTS: Final = "126010"
_GROUP: Final = "125007"
_OBSERVER: Final = "121008"
_DERIVATION: Final = "121401"
_METHOD: Final = "370129005"


def read_report(elements: Elements) -> KeptReport:
    """What stands in it; of content that is none of ours, nothing. Moments are as it writes them."""
    day, moment = text_of(elements, "00080023"), text_of(elements, "00080033")
    is_whole = len(day) == 8 and len(moment) >= 6 and (day + moment[:6]).isdigit()
    at = f"{day[:4]}-{day[4:6]}-{day[6:]}T{moment[:2]}:{moment[2:4]}:{moment[4:6]}" if is_whole else ""
    marks = [mark for group in _groups(elements) for mark in _marks_in(group)]
    return KeptReport(text_of(elements, "00080018"), _observer(elements), at, tuple(marks[:MOST_KEPT]))


def _groups(elements: Elements) -> Iterator[Elements]:
    for part in items_of(elements, _CONTENT):
        if _name(part)[0] == _MEASUREMENTS:
            yield from (item for item in items_of(part, _CONTENT) if _name(item)[0] == _GROUP)


def _observer(elements: Elements) -> str:
    """The first person who is named as one, given name first."""
    for part in items_of(elements, _CONTENT):
        names = values_of(part, "0040A123")
        if _name(part)[0] == _OBSERVER and names and isinstance(names[0], dict):
            family, given, _middle, prefix, *_rest = (*str(names[0].get("Alphabetic", "")).split("^"), "", "", "", "")
            return " ".join(word for word in (prefix, given, family) if word)[:200]
    return ""


def _marks_in(group: Elements) -> Iterator[KeptMark]:
    """Values that belong to the region of their group make one mark; each value with a line of its own another."""
    items = items_of(group, _CONTENT)
    numbers = [item for item in items if text_of(item, "0040A040") == "NUM"]
    region = next((item for item in items if text_of(item, "0040A040") == "SCOORD"), None)
    if region is not None:
        values = [value for item in numbers if (value := _value(item)) is not None]
        yield from _mark(region, values, any(map(_is_at_detector, numbers)))
        return
    for item in numbers:
        line = next((inner for inner in items_of(item, _CONTENT) if text_of(inner, "0040A040") == "SCOORD"), None)
        value = _value(item)
        if line is not None and value is not None:
            yield from _mark(line, [value], _is_at_detector(item))


def _mark(scoord: Elements, values: list[Value], at_detector: bool) -> Iterator[KeptMark]:
    kinds = [kind for value in values for kind in Kind if kind.value == value.quantity.value]
    image = next(iter(items_of(scoord, _CONTENT)), {})
    reference = next(iter(items_of(image, "00081199")), {})
    frames = values_of(reference, "00081160")
    frame = frames[0] if frames and isinstance(frames[0], int) and not isinstance(frames[0], bool) else 1
    graphic = _graphic(scoord)
    if kinds and graphic:
        yield KeptMark(text_of(reference, "00081155"), frame, kinds[0], graphic, tuple(values), at_detector)


def _value(item: Elements) -> Value | None:
    """Of a NUM item that measures something we know."""
    number = next(iter(items_of(item, "0040A300")), {})
    found = numbers_of(number, "0040A30A", 1)
    unit = text_of(next(iter(items_of(number, "004008EA")), {}), "00080100")
    modifiers = {_name(inner)[0]: _code(inner, "0040A168") for inner in items_of(item, _CONTENT)}
    derivation = KNOWN_DERIVATIONS.get(modifiers.get(_DERIVATION, ("", "")))
    kind = KNOWN_NAMES.get(_name(item))
    quantity = derivation or (Quantity(kind) if kind else None)
    if found is None or quantity is None:
        return None
    return Value(quantity, found[0], KNOWN_UNITS.get(unit, unit))


def _is_at_detector(item: Elements) -> bool:
    wanted = AT_DETECTOR.value, AT_DETECTOR.scheme_designator
    return any(_name(inner)[0] == _METHOD and _code(inner, "0040A168") == wanted for inner in items_of(item, _CONTENT))


def _graphic(scoord: Elements) -> tuple[Point, ...]:
    """The line of a SCOORD item (PS3.3 C.18.6.1.2)."""
    flat = values_of(scoord, "00700022")
    numbers = numbers_of(scoord, "00700022", len(flat)) if 4 <= len(flat) <= 2 * _MOST_POINTS else None
    if numbers is None or len(numbers) % 2:
        return ()
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    match text_of(scoord, "00700023"):
        case "POLYLINE":
            return tuple(points)
        case "POLYGON":
            return (*points, points[0])
        case "CIRCLE" if len(points) == 2:
            middle, edge = points
            radius = math.dist(middle, edge)
            return _ellipse(middle, (radius, 0), (0, radius))
        case "ELLIPSE" if len(points) == 4:
            middle = _between(points[0], points[1])
            return _ellipse(middle, _step(middle, points[1]), _step(middle, points[3]))
        case _:
            return ()


def _between(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def _step(start: Point, end: Point) -> Point:
    return end[0] - start[0], end[1] - start[1]


def _ellipse(middle: Point, one: Point, other: Point) -> tuple[Point, ...]:
    turns = [2 * math.pi * corner / _CORNERS for corner in range(_CORNERS + 1)]
    return tuple(
        (
            middle[0] + one[0] * math.cos(turn) + other[0] * math.sin(turn),
            middle[1] + one[1] * math.cos(turn) + other[1] * math.sin(turn),
        )
        for turn in turns
    )


def _name(item: Elements) -> tuple[str, str]:
    return _code(item, "0040A043")


def _code(item: Elements, tag: str) -> tuple[str, str]:
    coded = next(iter(items_of(item, tag)), {})
    return text_of(coded, "00080100"), text_of(coded, "00080102")
