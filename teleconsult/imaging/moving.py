"""Which images move, and how fast."""

import math
from fractions import Fraction
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

MODALITIES: Final = frozenset({"ES", "GM", "IVOCT", "IVUS", "RF", "US", "XA", "XC"})
"""Whose frames follow one another in time; elsewhere they are places in the body."""
_SLOWEST, _FASTEST = 1, 60


def rate_of(ds: Dataset) -> Fraction | None:
    """Frames a second, as they are to be shown or were taken (PS3.3 C.7.6.5); None where the header says neither."""
    times = _positive(ds, "FrameTime") or _positive(ds, "FrameTimeVector")
    rates = _positive(ds, "RecommendedDisplayFrameRate") or _positive(ds, "CineRate")
    if not rates and times:
        rates = [1000 * len(times) / sum(times)]
    return Fraction(min(max(rates[0], _SLOWEST), _FASTEST)).limit_denominator(1000) if rates else None


def _positive(ds: Dataset, keyword: str) -> list[float]:
    """The values that are times or rates; the first of a vector of times is 0."""
    value: Any = ds.get(keyword)
    several = value if isinstance(value, MultiValue) else [value]
    try:
        numbers = [float(str(one)) for one in several]
    except ValueError:
        return []
    return [number for number in numbers if math.isfinite(number) and number > 0]
