"""Ultrasound: lengths in the region's own spacing, by key; outside of it none, and the page says why."""

import pytest
from playwright.async_api import expect
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs
from tests.browser.site import Site
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

pytestmark = pytest.mark.browser

STUDY, SIDE = "1.2.7", 256


def region() -> Dataset:
    """The middle: half a millimetre from one pixel to the next."""
    item = Dataset()
    item.RegionSpatialFormat = item.RegionDataType = 1
    item.RegionLocationMinX0 = item.RegionLocationMinY0 = 64
    item.RegionLocationMaxX1 = item.RegionLocationMaxY1 = 191
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX = item.PhysicalDeltaY = 0.05
    return item


async def test_a_length_is_one_only_in_its_region(site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    regions = Sequence([region()])
    ultrasound = dicom_bytes(side=SIDE, StudyInstanceUID=STUDY, Modality="US", SequenceOfUltrasoundRegions=regions)
    async with door(sessions, site.data) as opened:
        await opened.bring(cast.rural, consult.id, ultrasound)
    page = await open_as("specialist")
    async with page.expect_response(lambda answer: "/geometry" in answer.url):
        await page.goto(f"/studies/{STUDY}")
    await expect(page.get_by_test_id("viewer-image")).to_have_attribute("data-shown", "full")
    stage = page.locator(".viewer-stage")
    await stage.focus()
    await page.keyboard.press("l")
    await expect(page.get_by_role("button", name="Measure a length")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Enter")
    label, hint = page.locator(".mark-label"), page.locator("[data-marks-target=hint]")
    await expect(label).to_have_text("32.0\u00a0mm")
    await expect(hint).to_be_hidden()
    for _press in range(20):
        await page.keyboard.press("Shift+ArrowRight")
    await expect(label).to_have_text("64\u00a0px")
    await expect(hint).to_contain_text("this part of the image has no scale")
    for _press in range(20):
        await page.keyboard.press("Shift+ArrowLeft")
    await expect(label).to_have_text("32.0\u00a0mm")
    await expect(hint).to_be_hidden()
