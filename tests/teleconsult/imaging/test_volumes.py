"""Which series fill a block that planes can be cut through, and why others do not."""

import math
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from highdicom.spatial import get_volume_positions
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from teleconsult.imaging.parsing import read_header
from teleconsult.imaging.slice_geometry import SliceGeometry, SpacingIs
from teleconsult.imaging.volumes import (
    FEWEST_SLICES,
    MOST_SLICES,
    Layer,
    NoVolume,
    Volume,
    lacks_slice,
    layers_of,
    volume_of,
)
from tests.teleconsult.imaging.files import dicom_bytes

AXIAL = [1.0, 0, 0, 0, 1, 0]
SAGITTAL = [0.0, 1, 0, 0, 0, -1]


def layer(*position: float, orientation: list[float] = AXIAL, **values: Any) -> Layer:
    geometry = SliceGeometry([0.7, 0.5], SpacingIs.PATIENT, list(orientation), list(position), "HU")
    return replace(Layer(geometry, 64, 48, 1, 5.0, "1.2.9"), **values)


def stack(heights: Any, **values: Any) -> list[Layer]:
    return [layer(-10, -20, float(z), **values) for z in heights]


def volume(layers: list[Layer], modality: str = "CT") -> Volume:
    found = volume_of(modality, layers)
    assert isinstance(found, Volume), found
    return found


def changed(one: Layer, **values: Any) -> Layer:
    return replace(one, geometry=replace(one.geometry, **values))


def test_a_regular_stack() -> None:
    found = volume(stack(range(100, 160, 5)))
    assert found.order == list(range(12))
    assert (found.rows, found.columns, found.thickness, found.unit) == (64, 48, 5.0, "HU")
    assert found.spacing == pytest.approx([0.5, 0.7, 5])
    assert found.origin == [-10, -20, 100]
    assert found.direction == pytest.approx([1, 0, 0, 0, 1, 0, 0, 0, 1])


def test_sent_from_the_head_down_it_is_laid_from_the_feet_up() -> None:
    found = volume(stack(range(155, 95, -5)))
    assert found.order == list(reversed(range(12)))
    assert found.origin == [-10, -20, 100]
    assert found.spacing[2] == pytest.approx(5)


@pytest.mark.parametrize("modality", ["MR", "PT"])
def test_other_kinds_of_cuts(modality: str) -> None:
    assert volume(stack(range(20)), modality).spacing[2] == pytest.approx(1)


def test_slices_that_stand_upright() -> None:
    layers = [layer(float(x), 0, 0, orientation=SAGITTAL) for x in range(40, 0, -2)]
    found = volume(layers)
    assert found.direction == pytest.approx([0, 1, 0, 0, 0, -1, -1, 0, 0])
    assert found.origin == [40, 0, 0]
    assert found.spacing == pytest.approx([0.5, 0.7, 2])


def test_an_oblique_block_is_a_block() -> None:
    turn = math.radians(17)
    row, column = [1.0, 0, 0], [0, math.cos(turn), math.sin(turn)]
    normal = np.cross(row, column)
    layers = [layer(*(normal * 3 * at), orientation=[*row, *column]) for at in range(20)]
    found = volume(layers)
    assert found.spacing[2] == pytest.approx(3)
    assert found.direction[6:] == pytest.approx(list(normal))


def test_positions_that_were_rounded_to_two_decimals() -> None:
    assert volume(stack(round(at * 0.3125, 2) for at in range(100))).spacing[2] == pytest.approx(0.3125, abs=1e-3)


def test_directions_that_were_rounded() -> None:
    found = volume([layer(0, 0, at, orientation=[0.9999, 0.0001, 0, 0, 1.0002, 0]) for at in range(10)])
    block = np.array(found.direction).reshape(3, 3)
    assert np.allclose(block @ block.T, np.eye(3), atol=1e-12)


def test_thicknesses_that_differ_are_not_told() -> None:
    layers = stack(range(10))
    assert volume([replace(layers[0], thickness=3), *layers[1:]]).thickness == 0


def tilted(degrees: float, count: int = 12) -> list[Layer]:
    """What a scanner with a tilted gantry sends: the table moves along z, the slices lean."""
    lean = math.radians(degrees)
    cosines = [1.0, 0, 0, 0, math.cos(lean), math.sin(lean)]
    return [layer(0, 0, 5.0 * at, orientation=cosines) for at in range(count)]


REGULAR = stack(range(0, 60, 5))
UNFIT: list[tuple[str, list[Layer], str, NoVolume]] = [
    ("an angiogram", REGULAR, "XA", NoVolume.OTHER_KIND),
    ("colours", [replace(one, samples=3) for one in REGULAR], "MR", NoVolume.OTHER_KIND),
    ("few", REGULAR[: FEWEST_SLICES - 1], "CT", NoVolume.TOO_FEW),
    ("none", [], "CT", NoVolume.TOO_FEW),
    ("many", [REGULAR[0]] * (MOST_SLICES + 1), "CT", NoVolume.TOO_MANY),
    ("no position", [changed(REGULAR[0], position=None), *REGULAR[1:]], "CT", NoVolume.UNPLACED),
    ("no direction", [*REGULAR[:-1], changed(REGULAR[-1], orientation=None)], "CT", NoVolume.UNPLACED),
    ("no spacing", [changed(one, spacing=None) for one in REGULAR], "CT", NoVolume.UNPLACED),
    ("a film's", [changed(one, spacing_is=SpacingIs.DETECTOR) for one in REGULAR], "CT", NoVolume.UNPLACED),
    ("two frames", [replace(REGULAR[0], reference="1.2.8"), *REGULAR[1:]], "CT", NoVolume.UNPLACED),
    ("no frame", [replace(one, reference="") for one in REGULAR], "CT", NoVolume.UNPLACED),
    ("other rows", [replace(REGULAR[0], rows=65), *REGULAR[1:]], "CT", NoVolume.UNLIKE),
    ("other columns", [*REGULAR[:-1], replace(REGULAR[-1], columns=49)], "CT", NoVolume.UNLIKE),
    ("other spacing", [*REGULAR[:-1], changed(REGULAR[-1], spacing=[0.7, 0.51])], "CT", NoVolume.UNLIKE),
    ("a scout", [changed(REGULAR[0], orientation=SAGITTAL), *REGULAR[1:]], "CT", NoVolume.TURNED),
    ("turned by 0.1°", [*REGULAR[1:], changed(REGULAR[0], orientation=[1, 0, 0, 0, 1, 0.0017])], "CT",
     NoVolume.TURNED),
    ("a fan", [layer(0, 0, at, orientation=[1, 0, 0, 0, math.cos(at / 9), math.sin(at / 9)]) for at in range(9)], "MR",
     NoVolume.TURNED),
    ("two phases", [*REGULAR, *REGULAR], "CT", NoVolume.TWICE),
    ("one sent twice", [*REGULAR, REGULAR[4]], "CT", NoVolume.TWICE),
    ("all at one place", [REGULAR[0]] * 10, "CT", NoVolume.TWICE),
    ("one missing", [*REGULAR[:5], *REGULAR[6:]], "CT", NoVolume.MISSING),
    ("three missing", [*REGULAR[:2], *REGULAR[3:6], *REGULAR[8:]], "CT", NoVolume.MISSING),
    ("another step", stack([0, 5, 10, 15, 20, 25, 28, 31, 34, 37]), "CT", NoVolume.UNEVEN),
    ("one out of step", stack([0, 5, 10, 15.2, 20, 25, 30, 35, 40]), "CT", NoVolume.UNEVEN),
    ("one half-way", stack([0, 5, 10, 12.5, 15, 20, 25, 30, 35]), "CT", NoVolume.UNEVEN),
    ("ever wider", stack(at + at * at / 300 for at in range(30)), "CT", NoVolume.UNEVEN),
    ("tilted", tilted(15), "CT", NoVolume.TILTED),
    ("tilted the other way", tilted(-20), "CT", NoVolume.TILTED),
    ("tilted by 0.2°", tilted(0.2), "CT", NoVolume.TILTED),
    ("shifted sideways", [*REGULAR[:-1], layer(-8, -20, 55)], "CT", NoVolume.TILTED),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "modality", "why"), [one[1:] for one in UNFIT], ids=[one[0] for one in UNFIT])
def test_what_fills_no_block(layers: list[Layer], modality: str, why: NoVolume) -> None:
    assert volume_of(modality, layers) == why


def test_a_tilt_that_changes_nothing() -> None:
    assert volume(tilted(0.05)).spacing[2] == pytest.approx(5, rel=1e-4)


@pytest.mark.parametrize(
    "layers",
    [REGULAR, tilted(15), tilted(0.05), stack([0, 5, 10, 15.2, 20, 25, 30, 35, 40]), [*REGULAR[:5], *REGULAR[6:]],
     [*REGULAR, REGULAR[4]], stack(range(50, 0, -1))],
)  # fmt: skip
def test_another_library_agrees(layers: list[Layer]) -> None:
    positions = [one.geometry.position or [] for one in layers]
    spacing, _places = get_volume_positions(positions, layers[0].geometry.orientation or [])
    found = volume_of("CT", layers)
    assert (found.spacing[2] if isinstance(found, Volume) else None) == (spacing and pytest.approx(spacing))


def told(values: dict[str, Any], tmp_path: Any) -> bytes:
    path = tmp_path / "one"
    path.write_bytes(dicom_bytes(**values))
    return read_header(path).description.dicom_json


def test_of_files(tmp_path: Any) -> None:
    common = {"PixelSpacing": [0.5, 0.5], "ImageOrientationPatient": AXIAL, "FrameOfReferenceUID": "1.2.9"}
    descriptions = [
        (told(common | {"ImagePositionPatient": [0, 0, 2 * at], "SliceThickness": "2.0"}, tmp_path), 1)
        for at in range(9)
    ]
    found = volume(layers_of(descriptions))
    assert (found.rows, found.columns, found.thickness, found.spacing) == (16, 16, 2.0, [0.5, 0.5, 2.0])


def test_of_an_enhanced_object() -> None:
    def item(keyword: str, **values: Any) -> Dataset:
        inner, outer = Dataset(), Dataset()
        for name, value in values.items():
            setattr(inner, name, value)
        setattr(outer, keyword, Sequence([inner]))
        return outer

    header = Dataset()
    header.Rows, header.Columns, header.SamplesPerPixel, header.FrameOfReferenceUID = 32, 32, 1, "1.2.9"
    header.Modality = "MR"
    shared = item("PixelMeasuresSequence", PixelSpacing=[1, 1], SliceThickness=3)
    shared.update(item("PlaneOrientationSequence", ImageOrientationPatient=AXIAL))
    header.SharedFunctionalGroupsSequence = Sequence([shared])
    header.PerFrameFunctionalGroupsSequence = Sequence(
        [item("PlanePositionSequence", ImagePositionPatient=[0, 0, 3 * at]) for at in range(10)]
    )
    content = zlib.compress(orjson.dumps(header.to_json_dict()))
    found = volume(layers_of([(content, 10)]), "MR")
    assert (found.spacing, found.thickness) == ([1, 1, 3], 3)


def test_of_nothing_that_is_told() -> None:
    assert volume_of("CT", layers_of([(b"", 1)] * 10)) == NoVolume.UNPLACED


def test_no_more_than_can_be_laid_are_read() -> None:
    assert len(layers_of([(b"", 10_000_000)])) == MOST_SLICES + 1


@pytest.mark.parametrize(
    ("heights", "lacks"),
    [
        ([*range(0, 50, 5), *range(55, 100, 5)], True),
        ([*range(100, 50, -5), *range(40, 0, -5)], True),
        (range(0, 100, 5), False),
        ([*range(0, 50, 5), *range(0, 50, 5)], False),
        ([0, 5, 10, 15, 22, 27, 32, 37, 42], False),
        ([0, 5, 15, 20], False),
    ],
)
def test_a_slice_is_missing(heights: Any, lacks: bool) -> None:
    lies = [one.geometry for one in stack(heights)]
    assert lacks_slice(lies) == lacks


def test_nothing_is_missing_where_slices_are_not_placed_or_not_parallel() -> None:
    gap = [one.geometry for one in stack([*range(0, 50, 5), *range(60, 100, 5)])]
    assert lacks_slice(gap)
    assert not lacks_slice([*gap, replace(gap[0], position=None)])
    assert not lacks_slice([*gap, replace(gap[0], orientation=SAGITTAL)])
    assert not lacks_slice([])
