"""The letters at the edges of an image, as the viewer writes them."""

from typing import Any

import pytest

from teleconsult.imaging.sides import Sides, sides_of

AXIAL, CORONAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1]


def elements(tag: str, values: list[Any]) -> dict[str, Any]:
    return {tag: {"vr": "DS", "Value": values}}


@pytest.mark.parametrize(
    ("told", "sides"),
    [
        (elements("00200037", AXIAL), Sides("A", "L", "P", "R")),
        (elements("00200037", CORONAL), Sides("H", "L", "F", "R")),
        (elements("00200037", [0.8, 0.6, 0, -0.6, 0.8, 0]), Sides("AL", "LP", "PR", "RA")),
        (elements("00200020", ["L", "F"]), Sides("H", "L", "F", "R")),
        (elements("00200020", ["AF", "FP"]), Sides("HA", "AF", "FP", "PH")),
        (elements("00200020", ["LEFT", "F"]), None),
        (elements("00200020", ["L"]), None),
        ({}, None),
    ],
)
def test_sides_of_an_image(told: dict[str, Any], sides: Sides | None) -> None:
    assert sides_of(told, frame=1, frames=1) == sides


def test_each_frame_lies_by_itself() -> None:
    def lies(cosines: list[float]) -> dict[str, Any]:
        return {"00209116": {"vr": "SQ", "Value": [elements("00200037", cosines)]}}

    told = {"52009230": {"vr": "SQ", "Value": [lies(AXIAL), lies(CORONAL)]}}
    assert sides_of(told, frame=2, frames=2) == Sides("H", "L", "F", "R")
    assert sides_of(told, frame=3, frames=2) is None
