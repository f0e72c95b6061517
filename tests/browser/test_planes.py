"""Three planes through a series: at the right place, with true lengths; refused where lengths would be false."""

import re
import uuid
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Locator, Page, expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs, eventually
from tests.browser.site import Site
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

pytestmark = pytest.mark.browser

STUDY = "1.2.840.7"
SIDE, SLICES = 64, 24
PIXEL, STEP = 2.0, 3.0  # mm
FIRST = (-64.0, -64.0, 100.0)  # mm
COLUMNS, ROWS, HEIGHTS = range(40, 48), range(16, 24), range(6, 15)
"""Where the box of 1,000 HU lies, in air: 16 by 16 by 27 mm, around x 23, y -25, z 130 mm."""

BOX_OF: str = """canvas => {
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    if (data[4 * (y * width + x)] < 128) continue;
    left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
  }
  const { x, y, width: wide } = canvas.getBoundingClientRect();
  const scale = wide / width;
  const [x1, y1] = [x + (right + 1) * scale, y + (bottom + 1) * scale];
  return { left: x + left * scale, right: x1, top: y + top * scale, bottom: y1 };
}"""
"""The edges of what is brighter than the middle of the window, on the page, in CSS pixels."""


def slices(series: str, *, tilt: float = 0.0) -> list[bytes]:
    """A CT with a box in it; of a tilted gantry, where `tilt` is the sine of it."""
    found = []
    for at in range(SLICES):
        values = np.zeros((SIDE, SIDE), "<i2")
        if at in HEIGHTS:
            values[ROWS.start : ROWS.stop, COLUMNS.start : COLUMNS.stop] = 2024
        found.append(
            dicom_bytes(
                side=SIDE,
                StudyInstanceUID=STUDY,
                SeriesInstanceUID=series,
                SOPInstanceUID=f"{series}.{at + 1}",
                SeriesNumber=int(series.rsplit(".", 1)[1]),
                SeriesDescription="Tilted" if tilt else "Box",
                InstanceNumber=SLICES - at,
                PixelSpacing=[PIXEL, PIXEL],
                SliceThickness=STEP,
                ImagePositionPatient=[FIRST[0], FIRST[1], FIRST[2] + STEP * at],
                ImageOrientationPatient=[1, 0, 0, 0, (1 - tilt * tilt) ** 0.5, tilt],
                FrameOfReferenceUID="1.2.840.9",
                WindowCenter=0,
                WindowWidth=2000,
                PixelData=values.tobytes(),
            )
        )
    return found


async def bring(site: Site, cast: Cast, sessions: Sessions) -> uuid.UUID:
    """An accepted consult with a study of two series, of which the second is tilted."""
    consult = await consult_steps.accepted(cast, sessions)
    async with door(sessions, site.data) as opened:
        await opened.bring(cast.rural, consult.id, *slices(f"{STUDY}.1"), *slices(f"{STUDY}.2", tilt=0.2))
    return consult.id


async def box_in(page: Page, plane: str) -> dict[str, float]:
    """Where the box is drawn, once it is."""
    canvas = page.get_by_test_id(f"plane-{plane}").locator("canvas")
    found: dict[str, float] = {}

    async def is_drawn() -> bool:
        found.update(await canvas.evaluate(BOX_OF))
        return found["right"] > found["left"]

    await eventually(is_drawn)
    return found | {"x": (found["left"] + found["right"]) / 2, "y": (found["top"] + found["bottom"]) / 2}


async def point(page: Page) -> list[float]:
    """Where the planes meet, in mm, and the value there."""
    said = await page.get_by_test_id("planes-point").inner_text()
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", said.replace("−", "-"))]


async def is_at(page: Page, *meant: float) -> bool:
    """To the millimetre."""
    return await point(page) == pytest.approx(meant, abs=1)


async def is_long(label: Locator, length: float) -> bool:
    """In mm, as far as a hand can aim."""
    return float((await label.text_content() or "").split()[0]) == pytest.approx(length, abs=1.5)


async def drag(page: Page, x0: float, y0: float, x1: float, y1: float) -> None:
    await page.mouse.move(x0, y0)
    await page.mouse.down()
    await page.mouse.move(x1, y1, steps=5)
    await page.mouse.up()


async def opened(page: Page) -> list[str]:
    """Go from the viewer to the planes of the first series; what was fetched in the viewer before."""
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    await page.goto(f"/studies/{STUDY}")
    await expect(page.get_by_test_id("viewer-image")).to_have_attribute("data-shown", "full")
    before = list(fetched)
    await page.get_by_test_id("planes-of-study").click()
    choices = page.get_by_test_id("plane-choices")
    await expect(choices).to_contain_text("The slices are tilted: lengths across them would be false.")
    await choices.get_by_test_id("open-planes").click()
    return before


async def test_a_box_stands_where_it_is_and_is_as_long_as_it_is(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs
) -> None:
    await bring(site, cast, sessions)
    page = await open_as("specialist")
    refused: list[Any] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    before = await opened(page)
    assert not [address for address in before if "volume" in address or "planes" in address]
    await expect(page.get_by_test_id("planes")).to_have_attribute("data-ready", "true", timeout=60_000)

    axial = await box_in(page, "axial")
    await drag(page, axial["left"], axial["top"], axial["x"], axial["y"])
    coronal = await box_in(page, "coronal")
    await drag(page, coronal["left"], coronal["top"], coronal["x"], coronal["y"])
    await eventually(lambda: is_at(page, 23, -25, 130, 1000), within=10)
    sagittal = await box_in(page, "sagittal")
    high, wide = coronal["bottom"] - coronal["top"], coronal["right"] - coronal["left"]
    assert high / wide == pytest.approx(27 / 16, rel=0.05)
    assert sagittal["bottom"] - sagittal["top"] > 0

    edges = page.get_by_test_id("plane-coronal").locator("[data-edge]")
    assert await edges.all_inner_texts() == ["H", "L", "F", "R"]
    await expect(page.get_by_test_id("plane-coronal")).to_contain_text("Computed from slices of 3 mm")

    await page.get_by_role("button", name="Measure a length").click()
    await drag(page, coronal["x"], coronal["top"], coronal["x"], coronal["bottom"])
    label = page.get_by_test_id("plane-coronal").locator("svg text", has_text="mm")
    await expect(label).to_have_count(1)
    await eventually(lambda: is_long(label, 27), within=10)
    await page.get_by_role("button", name="Take away the last measurement").click()
    await expect(label).to_have_count(0)
    assert not refused, "the content security policy of every other page holds for this one"


async def test_a_tilted_series_is_refused(site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs) -> None:
    await bring(site, cast, sessions)
    page = await open_as("rural", width=360, height=740)
    await page.goto(f"/studies/{STUDY}/series/{STUDY}.2/planes")
    await expect(page.get_by_test_id("no-planes")).to_contain_text("The slices are tilted")
    await page.get_by_role("link", name="Look at the images one by one").click()
    await expect(page.get_by_test_id("viewer")).to_be_visible()


async def test_where_little_is_to_be_fetched_it_asks_first_and_a_phone_shows_one_plane(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs
) -> None:
    await bring(site, cast, sessions)
    page = await open_as("rural", width=360, height=740)
    await page.add_init_script('Object.defineProperty(navigator, "connection", { value: { saveData: true } })')
    await page.goto(f"/studies/{STUDY}/series/{STUDY}.1/planes")
    await expect(page.get_by_text("24 slices · up to 197 kB to download")).to_be_visible()
    await page.get_by_role("button", name="Load").click()
    await expect(page.get_by_test_id("planes")).to_have_attribute("data-ready", "true", timeout=60_000)
    await expect(page.get_by_test_id("plane-axial")).to_be_visible()
    await page.get_by_role("button", name="Sagittal").click()
    await expect(page.get_by_test_id("plane-axial")).not_to_be_visible()
    sagittal = page.get_by_test_id("plane-sagittal")
    await sagittal.focus()
    x, y, z, _value = await point(page)
    for _press in range(3):
        await page.keyboard.press("ArrowDown")
    after = await point(page)
    assert abs(after[0] - x) == pytest.approx(3 * PIXEL, abs=PIXEL)
    assert after[1:3] == pytest.approx([y, z], abs=0.1)
    overflow = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert await page.evaluate(overflow), "nothing hangs over the edge"
