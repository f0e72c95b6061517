"""Which images move, and how fast."""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Final

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from teleconsult.imaging.elements import Elements, values_of

MODALITIES: Final = frozenset({"ES", "GM", "IVOCT", "IVUS", "RF", "US", "XA", "XC"})
"""Whose frames follow one another in time; elsewhere they are places in the body."""
_SLOWEST, _FASTEST = 1, 60


def rate_of(ds: Dataset) -> Fraction | None:
    """Frames a second, as they are to be shown or were taken (PS3.3 C.7.6.5); None where the header says neither."""

    def values(keyword: str) -> Iterable[Any]:
        value: Any = ds.get(keyword)
        return value if isinstance(value, MultiValue) else [value]

    return _rate(values)


def recorded_rate(elements: Elements) -> float | None:
    """The same of a header as it is kept."""
    rate = _rate(lambda keyword: values_of(elements, f"{tag_for_keyword(keyword):08X}"))
    return float(rate) if rate else None


def _rate(values: Callable[[str], Iterable[Any]]) -> Fraction | None:
    rates = _positive(values("RecommendedDisplayFrameRate")) or _positive(values("CineRate"))
    times = _positive(values("FrameTime")) or _positive(values("FrameTimeVector"))
    if not rates and times:
        rates = [1000 * len(times) / sum(times)]
    return Fraction(min(max(rates[0], _SLOWEST), _FASTEST)).limit_denominator(1000) if rates else None


def _positive(values: Iterable[Any]) -> list[float]:
    """Those that are times or rates; the first of a vector of times is 0."""
    try:
        numbers = [float(str(one)) for one in values]
    except ValueError:
        return []
    return [number for number in numbers if math.isfinite(number) and number > 0]
