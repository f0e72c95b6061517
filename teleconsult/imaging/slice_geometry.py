"""What can be measured on each slice of a series: spacing, place in the patient, unit of the values, scan regions; and
how fast it is to be shown after the one before.
"""

import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import orjson
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage

from teleconsult.imaging.elements import Elements, first_with, items_of, number_of, numbers_of, text_of, values_of
from teleconsult.imaging.moving import recorded_rate

MOST_SLICES: Final = 10_000
_MOST_REGIONS: Final = 64
_LONGEST_UNIT: Final = 16
_UNSPECIFIED: Final = "US"
"""A Rescale Type that says nothing (PS3.3 C.11.1.1.2)."""
_PROJECTING: Final = {"CR", "DX", "RG", "MG", "IO", "PX", "XA", "RF"}
"""Modalities of shadows, of which a film that was scanned is one, too."""
_REGION: Final = (
    *("00186018", "0018601A", "0018601C", "0018601E"),
    *("0018602C", "0018602E", "00186024", "00186026", "00186012"),
)


class SpacingIs(StrEnum):
    """Where a spacing in mm holds (PS3.3 §10.7)."""

    PATIENT = "patient"
    DETECTOR = "detector"
    """At the detector or on the film: what lies nearer to the source is smaller than that."""
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class SliceGeometry:
    """Of one frame of one instance; None for what is not told or cannot be right."""

    spacing: list[float] | None = None
    """Between the centres of rows, and of columns, in mm."""
    spacing_is: SpacingIs = SpacingIs.UNKNOWN
    orientation: list[float] | None = None
    """Direction cosines of a row and of a column (PS3.3 C.7.6.2.1.1)."""
    position: list[float] | None = None
    """Of the centre of the first pixel, in mm."""
    unit: str = ""
    """Of the values after the modality's transformation: "HU", or as the image says it."""
    regions: list[list[float]] = field(default_factory=list)
    """Calibrated regions of ultrasound (PS3.3 C.8.5.5): x0, y0, x1, y1, delta x, delta y, unit x, unit y, format."""
    rate: float | None = None
    """Frames a second, of what is shown one after the other (PS3.3 C.7.6.5)."""


class SeriesGeometry:
    """The slices of a series in the viewer's order, `MOST_SLICES` at the most."""

    def __init__(self) -> None:
        self.slices: list[SliceGeometry] = []
        self._references: set[str] = set()

    def add(self, descriptions: Iterable[tuple[bytes, int]]) -> None:
        """Take the next instances: the kept description of each, compressed by zlib, and its number of frames."""
        for told, frames in descriptions:
            wanted = min(max(frames, 1), MOST_SLICES - len(self.slices))
            elements = orjson.loads(zlib.decompress(told)) if told else {}
            self._references.add(text_of(elements, "00200052"))
            self.slices.extend(geometry_of(elements, wanted))

    @property
    def frame_of_reference(self) -> str:
        """Its UID; "" where there is none, or more than one: then positions cannot be compared."""
        return next(iter(self._references)) if len(self._references) == 1 else ""

    def as_json(self, *, lacks_slice: bool) -> bytes:
        """For the browser."""
        told = {"frame_of_reference": self.frame_of_reference, "lacks_slice": lacks_slice, "slices": self.slices}
        return orjson.dumps(told)


def geometry_of(elements: Elements, frames: int) -> Iterator[SliceGeometry]:
    """Of each frame of an instance in turn. Where there are several, only functional groups say where each lies
    (PS3.3 C.7.6.16)."""
    regions, rate = _regions(elements), recorded_rate(elements)
    shared = items_of(elements, "52009229")[:1]
    each = items_of(elements, "52009230")
    same: SliceGeometry | None = None
    for frame in range(frames):
        groups = [*each[frame : frame + 1], *shared]
        if same is None or groups:
            same = replace(_frame_geometry(elements, groups, regions, frames), rate=rate)
        yield same


def _frame_geometry(
    elements: Elements, groups: list[Elements], regions: list[list[float]], frames: int
) -> SliceGeometry:
    orientation = _group(groups, "00209116") or elements
    position = _group(groups, "00209113") or (elements if frames == 1 else {})
    spacing, spacing_is = _spacing(elements, _group(groups, "00289110") or elements)
    return SliceGeometry(
        spacing=spacing,
        spacing_is=spacing_is,
        orientation=_orientation(numbers_of(orientation, "00200037", 6)),
        position=numbers_of(position, "00200032", 3),
        unit=_unit(elements, _group(groups, "00289145")),
        regions=regions,
    )


def _group(groups: list[Elements], tag: str) -> Elements:
    """The one item of a functional group: the frame's own, or the shared one."""
    return next(iter(items_of(first_with(groups, tag), tag)), {})


def _spacing(elements: Elements, measures: Elements) -> tuple[list[float] | None, SpacingIs]:
    """Pixel Spacing is the patient's, but of shadows and copies only where it was calibrated (PS3.3 §10.7.1.3)."""
    pixel = _positive(numbers_of(measures, "00280030", 2))
    at_detector = _positive(numbers_of(elements, "00181164", 2)) or _positive(numbers_of(elements, "00182010", 2))
    if pixel is None:
        return (at_detector, SpacingIs.DETECTOR) if at_detector else (None, SpacingIs.UNKNOWN)
    is_copy = text_of(elements, "00080016").startswith(SecondaryCaptureImageStorage)
    is_shadow = is_copy or text_of(elements, "00080060") in _PROJECTING
    is_calibrated = bool(text_of(elements, "00280A02")) or (at_detector is not None and at_detector != pixel)
    return pixel, SpacingIs.DETECTOR if is_shadow and not is_calibrated else SpacingIs.PATIENT


def _positive(pair: list[float] | None) -> list[float] | None:
    return pair if pair and all(1e-6 < one < 1e4 for one in pair) else None


def _orientation(cosines: list[float] | None) -> list[float] | None:
    """Two unit vectors at a right angle, or None."""
    if cosines is None:
        return None
    row, column = cosines[:3], cosines[3:]
    is_unit = all(abs(math.hypot(*one) - 1) < 0.01 for one in (row, column))
    across = sum(one * other for one, other in zip(row, column, strict=True))
    return cosines if is_unit and abs(across) < 0.01 else None


def _unit(elements: Elements, transformation: Elements) -> str:
    """As Rescale Type or Units say it; a CT slice that says nothing is in Hounsfield units (PS3.3 C.8.2.1)."""
    told = text_of(transformation, "00281054") or text_of(elements, "00281054") or text_of(elements, "00541001")
    if told:
        return "" if told == _UNSPECIFIED else told[:_LONGEST_UNIT]
    is_slice = text_of(elements, "00080016") == CTImageStorage and "LOCALIZER" not in values_of(elements, "00080008")
    is_rescaled = number_of(elements, "00281052") is not None and number_of(elements, "00281053") is not None
    return "HU" if is_slice and is_rescaled else ""


def _regions(elements: Elements) -> list[list[float]]:
    """None where one does not fit into the image: then it was made smaller after it was calibrated."""
    rows, columns = number_of(elements, "00280010") or 0, number_of(elements, "00280011") or 0
    found = []
    for item in items_of(elements, "00186011")[:_MOST_REGIONS]:
        numbers = [number for number in (number_of(item, tag) for tag in _REGION) if number is not None]
        if len(numbers) == len(_REGION):
            found.append(numbers)
    is_whole = all(0 <= x0 < x1 <= columns and 0 <= y0 < y1 <= rows for x0, y0, x1, y1, *_rest in found)
    return found if is_whole else []
