"""Whether the slices of a series fill a block, so that planes in any direction can be cut through it without a false
length; and if not, why not."""

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

import orjson

from teleconsult.imaging.elements import Elements, first_with, items_of, number_of, text_of
from teleconsult.imaging.slice_geometry import SliceGeometry, SpacingIs, geometry_of

MODALITIES: Final = frozenset({"CT", "MR", "PT"})
"""Whose slices are cuts through the body, with values that may be interpolated."""
FEWEST_SLICES: Final = 8
"""With fewer, another plane is no picture."""
MOST_SLICES: Final = 2_000
_PARALLEL: Final = 1e-3
"""Of cosines between slices, and of how far the row of slices leans: 0.06°, 0.3 mm on 300 mm. As highdicom has it
(`highdicom.spatial`, perpendicular tolerance)."""
_REGULAR: Final = 0.01
"""Of the distance between slices, that a slice may lie away from its place (highdicom's spacing tolerance)."""
_ROUNDED: Final = 0.01
"""mm that a position may always be off: many scanners write two decimals."""


class NoVolume(StrEnum):
    """Why there are no planes through a series."""

    OTHER_KIND = "other-kind"
    """Not CT, MR or PET, in colour, or moving."""
    TOO_FEW = "too-few"
    TOO_MANY = "too-many"
    NOT_SHOWN = "not-shown"
    """An image of it cannot be displayed."""
    UNPLACED = "unplaced"
    """Not all of them say where they lie and how large their pixels are, in one frame of reference."""
    UNLIKE = "unlike"
    """They differ in size or in spacing."""
    TURNED = "turned"
    """They do not all lie parallel, as with a scout among them."""
    TWICE = "twice"
    """Several at one place: phases, echoes, or sent twice."""
    MISSING = "missing"
    UNEVEN = "uneven"
    TILTED = "tilted"
    """The row of slices leans, as with a tilted gantry, or they are shifted sideways."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One slice as far as it takes to lay it upon others: its size in pixels, thickness in mm (0 where unsaid), frame
    of reference."""

    geometry: SliceGeometry
    rows: int
    columns: int
    samples: int
    thickness: float
    reference: str


@dataclass(frozen=True, slots=True)
class Volume:
    """A block of slices. Lengths in mm, positions and directions in the patient's coordinates (PS3.3 C.7.6.2.1.1)."""

    order: list[int]
    """The slices as they lie, along row × column; numbers in the viewer's order, from 0."""
    rows: int
    columns: int
    spacing: list[float]
    """Between columns, between rows, between slices."""
    origin: list[float]
    """Of the centre of the first pixel of the first slice."""
    direction: list[float]
    """Of a row, of a column, and from slice to slice: nine cosines."""
    thickness: float
    """Of the slices; 0 where they do not say it, or not all the same."""
    unit: str


def layers_of(descriptions: Iterable[tuple[bytes, int]]) -> list[Layer]:
    """The slices in the viewer's order, of each instance's kept description, compressed by zlib, and number of frames;
    one more than `MOST_SLICES` at the most."""
    layers: list[Layer] = []
    for told, frames in descriptions:
        wanted = min(max(frames, 1), MOST_SLICES + 1 - len(layers))
        elements: Elements = orjson.loads(zlib.decompress(told)) if told else {}
        layers.extend(
            Layer(
                geometry=geometry,
                rows=int(number_of(elements, "00280010") or 0),
                columns=int(number_of(elements, "00280011") or 0),
                samples=int(number_of(elements, "00280002") or 1),
                thickness=_thickness(elements, frame),
                reference=text_of(elements, "00200052"),
            )
            for frame, geometry in enumerate(geometry_of(elements, wanted))
        )
    return layers


def volume_of(modality: str, layers: Sequence[Layer]) -> Volume | NoVolume:
    """The block that these slices of a series fill, or why they fill none."""
    if reason := _unfit(modality, layers):
        return reason
    first = layers[0].geometry
    row, column = _cosines(first)
    normal = _cross(row, column)
    places = [one.geometry.position or [] for one in layers]
    order = sorted(range(len(layers)), key=lambda at: _dot(places[at], normal))
    reason, between = _laid([places[at] for at in order], normal)
    if reason:
        return reason
    spacing = first.spacing or []
    thicknesses = {one.thickness for one in layers}
    return Volume(
        order=order,
        rows=layers[0].rows,
        columns=layers[0].columns,
        spacing=[spacing[1], spacing[0], between],
        origin=places[order[0]],
        direction=[*row, *column, *normal],
        thickness=thicknesses.pop() if len(thicknesses) == 1 else 0,
        unit=first.unit,
    )


def lacks_slice(slices: Sequence[SliceGeometry]) -> bool:
    """Whether parallel slices lie as if one of them had not arrived: all equally far apart, but where the gap is twice
    as large, or three times."""
    places = [one.position for one in slices if one.position and one.orientation]
    if not FEWEST_SLICES <= len(places) == len(slices):
        return False
    row, column = _cosines(slices[0])
    if not all(_is_along(one, row, column) for one in slices):
        return False
    normal = _cross(row, column)
    reason, _between = _laid(sorted(places, key=lambda place: _dot(place, normal)), normal)
    return reason is NoVolume.MISSING


def _unfit(modality: str, layers: Sequence[Layer]) -> NoVolume | None:
    """What is wrong with the slices before one asks where each of them lies."""
    if modality not in MODALITIES or any(one.samples != 1 for one in layers):
        return NoVolume.OTHER_KIND
    if not FEWEST_SLICES <= len(layers) <= MOST_SLICES:
        return NoVolume.TOO_FEW if len(layers) < FEWEST_SLICES else NoVolume.TOO_MANY
    references = {one.reference for one in layers}
    if len(references) > 1 or "" in references or not all(_is_placed(one.geometry) for one in layers):
        return NoVolume.UNPLACED
    first = layers[0]
    row, column = _cosines(first.geometry)
    if not all(_is_along(one.geometry, row, column) for one in layers):
        return NoVolume.TURNED
    is_alike = all(
        (one.rows, one.columns) == (first.rows, first.columns)
        and _are_close(one.geometry.spacing or [], first.geometry.spacing or [])
        for one in layers
    )
    return None if is_alike and first.rows > 1 and first.columns > 1 else NoVolume.UNLIKE


def _is_along(geometry: SliceGeometry, row: Sequence[float], column: Sequence[float]) -> bool:
    told = _cosines(geometry)
    return math.dist(told[0], row) <= _PARALLEL and math.dist(told[1], column) <= _PARALLEL


def _is_placed(geometry: SliceGeometry) -> bool:
    return None not in (geometry.position, geometry.orientation, geometry.spacing) and (
        geometry.spacing_is is SpacingIs.PATIENT
    )


def _laid(places: Sequence[Sequence[float]], normal: Sequence[float]) -> tuple[NoVolume | None, float]:
    """What is wrong with where the slices lie, which are sorted along `normal`; and the mm from one to the next."""
    heights = [_dot(place, normal) for place in places]
    gaps = [after - before for before, after in pairwise(heights)]
    usual = sorted(gaps)[len(gaps) // 2]
    if min(gaps) <= _ROUNDED:
        return NoVolume.TWICE, 0
    allowed = max(_REGULAR * usual, _ROUNDED)
    if any(gap > usual + 2 * allowed for gap in gaps):
        are_multiples = all(abs(gap - round(gap / usual) * usual) <= 2 * allowed for gap in gaps)
        return NoVolume.MISSING if are_multiples else NoVolume.UNEVEN, 0
    between = (heights[-1] - heights[0]) / len(gaps)
    if any(abs(height - heights[0] - at * between) > allowed for at, height in enumerate(heights)):
        return NoVolume.UNEVEN, 0
    upright = [
        [start + (height - heights[0]) * along for start, along in zip(places[0], normal, strict=True)]
        for height in heights
    ]
    leaning = max(math.dist(place, meant) for place, meant in zip(places, upright, strict=True))
    if leaning > max(_PARALLEL * (heights[-1] - heights[0]), _ROUNDED):
        return NoVolume.TILTED, 0
    return None, between


def _cosines(geometry: SliceGeometry) -> tuple[list[float], list[float]]:
    """Of a row and of a column, made exactly one long and square to each other."""
    told = geometry.orientation or []
    row = _unit(told[:3])
    off = _dot(told[3:], row)
    return row, _unit([along - off * across for along, across in zip(told[3:], row, strict=True)])


def _unit(vector: Sequence[float]) -> list[float]:
    length = math.hypot(*vector)
    return [one / length for one in vector]


def _cross(one: Sequence[float], other: Sequence[float]) -> list[float]:
    (a, b, c), (d, e, f) = one, other
    return [b * f - c * e, c * d - a * f, a * e - b * d]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _are_close(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-3) for a, b in zip(one, other, strict=True))


def _thickness(elements: Elements, frame: int) -> float:
    """Slice Thickness (0018,0050), of the frame's or the shared Pixel Measures where there are any."""
    groups = [*items_of(elements, "52009230")[frame : frame + 1], *items_of(elements, "52009229")[:1]]
    measures = next(iter(items_of(first_with(groups, "00289110"), "00289110")), elements)
    return max(number_of(measures, "00180050") or 0, 0)
