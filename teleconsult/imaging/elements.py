"""Values of a header as it is kept, the DICOM JSON Model (PS3.18 Annex F), where anything may stand."""

import math
from collections.abc import Sequence
from typing import Any, Final

Elements = dict[str, Any]
"""A data set, or an item of a sequence: elements by their eight digits."""

_LARGEST: Final = 1e9
"""Of a coordinate in mm or a delta: beyond it no body was measured."""


def values_of(elements: Elements, tag: str) -> list[Any]:
    """All values of an element; none where it is absent, empty, or no element at all."""
    element = elements.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def text_of(elements: Elements, tag: str) -> str:
    """The first value as text, or ""."""
    values = values_of(elements, tag)
    return values[0].strip() if values and isinstance(values[0], str) else ""


def numbers_of(elements: Elements, tag: str, count: int) -> list[float] | None:
    """Exactly `count` finite numbers, or None."""
    values = values_of(elements, tag)
    is_whole = len(values) == count and all(isinstance(one, int | float) and abs(one) < _LARGEST for one in values)
    return [float(one) for one in values] if is_whole and all(map(math.isfinite, values)) else None


def number_of(elements: Elements, tag: str) -> float | None:
    """One finite number, or None."""
    numbers = numbers_of(elements, tag, 1)
    return numbers[0] if numbers else None


def items_of(elements: Elements, tag: str) -> list[Elements]:
    """The items of a sequence."""
    return [item for item in values_of(elements, tag) if isinstance(item, dict)]


def first_with(places: Sequence[Elements], tag: str) -> Elements:
    """The first of these data sets that has the element, or an empty one."""
    return next((place for place in places if values_of(place, tag)), {})
