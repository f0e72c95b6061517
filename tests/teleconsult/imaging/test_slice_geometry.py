"""What can be measured on a slice, and what the header leaves unsaid."""

import zlib
from typing import Any

import orjson
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from teleconsult.imaging.parsing import read_header
from teleconsult.imaging.slice_geometry import MOST_SLICES, SeriesGeometry, SliceGeometry, geometry_of
from tests.teleconsult.imaging.files import REAL, dicom_bytes

AXIAL = [1, 0, 0, 0, 1, 0]


def element(vr: str, *values: object) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


def shadow(**elements: Any) -> dict[str, Any]:
    tags = {"modality": "00080060", "pixel": "00280030", "imager": "00181164", "type": "00280A02", "film": "00182010"}
    return {"00080060": element("CS", "DX")} | {tags[name]: element("DS", *value) for name, value in elements.items()}


def one(elements: dict[str, Any]) -> SliceGeometry:
    return next(iter(geometry_of(elements, 1)))


def test_of_a_slice_of_a_body() -> None:
    told = orjson.loads(zlib.decompress(read_header(REAL / "CT_small.dcm").description.dicom_json))
    found = one(told)
    assert found.spacing == [0.661468, 0.661468]
    assert (found.spacing_is, found.unit, found.regions) == ("patient", "HU", [])
    assert found.orientation == AXIAL
    assert found.position == [-158.135803, -179.035797, -75.699997]


@pytest.mark.parametrize(
    ("elements", "spacing", "where"),
    [
        (shadow(imager=[0.2, 0.2]), [0.2, 0.2], "detector"),
        (shadow(film=[0.2, 0.2]), [0.2, 0.2], "detector"),
        (shadow(pixel=[0.2, 0.2], imager=[0.2, 0.2]), [0.2, 0.2], "detector"),
        (shadow(pixel=[0.2, 0.2]), [0.2, 0.2], "detector"),
        (shadow(pixel=[0.15, 0.15], imager=[0.2, 0.2]), [0.15, 0.15], "patient"),
        (shadow(pixel=[0.2, 0.2], type=["FIDUCIAL"]), [0.2, 0.2], "patient"),
        (shadow(modality=["MR"], pixel=[0.5, 0.7]), [0.5, 0.7], "patient"),
        (shadow(), None, ""),
    ],
)
def test_where_a_spacing_holds(elements: dict[str, Any], spacing: list[float] | None, where: str) -> None:
    found = one(elements)
    assert (found.spacing, found.spacing_is) == (spacing, where)


@pytest.mark.parametrize(
    "pair", [[0, 0], [-1, 1], [None, 1], ["a", "b"], [1], [1, 2, 3], [1e300, 1], [float("inf"), 1], [float("nan"), 1]]
)
def test_a_spacing_that_cannot_be_right_is_none(pair: list[object]) -> None:
    assert one(shadow(modality=["CT"], pixel=pair)).spacing is None


@pytest.mark.parametrize("elements", [{"00280030": None}, {"00280030": {"Value": "x"}}, {"52009229": element("SQ", 1)}])
def test_what_is_no_element_at_all(elements: dict[str, Any]) -> None:
    assert one(elements) == SliceGeometry()


@pytest.mark.parametrize("cosines", [[1, 0, 0, 1, 0, 0], [2, 0, 0, 0, 1, 0], [0] * 6, [1, 0, 0]])
def test_directions_that_are_none(cosines: list[float]) -> None:
    assert one({"00200037": element("DS", *cosines)}).orientation is None


@pytest.mark.parametrize(
    ("kind", "rescale_type", "unit"),
    [
        ("AXIAL", None, "HU"),
        ("AXIAL", "HU", "HU"),
        ("LOCALIZER", None, ""),
        ("AXIAL", "US", ""),
        ("AXIAL", "Z_EFF", "Z_EFF"),
    ],
)
def test_the_unit_of_the_values(kind: str, rescale_type: str | None, unit: str, tmp_path: Any) -> None:
    values: dict[str, Any] = {"ImageType": ["ORIGINAL", "PRIMARY", kind]}
    if rescale_type:
        values["RescaleType"] = rescale_type
    path = tmp_path / "one"
    path.write_bytes(dicom_bytes(**values))
    assert one(orjson.loads(zlib.decompress(read_header(path).description.dicom_json))).unit == unit


def region(x1: int = 639) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat = item.RegionDataType = 1
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 84, 31
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x1, 414
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.05, 0.06
    return item


def test_regions_of_ultrasound() -> None:
    unfinished = region()
    del unfinished.PhysicalDeltaX
    header = Dataset()
    header.Rows, header.Columns, header.SequenceOfUltrasoundRegions = 480, 640, Sequence([region(), unfinished])
    assert one(header.to_json_dict()).regions == [[84, 31, 639, 414, 0.05, 0.06, 3, 3, 1]]
    header.SequenceOfUltrasoundRegions = Sequence([region(), region(x1=700)])
    assert one(header.to_json_dict()).regions == []


def test_regions_of_a_picture_that_was_made_smaller() -> None:
    header = read_header(REAL / "examples_ybr_color.dcm")  # 320 columns, and a region to column 595
    assert one(orjson.loads(zlib.decompress(header.description.dicom_json))).regions == []


def test_frames_have_their_functional_groups(tmp_path: Any) -> None:
    def measures(spacing: float) -> Sequence:
        item = Dataset()
        item.PixelSpacing = [spacing, spacing]
        return Sequence([item])

    def place(z: float) -> Dataset:
        group, item = Dataset(), Dataset()
        item.ImagePositionPatient = [0, 0, z]
        group.PlanePositionSequence = Sequence([item])
        return group

    shared, orientation = Dataset(), Dataset()
    orientation.ImageOrientationPatient = AXIAL
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = measures(0.5), Sequence([orientation])
    frames = [place(0), place(5), place(10)]
    frames[2].PixelMeasuresSequence = measures(0.25)
    path = tmp_path / "one"
    path.write_bytes(
        dicom_bytes(
            SharedFunctionalGroupsSequence=Sequence([shared]),
            PerFrameFunctionalGroupsSequence=Sequence(frames),
            ImagePositionPatient=[9, 9, 9],
        )
    )
    told = orjson.loads(zlib.decompress(read_header(path).description.dicom_json))
    found = list(geometry_of(told, 3))
    assert [slice_.position for slice_ in found] == [[0, 0, 0], [0, 0, 5], [0, 0, 10]]
    assert [slice_.spacing for slice_ in found] == [[0.5, 0.5], [0.5, 0.5], [0.25, 0.25]]
    assert {tuple(slice_.orientation or ()) for slice_ in found} == {tuple(AXIAL)}
    assert list(geometry_of(told, 4))[3].position is None


def test_a_series_is_bounded_and_compares_only_within_one_frame_of_reference() -> None:
    def packed(reference: str) -> bytes:
        return zlib.compress(orjson.dumps({"00200052": element("UI", reference)}))

    geometry = SeriesGeometry()
    geometry.add([(packed("1.2.3"), 0), (packed("1.2.3"), 2)])
    assert (geometry.frame_of_reference, len(geometry.slices)) == ("1.2.3", 3)
    geometry.add([(packed("1.2.4"), 1_000_000), (b"", 5)])
    assert (geometry.frame_of_reference, len(geometry.slices)) == ("", MOST_SLICES)
    assert orjson.loads(geometry.as_json(lacks_slice=False))["slices"][0] == {
        "spacing": None,
        "spacing_is": "",
        "orientation": None,
        "position": None,
        "unit": "",
        "regions": [],
        "rate": None,
    }


@pytest.mark.parametrize(
    ("told", "rate"),
    [
        ({"00082144": element("IS", 30), "00180040": element("IS", 10)}, 30),
        ({"00180040": element("IS", 10), "00181063": element("DS", 20)}, 10),
        ({"00181063": element("DS", 20)}, 50),
        ({"00181065": element("DS", 0, 100, 300)}, 5),
        ({"00082144": element("IS", 600)}, 60),
        ({"00181063": element("DS", 0)}, None),
        ({"00181063": element("DS", None)}, None),
        ({"00181063": {"vr": "DS"}}, None),
        ({}, None),
    ],
)
def test_how_fast_it_is_shown(told: dict[str, Any], rate: float | None) -> None:
    assert [one.rate for one in geometry_of(told, 2)] == [rate, rate]
