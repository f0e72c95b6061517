"""Images from the doctor's disc to the specialist's screen: dropped, named, windowed, scrolled, zoomed."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs
from tests.browser.site import Site
from tests.people import Cast
from tests.teleconsult.imaging.files import HEAD, REAL, dicom_bytes
from tests.teleconsult.imaging.steps import door

pytestmark = pytest.mark.browser

STUDY = {"StudyInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.4.1"}


def disc(folder: Path, slices: int = 5) -> Path:
    """A folder with a series whose slices are brighter from one to the next, and a text file."""
    images = folder / "disc"
    images.mkdir()
    for number in range(1, slices + 1):
        content = dicom_bytes(side=64, shade=number * 10, InstanceNumber=number, **STUDY)
        (images / f"IM{number}").write_bytes(content)
    (images / "readme.txt").write_text("no image")
    return images


async def mean_grey(page: Page) -> float:
    """What the middle of the canvas looks like, 0 to 255."""
    return float(
        await page.get_by_test_id("viewer-image").evaluate(
            """canvas => {
                const { width, height } = canvas;
                const side = Math.min(width, height) / 2;
                const box = [(width - side) / 2, (height - side) / 2, side, side];
                const data = canvas.getContext("2d").getImageData(...box).data;
                let sum = 0;
                for (let at = 0; at < data.length; at += 4) sum += data[at];
                return sum / (data.length / 4);
            }"""
        )
    )


async def test_a_disc_is_dropped_and_named(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs, tmp_path: Path
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    page = await open_as("rural")
    await page.goto(f"/consults/{draft.id}")
    await page.get_by_test_id("dicom-folder").set_input_files(disc(tmp_path))
    await expect(page.get_by_text("readme.txt: This is not a DICOM file.")).to_be_visible()
    await expect(page.get_by_test_id("study-card")).to_contain_text("5 images")
    await page.get_by_test_id("dicom-files").set_input_files(HEAD)
    await expect(page.get_by_test_id("study-card")).to_have_count(2)
    await expect(page.get_by_test_id("identity-differs")).to_be_visible()
    await page.get_by_test_id("confirm-identity").click()
    await expect(page.get_by_test_id("identity-differs")).to_have_count(0)
    await page.get_by_test_id("open-study").first.click()
    await expect(page.get_by_test_id("viewer-image")).to_have_attribute("data-ready", "true")


@pytest.mark.parametrize("width", [360, 1440])
async def test_looking_at_a_series(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs, tmp_path: Path, width: int
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    contents = [file.read_bytes() for file in sorted(disc(tmp_path).glob("IM*"))]
    async with door(sessions, site.data) as opened:
        await opened.bring(cast.rural, consult.id, *contents)
    page = await open_as("specialist", width=width, height=800)
    await page.goto("/studies/1.2.3.4")
    image = page.get_by_test_id("viewer-image")
    await expect(image).to_have_attribute("data-shown", "full")
    first = await mean_grey(page)
    assert 0 < first < 255

    await page.locator(".viewer-stage").focus()
    for _turn in range(3):
        await page.keyboard.press("ArrowDown")
    await expect(page.get_by_text("4 of 5")).to_be_visible()
    await expect(image).to_have_attribute("data-shown", "full")
    assert await mean_grey(page) > first, "a later slice is brighter"

    before = await mean_grey(page)
    box = await image.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(*middle)
    await page.mouse.down()
    await page.mouse.move(middle[0], middle[1] + 60)
    await page.mouse.up()
    assert await mean_grey(page) < before, "dragging down darkens"

    await page.keyboard.press("r")
    before = await mean_grey(page)
    await page.keyboard.press("i")
    assert await mean_grey(page) == pytest.approx(255 - before, abs=2)
    await page.keyboard.press("i")

    await page.mouse.move(*middle)
    await page.mouse.wheel(0, -100)
    await expect(page.get_by_text("3 of 5")).to_be_visible()
    overflow = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert await page.evaluate(overflow), "nothing hangs over the edge"


async def test_a_moving_picture_plays(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs, tmp_path: Path
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with door(sessions, site.data) as opened:
        await opened.bring(cast.rural, draft.id, (REAL / "examples_ybr_color.dcm").read_bytes())
    page = await open_as("rural")
    await page.goto(f"/consults/{draft.id}")
    await page.get_by_test_id("open-study").click()
    await expect(page.get_by_test_id("viewer-image")).to_have_attribute("data-shown", "full")
    await page.locator(".viewer-stage").focus()
    await page.keyboard.press(" ")
    await expect(page.locator(".viewer-note-top")).to_have_text(re.compile(r"\b(1|2)\d of 30$"))
    await page.keyboard.press(" ")
