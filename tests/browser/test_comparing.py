"""Two studies of a patient beside each other, scrolled together by their place in the body."""

import pytest
from playwright.async_api import expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs
from tests.browser.site import Site
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

pytestmark = pytest.mark.browser


def series(uid: str, depths: list[float]) -> list[bytes]:
    return [
        dicom_bytes(
            side=64,
            shade=number * 10,
            StudyInstanceUID=uid,
            SeriesInstanceUID=f"{uid}.1",
            SOPInstanceUID=f"{uid}.2.{number}",
            InstanceNumber=number,
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            ImagePositionPatient=[0, 0, depth],
            FrameOfReferenceUID="1.2.9",
        )
        for number, depth in enumerate(depths, start=1)
    ]


@pytest.mark.parametrize("width", [360, 1440])
async def test_the_slice_at_the_same_height_is_shown_beside(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs, width: int
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with door(sessions, site.data) as opened:
        await opened.bring(cast.rural, consult.id, *series("1.2.3.4", [0, 5, 10, 15, 20]))
        await opened.bring(cast.rural, consult.id, *series("1.2.3.5", [0, 10, 20]))
    page = await open_as("specialist", width=width, height=800)
    await page.goto("/studies/1.2.3.4")
    first = page.get_by_test_id("viewer").first
    await expect(first.get_by_test_id("viewer-image")).to_have_attribute("data-shown", "full")
    await expect(first.locator("[data-edge=right]")).to_have_text("L")
    stage = first.get_by_role("group", name="Image", exact=True)
    await stage.focus()
    await page.keyboard.press("End")
    await page.get_by_test_id("compare").select_option(index=1)
    second = page.get_by_test_id("viewer").nth(1)
    await expect(second.get_by_test_id("viewer-image")).to_have_attribute("data-shown", "full")
    await expect(page.get_by_text("Together by their place in the body")).to_be_visible()
    place = second.locator("[data-viewer-target=place]")
    await expect(place).to_contain_text("3 of 3")
    await stage.focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(place).to_contain_text("2 of 3")
    await page.get_by_role("button", name="Scroll both together").click()
    await stage.focus()
    await page.keyboard.press("Home")
    await expect(first.locator("[data-viewer-target=place]")).to_contain_text("1 of 5")
    await expect(place).to_contain_text("2 of 3")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.locator("[data-compare-target=close]").click()
    await expect(page.get_by_test_id("viewer")).to_have_count(1)
