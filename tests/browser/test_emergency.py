"""An emergency from the press on a phone to both on video: rung with sound on another page, answered in one press."""

import os

import pytest
from playwright.async_api import expect

from teleconsult.db import Sessions
from tests.browser.conftest import OpenAs, eventually
from tests.browser.site import Site
from tests.browser.test_call import KEEP_CONNECTIONS, both_live
from tests.emergency_steps import WHAT, on_duty
from tests.people import Cast

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("EMERGENCY_PICTURES", "")


async def test_pressed_rung_answered_and_both_on_video(
    site: Site, open_as: OpenAs, cast: Cast, sessions: Sessions
) -> None:
    await on_duty(sessions, cast.trauma, cast.oncall)
    rural, oncall = await open_as("rural", width=360, height=780), await open_as("oncall")
    coordinator = await open_as("coordinator")
    for page in (rural, oncall):
        await page.add_init_script(KEEP_CONNECTIONS)
    await oncall.goto("/patients")  # any page
    await oncall.locator("h1").first.click()  # a first press anywhere lets it sound

    await rural.goto("/")
    await rural.get_by_test_id("emergency").click()
    await rural.get_by_test_id("what").fill(WHAT)
    await _picture(rural, "form")
    await rural.get_by_test_id("emergency-call").click()
    await expect(rural.get_by_test_id("paged")).to_contain_text(cast.oncall.name)

    async def own_picture_moves() -> bool:
        return bool(await rural.evaluate("document.querySelector('[data-testid=own-picture] video').videoWidth > 0"))

    await eventually(own_picture_moves)

    dialog = oncall.get_by_test_id("ringing")
    await expect(dialog).to_be_visible()
    await expect(dialog).to_contain_text(WHAT)
    await expect(dialog).to_have_attribute("data-sounding", "true")
    await expect(rural.get_by_test_id("paged")).to_contain_text("Rings")
    await expect(coordinator.get_by_test_id("emergency-line")).to_contain_text(cast.oncall.name)
    for page, name in ((rural, "waiting"), (oncall, "ringing"), (coordinator, "board")):
        await _picture(page, name)
    await oncall.get_by_test_id("answer-emergency").click()

    await oncall.wait_for_url("**/room")
    await both_live(rural, oncall)
    await expect(coordinator.get_by_test_id("emergency-line")).to_contain_text(cast.oncall.name)
    await _picture(rural, "room")


async def _picture(page: object, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)  # type: ignore[attr-defined]  # a page
