"""Which side of the patient lies at which edge of an image, in DICOM's letters (PS3.3 C.7.6.1.1.1)."""

from itertools import islice
from typing import Final, NamedTuple

from teleconsult.imaging.elements import Elements, values_of
from teleconsult.imaging.slice_geometry import geometry_of

_TOWARDS: Final = (("L", "R"), ("P", "A"), ("H", "F"))
"""The end of each axis of the patient, and its beginning."""
_OPPOSITE: Final = str.maketrans("LRPAHF", "RLAPFH")
_SLANT: Final = 0.3
"""Of a unit vector along an axis: what is less is not worth a letter."""


class Sides(NamedTuple):
    """The letters at each edge, the nearest side first: "", where nothing says how the image lies."""

    top: str
    right: str
    bottom: str
    left: str


def sides_of(elements: Elements, *, frame: int, frames: int) -> Sides | None:
    """Those of a frame (from 1) as its pixels are stored: from how its slice lies (0020,0037), else from what a
    radiograph says of itself (0020,0020). None where neither tells."""
    geometry = next(islice(geometry_of(elements, frames), frame - 1, None), None)
    if geometry and geometry.orientation:
        right, bottom = _letters(geometry.orientation[:3]), _letters(geometry.orientation[3:])
    else:
        told = [value for value in values_of(elements, "00200020") if isinstance(value, str)]
        if len(told) != 2 or not all(value and set(value) <= set("LRPAHF") and len(value) <= 3 for value in told):
            return None
        right, bottom = told
    return Sides(bottom.translate(_OPPOSITE), right, bottom, right.translate(_OPPOSITE))


def _letters(direction: list[float]) -> str:
    lengths = sorted(zip(direction, _TOWARDS, strict=True), key=lambda one: -abs(one[0]))
    return "".join(ends[0 if length > 0 else 1] for length, ends in lengths if abs(length) > _SLANT)
