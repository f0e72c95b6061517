"""Measuring on an image: by mouse, by finger and by keys, kept for the other doctor and put into the note."""

import re
import uuid
from typing import Any

import pytest
from playwright.async_api import Page, expect

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.conftest import OpenAs
from tests.browser.site import Site
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

pytestmark = pytest.mark.browser

STUDY = "1.2.3.4"


async def bring(site: Site, cast: Cast, sessions: Sessions) -> uuid.UUID:
    """An accepted consult with a slice of 64 mm by 64 mm."""
    consult = await consult_steps.accepted(cast, sessions)
    content = dicom_bytes(
        side=128, StudyInstanceUID=STUDY, SeriesInstanceUID=f"{STUDY}.1", PixelSpacing=[0.5, 0.5], InstanceNumber=1
    )
    async with door(sessions, site.data) as opened:
        await opened.bring(cast.rural, consult.id, content)
    return consult.id


async def stage_of(page: Page) -> dict[str, float]:
    """Where the image lies: its middle, and how many CSS pixels are one of its millimetres."""
    await expect(page.get_by_test_id("viewer-image")).to_have_attribute("data-shown", "full")
    box = await page.locator(".viewer-stage").bounding_box()
    assert box
    middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    return middle | {"mm": min(box["width"], box["height"]) / 64}


async def touch(page: Page, *points: tuple[float, float]) -> None:
    """One finger, from the first point to the last."""
    session: Any = await page.context.new_cdp_session(page)
    for at, (x, y) in enumerate(points):
        kind = "touchMove" if at else "touchStart"
        await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    await session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


async def test_a_length_by_mouse_and_keys_kept_for_the_other(
    site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs
) -> None:
    consult_id = await bring(site, cast, sessions)
    page = await open_as("specialist")
    await page.goto(f"/studies/{STUDY}")
    stage = await stage_of(page)
    await page.get_by_role("button", name="Measure a length").click()
    await page.mouse.move(stage["x"] - 10 * stage["mm"], stage["y"])
    await page.mouse.down()
    await page.mouse.move(stage["x"] + 10 * stage["mm"], stage["y"], steps=4)
    await page.mouse.up()
    label = page.locator(".mark-label")
    await expect(label).to_have_text("20.0 mm")

    await page.get_by_role("button", name="Turn clockwise").click()
    await page.get_by_role("button", name="Zoom in").click()
    await expect(label).to_have_text("20.0 mm")

    await page.get_by_role("button", name="Point 2").focus()
    await page.keyboard.press("Shift+ArrowDown")
    await expect(label).not_to_have_text("20.0 mm")
    await page.keyboard.press("Delete")
    await expect(label).to_have_count(0)
    await page.keyboard.press("Control+z")
    await expect(label).to_have_count(1)

    await page.get_by_test_id("key-image").click()
    await expect(page.get_by_text(re.compile("This image is in the note of consult no"))).to_be_visible()
    await expect(page.locator(".mark-kept")).to_have_count(1)  # what the note shows is kept with the images
    await page.get_by_role("button", name="Measurements", exact=True).click()
    await expect(page.locator(".viewer-mark")).to_contain_text(cast.specialist.name)
    await expect(page.get_by_role("button", name="Keep measurements")).to_be_disabled()

    await page.goto(f"/consults/{consult_id}")
    await page.get_by_test_id("open-note").first.click()
    figure = page.get_by_test_id("key-images").locator("figure")
    await expect(figure).to_contain_text(re.compile(r"Length · 2\d\.\d\smm"))
    await expect(figure.locator("polyline")).to_have_count(2)
    large = page.locator(".note-picture-large")
    await expect(large).to_be_hidden()
    await figure.get_by_role("button").click()
    await expect(large).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(large).to_be_hidden()

    other = await open_as("rural", width=360, height=740)
    await other.goto(f"/studies/{STUDY}")
    await stage_of(other)
    await expect(other.locator(".mark-kept .mark-label")).to_have_text(re.compile(r"^2\d\.\d\smm$"))


async def test_an_angle_and_an_area_by_finger(site: Site, cast: Cast, sessions: Sessions, open_as: OpenAs) -> None:
    await bring(site, cast, sessions)
    page = await open_as("rural", width=360, height=740)
    await page.goto(f"/studies/{STUDY}")
    stage = await stage_of(page)
    x, y, mm = stage["x"], stage["y"], stage["mm"]

    await page.get_by_role("button", name="Measure an angle").click()
    await touch(page, (x - 20 * mm, y), (x - 10 * mm, y), (x, y))
    await expect(page.get_by_text("Now drag to where the other arm ends.")).to_be_visible()
    await touch(page, (x, y), (x, y + 20 * mm))  # from where the first arm ended
    await expect(page.locator(".mark-label")).to_have_text("90.0°")

    await page.get_by_role("button", name="Measure an area").click()
    await touch(page, (x + 5 * mm, y - 20 * mm), (x + 10 * mm, y - 15 * mm), (x + 25 * mm, y - 10 * mm))
    area = page.locator(".mark-label").last
    await expect(area).to_contain_text(re.compile(r"15[67]\.\d\smm²"))  # pi / 4 * 20 * 10
    await expect(area).to_contain_text("HU")

    await touch(page, (x + 25 * mm, y - 10 * mm), (x + 25 * mm, y - 5 * mm))
    await expect(area).to_contain_text(re.compile(r"23\d\.\d\smm²"))
    overflow = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert await page.evaluate(overflow), "nothing hangs over the edge"
